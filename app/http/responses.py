"""Answers over HTTP, written piece by piece, so that large ones do not hold up the event loop.

A large answer is sent as it is written: it never stands in memory as a whole, and a client that
does not read it stops the writing.
"""

import re
from collections.abc import AsyncIterator, Iterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from madeira.app.codecs.answers import Answer, FilledTable, Scores
from madeira.app.codecs.format import Format
from madeira.app.codecs.formats import JSON
from madeira.app.codecs.json.text import MEDIA_TYPE, encode
from madeira.app.errors import InvalidInputError
from madeira.app.http.coding import answer_coding, compressor
from madeira.app.offload import offload_traced
from madeira.app.plane.plane import Drawing
from madeira.models.echo import quoted

__all__ = ["drawn_response", "json_response", "written_response"]

END_TAG = "X-End-Tag"
"""Header in which a client names the last line that it wants to find."""

COMPRESSED_BYTES = 16 * 2**10
"""A shorter answer is not compressed."""

WHOLE_BYTES = 256 * 2**10
"""Up to about here an answer is written at once, and says its length."""

_TAG = re.compile("[A-Za-z0-9_-]{1,64}")


def json_response(document: object) -> Response:
    """Return a small document."""
    return Response(encode(document), media_type=MEDIA_TYPE)


async def written_response(
    pieces: Iterator[bytes], answer: Scores | FilledTable, form: Format, request: Request
) -> Response:
    """Return an answer that is written whole or piece by piece.

    Args:
        pieces: Parts of the answer; every error is raised by the first.
        answer: What they say.
        form: The format that they are in.
        request: What is answered.
    """
    size_bytes, end = answer.size_bytes, _end_line(form, request)
    if size_bytes <= WHOLE_BYTES:
        content = await offload_traced(size_bytes, b"".join, pieces) + end
        return await _whole(content, answer, form, request)
    first = await offload_traced(size_bytes, next, pieces)

    async def everything() -> AsyncIterator[bytes]:
        piece: bytes | None = first
        while piece is not None:
            yield piece
            piece = await offload_traced(size_bytes, next, pieces, None)

    return _streamed(everything(), answer, form, request)


async def drawn_response(drawing: Drawing, form: Format, request: Request) -> Response:
    """Rows that are sent as they are drawn, or all at once where they are few.

    Args:
        drawing: The rows.
        form: The format of the answer.
        request: What is answered.
    """
    end = _end_line(form, request)
    pieces = _pieces(drawing, form)
    first = await anext(pieces)  # an invalid request raises here, before the answer begins
    if not drawing.streamed:
        content = b"".join([first, *[piece async for piece in pieces], end])
        return await _whole(content, drawing.answer, form, request)

    async def everything() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return _streamed(everything(), drawing.answer, form, request)


async def _pieces(drawing: Drawing, form: Format) -> AsyncIterator[bytes]:
    """Yield the answer: one piece for each part of the rows, and the end."""
    writer = form.samples(drawing.answer)
    async for result in drawing.results:
        size = drawing.row_bytes * len(result.values)
        yield await offload_traced(size, writer.write, result)
    yield writer.end()


def _end_line(form: Format, request: Request) -> bytes:
    """Return the last line that the client asks for; empty where it asks for none.

    Raises:
        InvalidInputError: It is not a word.
    """
    if form is JSON:
        return b""
    tag = request.headers.get(END_TAG)
    if tag is None:
        return b""
    if not _TAG.fullmatch(tag):
        raise InvalidInputError(
            f"The header {END_TAG} must be 1 to 64 letters, digits, - or _, not {quoted(tag)}."
        )
    return form.end_line(tag)


def _headers(answer: Answer, form: Format, request: Request, end: bytes) -> dict[str, str]:
    headers = dict(form.headers(answer))
    if end:
        headers[END_TAG] = request.headers[END_TAG]
    if request.query_params.get("format"):
        # A browser saves it under this name, and does not show it.
        name = f"{request.url.path.strip('/').rpartition('/')[2]}.{form.short}"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return headers


async def _whole(content: bytes, answer: Answer, form: Format, request: Request) -> Response:
    if form is JSON and len(content) < COMPRESSED_BYTES:  # nearly all answers
        return Response(content, media_type=form.media_type)
    headers = _headers(answer, form, request, _end_line(form, request))
    if len(content) >= COMPRESSED_BYTES:
        headers["Vary"] = "Accept-Encoding"
        coding = answer_coding(request.headers.get("accept-encoding", ""))
        if coding is not None:
            headers["Content-Encoding"] = coding
            content = await offload_traced(len(content), _compressed, content, coding)
    return Response(content, headers=headers, media_type=form.media_type)


def _streamed(
    pieces: AsyncIterator[bytes], answer: Answer, form: Format, request: Request
) -> Response:
    end = _end_line(form, request)
    headers = _headers(answer, form, request, end)
    coding = answer_coding(request.headers.get("accept-encoding", ""))
    headers["Vary"] = "Accept-Encoding"
    if coding is not None:
        headers["Content-Encoding"] = coding

    async def everything() -> AsyncIterator[bytes]:
        packing = None if coding is None else compressor(coding)
        async for piece in pieces:
            if packing is not None:
                piece = await offload_traced(len(piece), packing.write, piece)
            if piece:  # an empty one would end the answer for some clients
                yield piece
        last = end if packing is None else packing.write(end) + packing.end()
        if last:
            yield last

    return StreamingResponse(everything(), headers=headers, media_type=form.media_type)


def _compressed(content: bytes, coding: str) -> bytes:
    packing = compressor(coding)
    return packing.write(content) + packing.end()
