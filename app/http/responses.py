"""Answers over HTTP, written piece by piece, so that large ones do not hold up the event loop.

A large answer is sent as it is written: it never stands in memory as a whole, and a client that
does not read it stops the writing.
"""

from collections.abc import AsyncIterator, Iterator

from starlette.responses import Response, StreamingResponse

from madeira.app.codecs.answers import FilledTable, Scores
from madeira.app.codecs.format import Format
from madeira.app.codecs.json.text import MEDIA_TYPE, encode
from madeira.app.offload import offload_traced
from madeira.app.plane.plane import Drawing

__all__ = ["drawn_response", "json_response", "written_response"]

WHOLE_BYTES = 256 * 2**10
"""Up to about here an answer is written at once, and says its length."""


def json_response(document: object) -> Response:
    """Return a small document."""
    return Response(encode(document), media_type=MEDIA_TYPE)


async def written_response(
    pieces: Iterator[bytes], answer: Scores | FilledTable, form: Format
) -> Response:
    """Return an answer that is written whole or piece by piece.

    Args:
        pieces: Parts of the answer; every error is raised by the first.
        answer: What they say.
        form: The format that they are in.
    """
    size_bytes, headers = answer.size_bytes, form.headers(answer)
    if size_bytes <= WHOLE_BYTES:
        content = await offload_traced(size_bytes, b"".join, pieces)
        return Response(content, headers=headers, media_type=form.media_type)
    first = await offload_traced(size_bytes, next, pieces)

    async def everything() -> AsyncIterator[bytes]:
        piece: bytes | None = first
        while piece is not None:
            yield piece
            piece = await offload_traced(size_bytes, next, pieces, None)

    return StreamingResponse(everything(), headers=headers, media_type=form.media_type)


async def drawn_response(drawing: Drawing, form: Format) -> Response:
    """Rows that are sent as they are drawn, or all at once where they are few.

    Args:
        drawing: The rows.
        form: The format of the answer.
    """
    pieces, headers = _pieces(drawing, form), form.headers(drawing.answer)
    first = await anext(pieces)  # an invalid request raises here, before the answer begins
    if not drawing.streamed:
        rest = [piece async for piece in pieces]
        return Response(b"".join([first, *rest]), headers=headers, media_type=form.media_type)

    async def everything() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return StreamingResponse(everything(), headers=headers, media_type=form.media_type)


async def _pieces(drawing: Drawing, form: Format) -> AsyncIterator[bytes]:
    """Yield the answer: one piece for each part of the rows, and the end."""
    writer = form.samples(drawing.answer)
    async for result in drawing.results:
        size = drawing.row_bytes * len(result.values)
        yield await offload_traced(size, writer.write, result)
    yield writer.end()
