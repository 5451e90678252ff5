"""Reads the body of a request, and not more of it than is allowed."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from app.api.negotiation import Format, answer_format, body_format
from app.errors import BodyTooLargeError

__all__ = ["Received", "read_body"]


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


async def read_body(request: Request, limit_bytes: int) -> Received:
    """The body of a request whose answer is JSON or Arrow.

    Args:
        request: The request.
        limit_bytes: Largest body; what is beyond it is never read.

    Raises:
        UnsupportedMediaError: The body is neither by its headers.
        NotAcceptableError: The client accepts neither.
        BodyTooLargeError: The body is over the limit, by its header or by its length.
    """
    # The first of each name, as the framework's mapping has it, which takes longer to ask.
    headers = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in reversed(request.scope["headers"])
    }
    sent = body_format(headers)
    answer = answer_format(headers, sent)
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit_bytes:
        raise BodyTooLargeError(limit_bytes)
    size, chunks = 0, []
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLargeError(limit_bytes)
        chunks.append(chunk)
    query = request.query_params.multi_items() if request.scope["query_string"] else ()
    return Received(b"".join(chunks), sent, answer, query, limit_bytes)
