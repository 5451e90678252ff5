"""All errors of the service, and the HTTP status of each.

```
AppError
├── SettingsError                 an unknown setting or an invalid value; stops start-up
├── ServeError                    `madeira serve` cannot start
├── TrainError                    a model cannot be trained on this file or this machine
├── ModelsDirectoryError          the directory of models does not exist
├── SchemaCommandError            `madeira schema` cannot infer or write a schema
├── ReportError                   `madeira report` cannot make a report
├── BulkError                     files cannot be scored, filled or written
├── UnreachableError              a client cannot reach the service
├── UnexpectedAnswerError         a client got an answer that is not of the service
├── RuntimeDirectoryError         the runtime directory cannot be created
├── FrameError                    invalid data between an API process and a worker
└── RequestError                  a request that is answered as application/problem+json
    ├── MalformedRequestError     400  not HTTP, or contradictory about its length
    ├── MalformedBodyError        400  a body that is not of its content type
    ├── UnknownModelError         404  a model or version that is not served
    ├── NotAcceptableError        406  no media type that the client accepts
    ├── RequestTimeoutError       408  headers or body too slow
    ├── BodyTooLargeError         413  a body over the limit
    ├── TargetTooLongError        414  an address over the limit
    ├── UnsupportedMediaError     415  a content type or coding that is not supported
    ├── InvalidInputError         422  a valid body that does not fit the model or the endpoint
    ├── QueueFullError            429  no room for more work
    ├── HeadersTooLargeError      431  headers over the limit
    ├── ComputationError          500  a computation that failed
    ├── PoisonousJobError         500  a computation that ended every worker that tried it
    ├── UnsupportedHttpError      501  a part of HTTP that is not supported
    ├── UnavailableError          503  no model is ready
    │   └── NoWorkerError         503  no worker is ready
    ├── DrainingError             503  the service is stopping
    ├── TooManyConnectionsError   503  no room for another connection or large body
    └── DeadlineError             504  a deadline that passed before the result
```

An error has its status and its problem type; `madeira.app.http.problems` renders it. Errors of
`models` (which does not know HTTP) are converted to these where the service calls `models`.
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from itertools import islice
from typing import ClassVar

from madeira.models.echo import cut, did_you_mean, listed, quoted
from madeira.models.errors import MAX_CELL_ERRORS, CellError

__all__ = [
    "CELL_ERRORS_LIMIT",
    "MAX_DETAIL",
    "AppError",
    "BodyTooLargeError",
    "BulkError",
    "ComputationError",
    "DeadlineError",
    "DrainingError",
    "FrameError",
    "HeadersTooLargeError",
    "InvalidInputError",
    "MalformedBodyError",
    "MalformedRequestError",
    "ModelsDirectoryError",
    "NoWorkerError",
    "NotAcceptableError",
    "PoisonousJobError",
    "QueueFullError",
    "ReportError",
    "RequestError",
    "RequestTimeoutError",
    "RuntimeDirectoryError",
    "SchemaCommandError",
    "ServeError",
    "SettingsError",
    "TargetTooLongError",
    "TooManyConnectionsError",
    "TrainError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "UnknownModelError",
    "UnreachableError",
    "UnsupportedHttpError",
    "UnsupportedMediaError",
]

CELL_ERRORS_LIMIT = MAX_CELL_ERRORS
"""Maximum number of cell errors in one answer."""

MAX_DETAIL = 2000
"""Maximum number of characters of the text of an error."""


class AppError(Exception):
    """Base of every error of this package."""


class SettingsError(AppError):
    """A setting is unknown, or its value is invalid."""


class ServeError(AppError):
    """The service cannot start; the message names the cause."""


class TrainError(AppError):
    """The model cannot be trained on this file or this machine; the message names the cause."""


class ModelsDirectoryError(AppError):
    """The directory of models does not exist."""


class SchemaCommandError(AppError):
    """The schema cannot be inferred or written; the message names the cause."""


class ReportError(AppError):
    """The report cannot be made of this model and these rows; the message names the cause."""


class BulkError(AppError):
    """Files cannot be scored, filled or written; the message names the cause."""


class UnreachableError(AppError):
    """A client cannot reach the service; the message names the cause."""


class UnexpectedAnswerError(AppError):
    """A client got an answer that is not of the service, but of a proxy, say.

    Attributes:
        code: The HTTP status; None where that is not what is odd.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class RuntimeDirectoryError(AppError):
    """The runtime directory cannot be created; the message names the cause."""


class FrameError(AppError):
    """Invalid data came from another process; its connection cannot be used any more."""


