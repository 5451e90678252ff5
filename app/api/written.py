"""Answers of any size, written piece by piece, so that large ones hold nobody up.

A large answer is sent as it is written: it never stands in memory as a whole, and who does not
read it stops the writing.
"""

from collections.abc import AsyncIterator, Iterator

from fastapi import Response
from fastapi.responses import StreamingResponse

from madeira.app.offload import offload_traced

__all__ = ["written"]

WHOLE_BYTES = 256 * 2**10
"""Up to about here an answer is written at once, and says its length."""


async def written(pieces: Iterator[bytes], size_bytes: int, media_type: str) -> Response:
    """An answer of some pieces.

    Args:
        pieces: Write the answer; whatever may be wrong shows with the first of them.
        size_bytes: Roughly how large the whole is.
        media_type: What it is.
    """
    if size_bytes <= WHOLE_BYTES:
        return Response(await offload_traced(size_bytes, b"".join, pieces), media_type=media_type)
    first = await offload_traced(size_bytes, next, pieces)

    async def everything() -> AsyncIterator[bytes]:
        piece: bytes | None = first
        while piece is not None:
            yield piece
            piece = await offload_traced(size_bytes, next, pieces, None)

    return StreamingResponse(everything(), media_type=media_type)
