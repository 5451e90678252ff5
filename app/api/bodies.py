"""Reads the body of a request, and not more of it than is allowed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fastapi import Request
from starlette.requests import ClientDisconnect

from madeira.app.api.memory import SMALL_BYTES, MemoryLimit
from madeira.app.api.negotiation import answer_format, body_format
from madeira.app.codecs.format import Format
from madeira.app.errors import BodyTooLargeError

__all__ = ["Received", "read_body"]

MAX_DIGITS = 18
"""A longer Content-Length is over every limit; Python reads no number of thousands of digits."""

_NAMES = {
    name.encode(): name for name in ("accept", "content-encoding", "content-length", "content-type")
}


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came.

    Attributes:
        content: Its body.
        format: What the body is.
        answer: What the answer is to be.
        query: Its query, in the order in which it was sent.
        limit_bytes: Largest body, decompressed.
    """

    content: bytes
    format: Format
    answer: Format
    query: Sequence[tuple[str, str]]
    limit_bytes: int


async def read_body(request: Request, limit_bytes: int, memory: MemoryLimit) -> Received:
    """The body of a request whose answer is JSON or Arrow.

    Args:
        request: The request.
        limit_bytes: Largest body; what is beyond it is never read.
        memory: Told what a large body takes.

    Raises:
        UnsupportedMediaError: The body is neither by its headers.
        NotAcceptableError: The client accepts neither.
        BodyTooLargeError: The body is over the limit, by its header or by its length.
        QueueFullError: There is no memory for it at present.
    """
    # Request.headers and Request.stream() take three times as long, which is a tenth of all that
    # a request of one row costs.
    headers = _headers(request.scope["headers"])
    sent = body_format(headers)
    answer = answer_format(headers, sent)
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
            memory.take(request.scope, sent.memory_factor * len(chunk))
        chunks.append(chunk)
        more = message.get("more_body", False)
    query = request.query_params.multi_items() if request.scope["query_string"] else ()
    return Received(b"".join(chunks), sent, answer, query, limit_bytes)


def _headers(sent: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Those headers that say what a body is, the first of each name."""
    headers: dict[str, str] = {}
    for name, value in sent:
        known = _NAMES.get(name)
        if known is not None:
            headers.setdefault(known, value.decode("latin-1"))
    return headers
