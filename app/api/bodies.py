"""Reads the body of a request, and not more of it than is allowed."""

from fastapi import Request

from app.api.negotiation import check_accept, check_content_type
from app.errors import BodyTooLargeError

__all__ = ["read_body"]


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The body of a request with JSON in and JSON out.

    Args:
        request: The request.
        limit_bytes: Largest body; what is beyond it is never read.

    Raises:
        UnsupportedMediaError: The body is not JSON by its headers.
        NotAcceptableError: The client does not accept JSON.
        BodyTooLargeError: The body is over the limit, by its header or by its length.
    """
    check_content_type(request.headers)
    check_accept(request.headers)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit_bytes:
        raise BodyTooLargeError(limit_bytes)
    size, chunks = 0, []
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLargeError(limit_bytes)
        chunks.append(chunk)
    return b"".join(chunks)
