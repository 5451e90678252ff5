"""Content codings: bodies that come compressed, and answers that are sent so.

A body says nothing reliable of its size, so it is expanded piece by piece up to a limit.
"""

import re
import zlib
from collections.abc import Callable
from typing import Protocol

import pyarrow as pa

from madeira.app.codecs.outlet import Outlet
from madeira.app.errors import BodyTooLargeError, MalformedBodyError, UnsupportedMediaError
from madeira.models.echo import quoted

__all__ = ["Compressor", "answer_coding", "compressor", "expanded", "known_coding"]

PIECE_BYTES = 2**20
"""So much is expanded at once."""

_CODECS = {"gzip": "gzip", "x-gzip": "gzip", "zstd": "zstd", "br": "brotli"}
_DEFLATE = "deflate"
KNOWN = (
    "zstd",
    "gzip",
    _DEFLATE,
    *(["br"] if pa.Codec.is_available("brotli") else []),
)
_QUALITY = re.compile(r"q=([01](?:\.\d{0,3})?)")


def known_coding(coding: str) -> str | None:
    """Return the coding of a body as its header names it; None where there is none.

    Args:
        coding: What `Content-Encoding` says.

    Raises:
        UnsupportedMediaError: It is not one that is read.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return None
    if coding != "x-gzip" and coding not in KNOWN:
        raise UnsupportedMediaError(
            f"The body is coded as {quoted(coding)}; send it as {', '.join(KNOWN)}, or without "
            "Content-Encoding.",
            headers={"Accept-Encoding": ", ".join(KNOWN)},
        )
    return coding


def expanded(content: bytes, coding: str, limit_bytes: int, take: Callable[[int], None]) -> bytes:
    """Return a body without its coding.

    Args:
        content: The body as it was sent.
        coding: What `known_coding` said.
        limit_bytes: Most bytes that it may have.
        take: Takes memory for so many bytes; may raise.

    Raises:
        MalformedBodyError: It is not of its coding, or not whole.
        BodyTooLargeError: It is over the limit.
    """
    parts: list[bytes] = []
    size = 0
    try:
        read = _inflated(content) if coding == _DEFLATE else _opened(content, _CODECS[coding])
        while part := read(PIECE_BYTES):
            size += len(part)
            if size > limit_bytes:
                raise BodyTooLargeError(limit_bytes)
            take(len(part))
            parts.append(part)
    except (OSError, zlib.error, pa.ArrowException) as error:
        raise MalformedBodyError(
            f"The body is not {coding}, as its header says, or cut off."
        ) from error
    return b"".join(parts)


def _opened(content: bytes, codec: str) -> Callable[[int], bytes]:
    stream = pa.CompressedInputStream(pa.BufferReader(content), codec)
    read: Callable[[int], bytes] = stream.read
    return read


def _inflated(content: bytes) -> Callable[[int], bytes]:
    """Return what reads `deflate`: zlib's format, or the bare one, which some clients send."""
    bare = not (len(content) > 1 and content[0] & 15 == 8 and int.from_bytes(content[:2]) % 31 == 0)
    inflating, rest = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS), content

    def read(size: int) -> bytes:
        nonlocal rest
        part = inflating.decompress(rest, size)
        rest = inflating.unconsumed_tail
        if not part and (not inflating.eof or inflating.unused_data):
            raise zlib.error("cut off")
        return part

    return read


def answer_coding(accept: str) -> str | None:
    """Return the coding that an answer is sent in; zstd before gzip, which takes long to expand.

    Args:
        accept: What `Accept-Encoding` says.
    """
    wanted = {}
    for entry in accept.lower().split(","):
        coding, *parameters = (part.strip() for part in entry.split(";"))
        found = (match for one in parameters if (match := _QUALITY.fullmatch(one)))
        quality = next(found, None)
        wanted[coding] = float(quality[1]) if quality else 1.0
    offered = ("zstd", "gzip")
    best = max(offered, key=lambda coding: wanted.get(coding, 0.0))
    return best if wanted.get(best, 0.0) > 0 else None


class Compressor(Protocol):
    """Compresses an answer piece by piece."""

    def write(self, data: bytes) -> bytes:
        """Return what a client needs to have all data up to here."""

    def end(self) -> bytes:
        """Return the end."""


def compressor(coding: str) -> Compressor:
    """Begin an answer in a coding that `answer_coding` returned."""
    return _Zstd() if coding == "zstd" else _Gzip()


class _Zstd:
    def __init__(self) -> None:
        self._sink = Outlet()
        self._stream = pa.CompressedOutputStream(self._sink, "zstd")

    def write(self, data: bytes) -> bytes:
        self._stream.write(data)
        self._stream.flush()
        return self._sink.taken()

    def end(self) -> bytes:
        self._stream.close()
        return self._sink.taken()


class _Gzip:
    def __init__(self) -> None:
        self._stream = zlib.compressobj(zlib.Z_BEST_SPEED, zlib.DEFLATED, zlib.MAX_WBITS | 16)

    def write(self, data: bytes) -> bytes:
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._stream.flush()
