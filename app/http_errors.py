"""Errors of HTTP itself: what is refused before it is known what was asked.

```
RequestError
├── MalformedRequestError    400  what came is not HTTP, or says two things at once
├── RequestTimeoutError      408  the headers or the body did not come in time
├── TargetTooLongError       414  the address is over the limit
├── HeadersTooLargeError     431  the headers are over the limit
├── UnsupportedHttpError     501  HTTP that this service does not speak
└── TooManyConnectionsError  503  no further connection is taken
```
"""

from http import HTTPStatus

from madeira.app.errors import RequestError

__all__ = [
    "HeadersTooLargeError",
    "MalformedRequestError",
    "RequestTimeoutError",
    "TargetTooLongError",
    "TooManyConnectionsError",
    "UnsupportedHttpError",
]


class MalformedRequestError(RequestError):
    """The request is no HTTP/1.1, or contradicts itself about where it ends."""

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
