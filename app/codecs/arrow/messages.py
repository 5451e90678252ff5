"""How large an Arrow stream is once its buffers are decompressed, before any of them is.

A compressed buffer begins with the length that it claims to have decompressed (Arrow columnar
format, `BodyCompression`), and Arrow allocates what is claimed. So the claims are added up first,
from the flatbuffers of the messages. Only what that takes is read here: the offsets of a record
batch's buffers, and whether they are compressed at all.
"""

import struct
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from madeira.app.errors import BodyTooLargeError, InvalidInputError, MalformedBodyError

__all__ = ["check_messages"]

MAX_MESSAGES = 65_536
"""Most messages of one stream: each costs work and memory, however few rows it holds."""

MAX_SCHEMA_BYTES = 8 * 2**20

_PREFIX_BYTES = 8
_UNCOMPRESSED = -1
_HEADER_TYPE, _HEADER = 1, 2  # slots of a Message
_DICTIONARY_DATA = 1  # slot of a DictionaryBatch: the record batch with its values
_BUFFERS, _COMPRESSION = 2, 3  # slots of a RecordBatch
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3  # header types


def check_messages(body: pa.Buffer, limit_bytes: int) -> None:
    """Check that an Arrow stream is one, and that it does not grow beyond a limit.

    Args:
        body: The stream.
        limit_bytes: Most bytes of all its buffers together, decompressed.

    Raises:
        MalformedBodyError: A message is broken.
        BodyTooLargeError: The buffers claim to be larger.
        InvalidInputError: There are too many messages, or a schema without end.
    """
    size = 0
    for count, message in enumerate(_messages(body)):
        if count >= MAX_MESSAGES:
            raise InvalidInputError(
                f"The Arrow stream has more than {MAX_MESSAGES} messages; put more rows into "
                "each record batch."
            )
        if message.type == "schema":
            if message.metadata.size > MAX_SCHEMA_BYTES:
                raise InvalidInputError(
                    f"The schema of the Arrow stream is over {MAX_SCHEMA_BYTES} bytes; send the "
                    "columns of the model, without metadata."
                )
            continue
        size += _decompressed(message)
        if size > limit_bytes:
            raise BodyTooLargeError(limit_bytes)


def _messages(body: pa.Buffer) -> Iterator[pa.Message]:
    reader = pa.ipc.MessageReader.open_stream(body)
    while True:
        try:
            message = reader.read_next_message()
        except StopIteration:
            return
        yield message


def _decompressed(message: pa.Message) -> int:
    """Return the decompressed size of the body of a message, as its buffers state it.

    Raises:
        MalformedBodyError: The message is broken.
    """
    body = message.body
    if body is None or not body.size:
        return 0
    try:
        places = _compressed_buffers(memoryview(message.metadata))
        if places is None:
            size: int = body.size
            return size
        return _claimed(places, np.frombuffer(body, np.uint8))
    except (struct.error, ValueError, IndexError) as error:
        raise MalformedBodyError(
            "The body is not a valid Arrow stream: a message is broken."
        ) from error


def _claimed(places: np.ndarray, body: np.ndarray) -> int:
    """Sum of the lengths before compressed buffers.

    Args:
        places: Offset and length of each buffer in the body, (buffers, 2).
        body: Its bytes.
    """
    places = places[places[:, 1] > 0]
    first, length = places[:, 0], places[:, 1]
    if (first < 0).any() or (length < _PREFIX_BYTES).any() or (first + length > body.size).any():
        raise ValueError("a buffer lies outside its message")
    prefixes = body[first[:, None] + np.arange(_PREFIX_BYTES)]
    claimed = np.ascontiguousarray(prefixes).view("<i8").ravel()
    if (claimed < _UNCOMPRESSED).any():
        raise ValueError("a buffer claims a negative length")
    sizes = np.where(claimed == _UNCOMPRESSED, length - _PREFIX_BYTES, claimed)
    return sum(sizes.tolist())  # Python's integers: the claims may not fit 64 bits together


def _compressed_buffers(metadata: memoryview) -> np.ndarray | None:
    """Offset and length of each buffer, (buffers, 2); None where they are not compressed."""
    message = _unsigned(metadata, 0)
    place = _field(metadata, message, _HEADER_TYPE)
    kind = metadata[place] if place else 0
    if kind not in (_RECORD_BATCH, _DICTIONARY_BATCH):
        return None
    batch = _follow(metadata, _field(metadata, message, _HEADER))
    if kind == _DICTIONARY_BATCH:
        batch = _follow(metadata, _field(metadata, batch, _DICTIONARY_DATA))
    if not _field(metadata, batch, _COMPRESSION):
        return None
    vector = _follow(metadata, _field(metadata, batch, _BUFFERS))
    count = _unsigned(metadata, vector)
    return np.frombuffer(metadata, "<i8", 2 * count, vector + 4).reshape(count, 2)


def _field(data: memoryview, table: int, slot: int) -> int:
    """Where a field of a flatbuffer table stands; 0 where the table does not have it."""
    (back,) = struct.unpack_from("<i", data, table)
    entries = table - back
    (size,) = struct.unpack_from("<H", data, entries)
    entry = 4 + 2 * slot
    if entry >= size:
        return 0
    (offset,) = struct.unpack_from("<H", data, entries + entry)
    return table + offset if offset else 0


def _follow(data: memoryview, place: int) -> int:
    if not place:
        raise ValueError("a field is missing")
    return place + _unsigned(data, place)


def _unsigned(data: memoryview, place: int) -> int:
    if place < 0:
        raise ValueError("an offset points before the message")
    (value,) = struct.unpack_from("<I", data, place)
    found: int = value
    return found
