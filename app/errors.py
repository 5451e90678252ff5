"""Every error of the service, and the status each one is answered with.

```
AppError
├── SettingsError             a setting nobody knows, or a value it cannot take; stops start-up
├── ServeError                cli: the service cannot start here
├── RuntimeDirectoryError     workers: there is no place for the runtime directory
├── TrainError                cli: a model cannot be trained of this file, or not here
├── ModelsDirectoryError      cli: the directory of models cannot be read
└── RequestError              answered as application/problem+json
    ├── MalformedBodyError    400  the body is not what it says
    ├── UnknownModelError     404  no model of that name is served
    ├── NotAcceptableError    406  the client accepts nothing that can be sent
    ├── BodyTooLargeError     413  the body is over the limit
    ├── UnsupportedMediaError 415  the body is of a type, or coded in a way, not understood
    ├── InvalidInputError     422  well-formed JSON that does not fit the model or the endpoint
    ├── QueueFullError        429  there is no room for more work at present
    ├── ComputationError      500  the computation failed
    ├── PoisonousJobError     500  the computation ended every worker that tried it
    ├── UnavailableError      503  no model can answer
    │   └── NoWorkerError     503  no worker can compute at present
    ├── DrainingError         503  the service is about to stop
    └── DeadlineError         504  the deadline passed before it was computed
```

An error knows its status and its problem type; `madeira.app.http.problems` writes it out. Errors of
`models` (which knows nothing of HTTP) become one of these where the service calls it.
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from itertools import islice
from typing import ClassVar

from madeira.models.echo import cut, did_you_mean, listed, quoted
from madeira.models.errors import CELL_LIMIT, CellError

__all__ = [
    "CELL_ERRORS_LIMIT",
    "AppError",
    "BodyTooLargeError",
    "ComputationError",
    "DeadlineError",
    "DrainingError",
    "InvalidInputError",
    "MalformedBodyError",
    "NoWorkerError",
    "NotAcceptableError",
    "PoisonousJobError",
    "QueueFullError",
    "RequestError",
    "SettingsError",
    "UnavailableError",
    "UnknownModelError",
    "UnsupportedMediaError",
]

CELL_ERRORS_LIMIT = CELL_LIMIT
"""Most cell errors that one answer lists."""

MAX_DETAIL = 2000
"""Most characters of the text of an error; what it repeats of a request is cut before."""


class AppError(Exception):
    """Base of every error of this package."""


class SettingsError(AppError):
    """A setting is unknown, or its value is not one it can take."""


class RequestError(AppError):
    """A request that is answered with a problem document (RFC 9457).

    Attributes:
        status: The HTTP status.
        slug: Last part of the problem's type, `urn:madeira:problem:<slug>`.
        title: What kind of problem it is; the same for every occurrence.
        detail: What is wrong with this request.
        cells: Where in the table it is wrong; at most `CELL_ERRORS_LIMIT`.
        headers: Headers the answer needs, such as `Retry-After`.
    """

    status: ClassVar[HTTPStatus]
    slug: ClassVar[str]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str,
        *,
        cells: Iterable[CellError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.detail = cut(detail, MAX_DETAIL)
        super().__init__(self.detail)
        self.cells = tuple(islice(cells, CELL_ERRORS_LIMIT))
        self.headers = dict(headers or {})


class MalformedBodyError(RequestError):
    """The body is not JSON, or not an Arrow stream, as it says; the detail says where."""

    status = HTTPStatus.BAD_REQUEST
    slug = "malformed-body"
    title = "The body cannot be read"


class UnknownModelError(RequestError):
    """No model of the name asked for is served."""

    status = HTTPStatus.NOT_FOUND
    slug = "unknown-model"
    title = "No such model"

    def __init__(
        self,
        name: str,
        served: Sequence[str],
        version: str | None = None,
        served_version: str | None = None,
    ) -> None:
        if version is not None:
            message = (
                f"Version {quoted(version)} of {quoted(name)} is not served; {served_version!r} is."
            )
            RequestError.__init__(self, message)
            return
        super().__init__(
            f"No model is called {quoted(name)}.{did_you_mean(name, served)} "
            f"Models served: {listed(served, quoted) or 'none'}."
        )


class NotAcceptableError(RequestError):
    """Nothing the client accepts can be sent."""

    status = HTTPStatus.NOT_ACCEPTABLE
    slug = "not-acceptable"
    title = "No acceptable representation"


class BodyTooLargeError(RequestError):
    """The body is over the limit; the rest of it is not read."""

    status = (
        HTTPStatus.CONTENT_TOO_LARGE
        if hasattr(HTTPStatus, "CONTENT_TOO_LARGE")
        else (HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    )
    slug = "body-too-large"
    title = "The body is too large"

    def __init__(self, limit_bytes: int) -> None:
        # The connection is closed because the unread rest of the body still lies in it.
        super().__init__(
            f"The body is over the limit of {limit_bytes} bytes; send several requests.",
            headers={"Connection": "close"},
        )


class UnsupportedMediaError(RequestError):
    """The body is of a type, or coded in a way, that is not understood."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    slug = "unsupported-media-type"
    title = "The type of the body is not supported"


class InvalidInputError(RequestError):
    """Well-formed JSON that does not fit the model or the endpoint."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "invalid-input"
    title = "The input does not fit"

    @classmethod
    def of_cells(cls, cells: Sequence[CellError]) -> "InvalidInputError":
        """One error for everything that is wrong in a table."""
        first = str(cells[0])
        more = "" if len(cells) == 1 else f" (the first of {len(cells)} errors)"
        if len(cells) >= CELL_ERRORS_LIMIT:
            more = f" (the first of {CELL_ERRORS_LIMIT} errors or more)"
        return cls(f"{first}{more}", cells=cells)


class UnavailableError(RequestError):
    """No model can answer."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    slug = "unavailable"
    title = "No model can answer"


class NoWorkerError(UnavailableError):
    """No worker can compute at present; new ones are being started."""

    def __init__(self, retry_after_s: int = 5) -> None:
        super().__init__(
            f"No worker can compute at present; try again in {retry_after_s} s.",
            headers={"Retry-After": str(retry_after_s)},
        )


class QueueFullError(RequestError):
    """There is no room for more work at present."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    slug = "queue-full"
    title = "Too much work is waiting"

    def __init__(self, retry_after_s: int, reason: str = "The queue is full") -> None:
        super().__init__(
            f"{reason}; try again in {retry_after_s} s.",
            headers={"Retry-After": str(retry_after_s)},
        )


class ComputationError(RequestError):
    """The computation failed, through no fault of the input that is known."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    slug = "computation"
    title = "The computation failed"

    def __init__(
        self, detail: str = "The service failed on this request; the cause is in its log."
    ) -> None:
        super().__init__(detail)


class PoisonousJobError(RequestError):
    """The computation ended every worker that tried it."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    slug = "poisonous-job"
    title = "The computation cannot be finished"

    def __init__(self) -> None:
        super().__init__(
            "The computation was interrupted three times and is not tried again; "
            "send fewer rows, and report it if that does not help."
        )


class DrainingError(RequestError):
    """The service is about to stop and takes no more work."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    slug = "draining"
    title = "The service is stopping"

    def __init__(self) -> None:
        super().__init__(
            "The service is stopping; send the request again, to another one if there is one.",
            headers={"Connection": "close", "Retry-After": "1"},
        )


class DeadlineError(RequestError):
    """The deadline of the request passed before it was computed."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    slug = "deadline"
    title = "The deadline has passed"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The request was not computed within {seconds * 1000:g} ms.")