class RequestError(AppError):
    """A request that is answered with a problem document (RFC 9457).

    Attributes:
        status: The HTTP status.
        slug: Last part of the problem's type, `urn:madeira:problem:<slug>`.
        title: Title of the problem type; the same for every occurrence.
        detail: Description of the error in this request.
        cells: Invalid cells of the table; at most `CELL_ERRORS_LIMIT`.
        headers: Headers of the answer, such as `Retry-After`.
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
    """The body is not of its content type; the detail names the position."""

    status = HTTPStatus.BAD_REQUEST
    slug = "malformed-body"
    title = "The body cannot be read"


class UnknownModelError(RequestError):
    """The model, or the version of it, is not served."""

    status = HTTPStatus.NOT_FOUND
    slug = "unknown-model"
    title = "No such model"

    @classmethod
    def of_name(cls, name: str, served: Sequence[str]) -> "UnknownModelError":
        """Return the error for a model that is not served.

        Args:
            name: Name of the model.
            served: Names of the models that are served.
        """
        return cls(
            f"No model is called {quoted(name)}.{did_you_mean(name, served)} "
            f"Models served: {listed(served, quoted) or 'none'}."
        )

    @classmethod
    def of_version(cls, name: str, version: str, served: str) -> "UnknownModelError":
        """Return the error for a version that is not served.

        Args:
            name: Name of the model.
            version: The version.
            served: The version that is served.
        """
        return cls(f"Version {quoted(version)} of {quoted(name)} is not served; {served!r} is.")


class NotAcceptableError(RequestError):
    """The client accepts none of the media types of the answer."""

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
        # The connection is closed because the rest of the body has not been read.
        super().__init__(
            f"The body is over the limit of {limit_bytes} bytes; send several requests.",
            headers={"Connection": "close"},
        )


class UnsupportedMediaError(RequestError):
    """The content type or content coding of the body is not supported."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    slug = "unsupported-media-type"
    title = "The type of the body is not supported"


class InvalidInputError(RequestError):
    """The body is valid, but does not fit the model or the endpoint."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "invalid-input"
    title = "The input does not fit"

    @classmethod
    def of_cells(cls, cells: Sequence[CellError]) -> "InvalidInputError":
        """Return one error for all invalid cells of a table."""
        first = str(cells[0])
        more = "" if len(cells) == 1 else f" (the first of {len(cells)} errors)"
        if len(cells) >= CELL_ERRORS_LIMIT:
            more = f" (the first of {CELL_ERRORS_LIMIT} errors or more)"
        return cls(f"{first}{more}", cells=cells)


class UnavailableError(RequestError):
    """No model is ready."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    slug = "unavailable"
    title = "No model can answer"


class NoWorkerError(UnavailableError):
    """No worker is ready; new ones are being started."""

    def __init__(self, retry_after_s: int = 5) -> None:
        super().__init__(
            f"No worker can compute at present; try again in {retry_after_s} s.",
            headers={"Retry-After": str(retry_after_s)},
        )


class QueueFullError(RequestError):
    """There is no room for more work."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    slug = "queue-full"
    title = "Too much work is waiting"

    def __init__(self, retry_after_s: int, reason: str = "The queue is full") -> None:
        super().__init__(
            f"{reason}; try again in {retry_after_s} s.",
            headers={"Retry-After": str(retry_after_s)},
        )


class ComputationError(RequestError):
    """The computation failed, although the input is valid."""

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
    """The service is stopping and accepts no more work."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    slug = "draining"
    title = "The service is stopping"

    def __init__(self) -> None:
        super().__init__(
            "The service is stopping; send the request again, to another one if there is one.",
            headers={"Connection": "close", "Retry-After": "1"},
        )


class DeadlineError(RequestError):
    """The deadline of the request passed before the result."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    slug = "deadline"
    title = "The deadline has passed"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The request was not computed within {seconds * 1000:g} ms.")


class MalformedRequestError(RequestError):
    """The request is not HTTP/1.1, or has contradictory lengths."""

    status = HTTPStatus.BAD_REQUEST
    slug = "malformed-request"
    title = "The request is not valid HTTP"


class RequestTimeoutError(RequestError):
    """The client did not send the rest of its request in time."""

    status = HTTPStatus.REQUEST_TIMEOUT
    slug = "request-timeout"
    title = "The request did not come in time"


class TargetTooLongError(RequestError):
    """The address of the request, its query included, is over the limit."""

    status = HTTPStatus.REQUEST_URI_TOO_LONG
    slug = "target-too-long"
    title = "The address is too long"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The address and its query are over the limit of {limit_bytes} bytes.")


class HeadersTooLargeError(RequestError):
    """The headers of the request are over the limit."""

    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    slug = "headers-too-large"
    title = "The headers are too large"

    def __init__(self, limit_bytes: int, limit_headers: int) -> None:
        super().__init__(
            f"The headers are over the limit of {limit_bytes} bytes or {limit_headers} headers."
        )


class UnsupportedHttpError(RequestError):
    """The request uses a part of HTTP that this service does not speak."""

    status = HTTPStatus.NOT_IMPLEMENTED
    slug = "unsupported-http"
    title = "This part of HTTP is not supported"


class TooManyConnectionsError(RequestError):
    """There is no room for another connection, or for another large body."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    slug = "too-many-connections"
    title = "Too many connections"

    def __init__(self, detail: str = "There are too many connections; try again in 1 s.") -> None:
        super().__init__(detail, headers={"Retry-After": "1"})
