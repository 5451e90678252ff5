"""Frames: the messages on the sockets between API processes and workers.

A frame is a header of JSON and the arrays it describes, one after the other::

    magic  header bytes  body bytes  header         arrays, each padded to 16 bytes
    4      u32           u64         JSON, padded   little-endian

Nothing is unpickled, so bytes can at worst be rejected. Arrays are not copied where
they are large: they are sent from where they lie, and received where they stay.
"""

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from madeira.app.errors import FrameError

__all__ = ["MAX_BODY_BYTES", "MAX_HEADER_BYTES", "Buffers", "Frame", "FrameReader", "encode_frame"]

MAX_HEADER_BYTES = 2**20
MAX_BODY_BYTES = 2**32

_MAGIC = b"MDR1"
_PREFIX = struct.Struct("<4sIQ")
_ALIGNMENT = 16
_DTYPES = {"<f8", "<f4", "<i8", "|b1"}
_BUFFER_BYTES = 2**18
_JOIN_BYTES = 2**16

AnyArray = npt.NDArray[Any]
Buffers = list[bytes | memoryview]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A frame that has arrived.

    Attributes:
        header: Everything that is not an array.
        arrays: By name; they may be written to.
    """

    header: dict[str, Any]
    arrays: dict[str, AnyArray]


def encode_frame(header: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Buffers:
    """Encode a frame, as pieces to be written one after the other.

    Args:
        header: JSON values; `arrays` is not among its keys.
        arrays: By name, of floats, integers or booleans; not to be changed before they are sent.
    """
    described, body, size = [], [], 0
    for name, array in arrays.items():
        array = np.ascontiguousarray(array)
        described.append((name, array.dtype.str, array.shape))
        body.append(array.reshape(-1).view(np.uint8).data if array.size else memoryview(b""))
        padding = -array.nbytes % _ALIGNMENT
        body.append(memoryview(bytes(padding)))
        size += array.nbytes + padding
    text = orjson.dumps({**header, "arrays": described})
    text += b" " * (-len(text) % _ALIGNMENT)
    start = _PREFIX.pack(_MAGIC, len(text), size) + text
    if size <= _JOIN_BYTES:
        return [b"".join((start, *body))]
    return [start, *(part for part in body if part)]


class FrameReader:
    """Decodes the frames of one connection.

    Whoever reads the connection puts bytes into `space()` and says how many to `filled`. A large
    frame gets a buffer of its own size, which then becomes its arrays.
    """

    def __init__(self) -> None:
        self._buffer = bytearray(_BUFFER_BYTES)
        self._end = 0

    def space(self) -> memoryview:
        """Return the buffer for the next bytes; never empty."""
        return memoryview(self._buffer)[self._end :]

    def filled(self, size: int) -> list[Frame]:
        """Decode `size` new bytes.

        Returns:
            The frames that are complete with them.

        Raises:
            FrameError: They belong to no frame.
        """
        self._end += size
        return list(self._frames())

    def _frames(self) -> Iterator[Frame]:
        start = 0
        while self._end - start >= _PREFIX.size:
            magic, header_size, body_size = _PREFIX.unpack_from(self._buffer, start)
            if magic != _MAGIC:
                raise FrameError("this is not the beginning of a frame")
            if header_size > MAX_HEADER_BYTES or body_size > MAX_BODY_BYTES:
                raise FrameError(f"a frame of {header_size} + {body_size} bytes is too large")
            if header_size % _ALIGNMENT or body_size % _ALIGNMENT:
                raise FrameError("a frame that is not padded")
            total = _PREFIX.size + header_size + body_size
            if self._end - start < total:
                if total > len(self._buffer):
                    self._move(start, total)
                    return
                break
            header_end = start + _PREFIX.size + header_size
            header = bytes(self._buffer[start + _PREFIX.size : header_end])
            if start == 0 and total == len(self._buffer):
                # The buffer was made for this frame: it becomes its arrays.
                whole, offset, self._buffer = self._buffer, header_end, bytearray(_BUFFER_BYTES)
                self._end = 0
                yield _frame(header, whole, offset)
                return
            body = self._buffer[header_end : start + total]
            start += total
            yield _frame(header, body, 0)
        if start:
            rest = self._buffer[start : self._end]
            self._buffer[: len(rest)] = rest
            self._end = len(rest)

    def _move(self, start: int, size: int) -> None:
        """Continue in a buffer of the size of the current frame."""
        buffer = bytearray(size)
        rest = memoryview(self._buffer)[start : self._end]
        buffer[: len(rest)] = rest
        self._buffer, self._end = buffer, len(rest)


def _frame(header: bytes, body: bytearray, offset: int) -> Frame:
    try:
        document = orjson.loads(header)
    except orjson.JSONDecodeError as error:
        raise FrameError("the header of a frame is not JSON") from error
    described = document.pop("arrays", None) if isinstance(document, dict) else None
    if not isinstance(described, list):
        raise FrameError("the header of a frame does not describe its arrays")
    arrays: dict[str, AnyArray] = {}
    for one in described:
        name, dtype, shape = _described(one)
        count = math.prod(shape)
        size = count * np.dtype(dtype).itemsize
        if offset + size > len(body):
            raise FrameError("the arrays of a frame are larger than it")
        arrays[name] = np.frombuffer(body, dtype, count, offset).reshape(shape)
        offset += size + -size % _ALIGNMENT
    if offset != len(body):
        raise FrameError("the arrays of a frame are smaller than it")
    return Frame(document, arrays)


def _described(one: object) -> tuple[str, str, list[int]]:
    match one:
        case [str(name), str(dtype), list(shape)] if dtype in _DTYPES and len(shape) <= 4:
            if all(type(size) is int and 0 <= size <= MAX_BODY_BYTES for size in shape):
                return name, dtype, shape
    raise FrameError("an array of a frame is described wrongly")
