"""Bytes of a table's file: from a path, standard input, or a compressed file, within a bound."""

import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, cast

import pyarrow as pa

from madeira.models.echo import cut, listed
from madeira.models.errors import TableFileError

__all__ = ["COMPRESSIONS", "STANDARD_INPUT", "Source"]

COMPRESSIONS: Final = (".gz", ".zst", ".zstd", ".bz2", ".xz", ".zip")

STANDARD_INPUT: Final = "-"

MAX_EXPANDED_BYTES: Final = 8 * 2**30
"""Most bytes of standard input, and of what a compressed file holds: a few bytes can claim any."""

_CHUNK_BYTES: Final = 1 << 20
_MAGIC_BYTES: Final = 8
_ZIP: Final = b"PK\x03\x04"
_UNREADABLE: Final = (
    *(pa.ArrowException, OSError, EOFError, ValueError, RuntimeError, NotImplementedError),
    *(lzma.LZMAError, zlib.error, zipfile.BadZipFile),
)


_Expander = Callable[[BinaryIO], BinaryIO]


def _codec(name: str) -> _Expander:
    """Return what expands a stream by a codec of Arrow."""

    def expand(stream: BinaryIO) -> BinaryIO:
        expanded: BinaryIO = pa.CompressedInputStream(pa.BufferReader(stream.read()), name)
        return expanded

    return expand


def _xz(stream: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, lzma.LZMAFile(stream))


_EXPANDERS: Final[dict[bytes, _Expander]] = {
    b"\x1f\x8b": _codec("gzip"),
    b"\x28\xb5\x2f\xfd": _codec("zstd"),
    b"BZh": _codec("bz2"),
    b"\xfd7zXZ\0": _xz,
}
"""What expands a stream, by its first bytes."""


@dataclass(frozen=True)
class Source:
    """A file, or standard input, and what its first bytes say.

    Attributes:
        path: Where it is; `-` is standard input.
    """

    path: Path

    @property
    def standard_input(self) -> bool:
        """Whether the bytes come from standard input."""
        return str(self.path) == STANDARD_INPUT

    @property
    def extension(self) -> str:
        """The extension in small letters, that of a compression left out; "" without one."""
        return _extension(self._archived or self.path.name)

    @cached_property
    def content(self) -> bytes:
        """All bytes, expanded.

        Raises:
            TableFileError: They are too many, or the compressed file is broken.
        """
        if not self.compressed:
            return self._given if self.standard_input else self.path.read_bytes()
        try:
            with self._opened() as stream:
                if self._archived is None:
                    return self._bounded(self._expander(stream))
                with zipfile.ZipFile(stream) as archive, archive.open(self._archived) as part:
                    return self._bounded(cast(BinaryIO, part))
        except _UNREADABLE as error:
            raise TableFileError(
                f"{self.path} is compressed and cannot be expanded: {cut(str(error))}"
            ) from error

    @cached_property
    def magic(self) -> bytes:
        """The first bytes, expanded."""
        return self.content[:_MAGIC_BYTES] if self.compressed else self._first

    def open_arrow(self) -> pa.NativeFile:
        """Return the expanded bytes as a file that Arrow reads at random."""
        if self.standard_input or self.compressed:
            return pa.BufferReader(self.content)
        return pa.OSFile(str(self.path))

    @property
    def compressed(self) -> bool:
        """Whether the bytes are to be expanded first."""
        return self._archived is not None or any(map(self._first.startswith, _EXPANDERS))

    @cached_property
    def _given(self) -> bytes:
        """What stands on standard input, which can be read once."""
        return self._bounded(sys.stdin.buffer)

    def _opened(self) -> BinaryIO:
        return io.BytesIO(self._given) if self.standard_input else self.path.open("rb")

    @cached_property
    def _first(self) -> bytes:
        with self._opened() as stream:
            return stream.read(_MAGIC_BYTES)

    @property
    def _expander(self) -> _Expander:
        return next(_EXPANDERS[magic] for magic in _EXPANDERS if self._first.startswith(magic))

    @cached_property
    def _archived(self) -> str | None:
        """Name of the one file in a zip archive; None for other files, workbooks included.

        Raises:
            TableFileError: The archive is broken, or has not one file.
        """
        if self.path.suffix.lower() != ".zip" or not self._first.startswith(_ZIP[:2]):
            return None
        try:
            with zipfile.ZipFile(self.path) as archive:
                names = [name for name in archive.namelist() if not name.endswith("/")]
        except _UNREADABLE as error:
            raise TableFileError(f"{self.path} is not a readable zip archive") from error
        own = [name for name in names if not name.startswith("__MACOSX/")]
        if len(own) != 1:
            raise TableFileError(
                f"{self.path} has to hold one file and holds {len(own)}"
                + (f": {listed(own)}" if own else "")
            )
        return own[0]

    def _bounded(self, stream: BinaryIO) -> bytes:
        """Read a stream to its end.

        Raises:
            TableFileError: It has more bytes than are read.
        """
        parts = bytearray()
        while chunk := stream.read(_CHUNK_BYTES):
            parts += chunk
            if len(parts) > MAX_EXPANDED_BYTES:
                raise TableFileError(
                    f"{self.path} expands to more than {MAX_EXPANDED_BYTES / 2**30:g} GiB"
                )
        return bytes(parts)


def _extension(name: str) -> str:
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    return PurePosixPath(path.stem).suffix.lower() if suffix in COMPRESSIONS else suffix
