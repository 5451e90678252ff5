"""Reads a request over HTTP as a call of the data plane, and not more of it than is allowed."""

import asyncio
import math
from collections.abc import Iterable
from functools import partial

from starlette.requests import ClientDisconnect, Request

from madeira.app.codecs.formats import JSON
from madeira.app.errors import BodyTooLargeError, InvalidInputError
from madeira.app.http.coding import expanded, known_coding
from madeira.app.http.limit import STARTED_AT
from madeira.app.http.multipart import MEMORY_FACTOR, boundary_of, read_form
from madeira.app.http.negotiation import answer_format, body_format
from madeira.app.offload import LARGE_BYTES, offload
from madeira.app.plane import Call, RequestMemory
from madeira.app.plane.memory import SMALL_BYTES
from madeira.models.echo import quoted

__all__ = ["MEMORY", "read_call"]

MEMORY = "madeira.memory"
"""Where a scope keeps the `RequestMemory` of the request."""

MAX_DIGITS = 18
"""A longer Content-Length is over every limit; Python reads no number of thousands of digits."""

_FORMAT = "format"
"""Option of the query that says the format of the answer, for clients that set no headers."""

_DEADLINE = "x-deadline-ms"
_NAMES = {
    name.encode(): name
    for name in ("accept", "content-encoding", "content-length", "content-type", _DEADLINE)
}


async def read_call(request: Request, limit_bytes: int) -> Call:
    """Read the call of a request whose answer may be in any format.

    Args:
        request: The request.
        limit_bytes: Maximum size of the body; the rest is not read.

    Raises:
        UnsupportedMediaError: The body is in no known format by its headers.
        NotAcceptableError: The client accepts none.
        BodyTooLargeError: The body is over the limit, by its header or by its length.
        InvalidInputError: The deadline is no positive number.
        QueueFullError: There is no memory for the body.
        ClientDisconnect: The client closed the connection.
    """
    # Request.headers and Request.stream() take three times as long, which is a tenth of all that
    # a request of one row costs.
    scope = request.scope
    memory: RequestMemory = scope[MEMORY]
    headers = _headers(scope["headers"])
    boundary = boundary_of(headers.get("content-type", ""))
    sent = body_format(headers) if boundary is None else JSON
    coding = known_coding(headers.get("content-encoding", ""))
    query = request.query_params.multi_items() if scope["query_string"] else []
    short = next((value for name, value in query if name == _FORMAT), None)
    accepted = answer_format(headers, sent, short)
    factor = sent.memory_factor if boundary is None else MEMORY_FACTOR
    declared = headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > MAX_DIGITS or int(declared) > limit_bytes):
        raise BodyTooLargeError(limit_bytes)
    size, chunks, more = 0, [], True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLargeError(limit_bytes)
        if size > SMALL_BYTES:
            memory.take(factor * len(chunk))
        chunks.append(chunk)
        more = message.get("more_body", False)
    content = await offload(size, b"".join, chunks) if len(chunks) > 1 else chunks[0]
    if coding is not None and content:
        take = partial(_take, memory, factor)
        content = await offload(LARGE_BYTES, expanded, content, coding, limit_bytes, take)
    if boundary is not None:
        form = await offload(len(content), read_form, content, boundary, sent)
        content, sent = form.file, form.format
        query += form.fields
        short = next((value for name, value in query if name == _FORMAT), None)
        accepted = answer_format(headers, sent, short)
        if form.coding is not None:
            take = partial(_take, memory, factor)
            content = await offload(LARGE_BYTES, expanded, content, form.coding, limit_bytes, take)
    return Call(
        content=content,
        format=sent,
        answer_format=accepted,
        query=[option for option in query if option[0] != _FORMAT],
        memory=memory,
        started_at=scope.get(STARTED_AT) or asyncio.get_running_loop().time(),
        deadline_s=_seconds(headers[_DEADLINE]) if _DEADLINE in headers else None,
        disconnected=partial(_disconnected, request),
    )


def _take(memory: RequestMemory, factor: int, size: int) -> None:
    memory.take(factor * size)


def _headers(sent: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers that are read here, the first of each name."""
    headers: dict[str, str] = {}
    for name, value in sent:
        known = _NAMES.get(name)
        if known is not None:
            headers.setdefault(known, value.decode("latin-1"))
    return headers


def _seconds(text: str) -> float:
    try:
        milliseconds = float(text)
    except ValueError:
        milliseconds = math.nan
    if not 0 < milliseconds < math.inf:
        raise InvalidInputError(
            "The header X-Deadline-Ms must be a positive number of milliseconds, "
            f"not {quoted(text)}."
        )
    return milliseconds / 1000


async def _disconnected(request: Request) -> None:
    """Wait until the client of a request, whose body has been read, is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
