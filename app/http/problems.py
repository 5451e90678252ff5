"""Errors as `application/problem+json` (RFC 9457): every answer that is not a success.

A `RequestError` knows its status and type. Errors of the router become problems of type
`about:blank`. Any other error is logged with its traceback, and the client learns only that it
happened.
"""

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from itertools import islice
from traceback import clear_frames

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from madeira.app.errors import RequestError
from madeira.app.http.methods import allowed_methods
from madeira.app.logs import current
from madeira.models.echo import MAX_HINTS, cut, did_you_mean, quoted
from madeira.models.errors import CellError

__all__ = [
    "CLIENT_CLOSED_REQUEST",
    "MEDIA_TYPE",
    "TYPE_PREFIX",
    "ErrorMiddleware",
    "error_response",
    "problem",
    "problem_of",
    "register",
]

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:madeira:problem:"

CLIENT_CLOSED_REQUEST = 499
"""Status in the log where the client did not wait for an answer; it is never sent."""

MAX_MESSAGE = 1000
"""Maximum number of characters of the message about one cell."""

log = logging.getLogger(__name__)


def problem(
    status: int,
    detail: str,
    *,
    kind: str = "about:blank",
    title: str | None = None,
    cells: Iterable[CellError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem document.

    Args:
        status: The HTTP status.
        detail: Description of the error in this request.
        kind: The type of the problem, a URI.
        title: The type in words; None for the words of the status.
        cells: Where in the table it is wrong.
        headers: Further headers.
    """
    document: dict[str, object] = {
        "type": kind,
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [
            {
                "row": cell.row,
                "column": None if cell.column is None else cut(cell.column),
                "message": cut(cell.message, MAX_MESSAGE),
            }
            for cell in cells
        ],
    }
    note = current.get()
    if note is not None:
        document["request_id"] = note.request_id
    return Response(orjson.dumps(document), status, headers, MEDIA_TYPE)


def register(app: FastAPI) -> None:
    """Make the errors of the framework problem documents."""
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_middleware(ErrorMiddleware)


def problem_of(error: RequestError) -> Response:
    """Return the problem document of a request that is refused."""
    return problem(
        error.status,
        error.detail,
        kind=TYPE_PREFIX + error.slug,
        title=error.title,
        cells=error.cells,
        headers=error.headers,
    )


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type alone
    path, headers = request.url.path, dict(error.headers or {})
    if error.status_code == HTTPStatus.NOT_FOUND:
        known = request.app.openapi()["paths"]
        detail = f"Nothing is at {quoted(path)}.{did_you_mean(path, known)} See /docs."
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = allowed_methods(request.app, request.scope)
        if request.method == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
        detail = f"{quoted(path)} does not take {cut(request.method, 20)}, but {headers['Allow']}."
    else:
        detail = str(error.detail)
    return problem(error.status_code, detail, headers=headers)


async def _validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type alone
    first = islice(error.errors(), MAX_HINTS)
    reasons = "; ".join(f"{cut(str(one['loc'][-1]))}: {cut(one['msg'])}" for one in first)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, reasons)


class ErrorMiddleware:
    """Middleware that answers errors: those of requests, and faults of the service.

    A fault is logged, and answered without its insides. Where the answer has begun it is cut off
    instead, so that no client takes a part for the whole.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and answer an error that comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if begun:
                raise  # the server logs it and closes the connection
            await error_response(error, scope)(scope, receive, send)


def error_response(error: Exception, scope: Scope) -> Response:
    """Return the answer to an error; a fault of the service is logged.

    Args:
        error: Raised before the answer began.
        scope: The request.
    """
    match error:
        case RequestError():
            answer = problem_of(error)
        case ClientDisconnect() | ConnectionAbortedError():  # the latter noticed while it waited
            answer = Response(status_code=CLIENT_CLOSED_REQUEST)
        case _:
            log.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
            answer = problem(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "The service failed on this request; the cause is in its log.",
            )
    _let_go(error)
    return answer


def _let_go(error: BaseException) -> None:
    """Take the frames from an error and those that it came of.

    A frame holds the body and all that was made of it. An error holds its frames, and a frame often
    holds the error, so that all of it would stay until the garbage collector looks at everything.
    """
    errors: list[BaseException | None] = [error]
    while errors:
        one = errors.pop()
        if one is not None and one.__traceback__ is not None:
            clear_frames(one.__traceback__)
            one.__traceback__ = None
            errors += [one.__cause__, one.__context__]
