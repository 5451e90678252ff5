"""How large the pages of a Parquet file are once decompressed, before any of them is.

The directory at the end of a file says how large its columns are, and a reader does not hold it to
that: it takes memory for what the header of each page claims. So the headers are read first, and
where they begin is read of the directory here too, because the library ends the process over some
broken ones. Both are structs of Thrift's compact protocol (parquet.thrift, `FileMetaData` and
`PageHeader`); only what is needed of them is read.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from madeira.app.errors import BodyTooLargeError, InvalidInputError, MalformedBodyError

__all__ = ["check_pages", "column_chunks"]

MAX_PAGES = 100_000
"""Most pages of the columns that are read."""

MAX_DEPTH = 12
"""Structs and lists within each other; there are six."""

MAX_DIRECTORY_BYTES = 4 * 2**20
"""Longest directory of a file."""

_TAIL_BYTES = 8  # the length of the directory, and the letters PAR1

_UNCOMPRESSED, _COMPRESSED = 2, 3  # fields of a PageHeader
_DATA_PAGE, _DATA_PAGE_V2 = 5, 8
_ENCODINGS = {_DATA_PAGE: 2, _DATA_PAGE_V2: 4}  # field of either with the encoding of its values
_DELTA_BYTE_ARRAY = 7

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_NUMBERS = (4, 5, 6)

Fields = dict[int, object]


def check_pages(
    content: bytes, chunks: Iterable[tuple[int, int, int]], limit_bytes: int
) -> dict[int, int]:
    """Check that the pages of a file do not grow beyond a limit.

    Args:
        content: The file.
        chunks: A column, and where its pages in a row group begin and end.
        limit_bytes: Most bytes of all pages together, decompressed.

    Returns:
        Of the columns with texts that share their beginnings, bytes of the largest page: each
        text may be as long.

    Raises:
        MalformedBodyError: A page lies outside the file, or its header is broken.
        BodyTooLargeError: The pages claim to be larger.
        InvalidInputError: There are too many pages.
    """
    size = count = 0
    largest: dict[int, int] = {}
    shared: set[int] = set()
    for column, start, stop in chunks:
        place = start
        if not 0 <= start <= stop <= len(content):
            raise MalformedBodyError("The body is not a valid Parquet file: a column lies outside.")
        while place < stop:
            try:
                header, place = _struct(content, place, MAX_DEPTH)
            except (IndexError, ValueError):
                raise MalformedBodyError(
                    "The body is not a valid Parquet file: the header of a page is broken."
                ) from None
            claimed: Any = header.get(_UNCOMPRESSED)
            taken: Any = header.get(_COMPRESSED)
            sizes = isinstance(claimed, int) and isinstance(taken, int)
            if not sizes or min(claimed, taken) < 0:
                raise MalformedBodyError(
                    "The body is not a valid Parquet file: a page does not say how large it is."
                )
            place, size, count = place + taken, size + claimed, count + 1
            for kind, field in _ENCODINGS.items():
                page = header.get(kind)
                if isinstance(page, dict) and page.get(field) == _DELTA_BYTE_ARRAY:
                    shared.add(column)
            largest[column] = max(claimed, largest.get(column, 0))
            if size > limit_bytes:
                raise BodyTooLargeError(limit_bytes)
            if count > MAX_PAGES:
                raise InvalidInputError(
                    f"The Parquet file has more than {MAX_PAGES} pages; write larger ones."
                )
    return {column: largest[column] for column in shared}


def column_chunks(content: bytes, columns: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield each of some columns in each row group, and where its pages begin and end.

    Args:
        content: The file.
        columns: Their places among the columns that are not nested.

    Raises:
        MalformedBodyError: The directory is broken.
        InvalidInputError: It is too long.
    """
    broken = MalformedBodyError("The body is not a valid Parquet file: its directory is broken.")
    stop = len(content) - _TAIL_BYTES
    start = stop - int.from_bytes(content[stop : stop + 4], "little")
    if not 0 <= start <= stop:
        raise broken
    if stop - start > MAX_DIRECTORY_BYTES:
        raise InvalidInputError(
            f"The directory of the Parquet file is longer than {MAX_DIRECTORY_BYTES} bytes; write "
            "fewer row groups."
        )
    try:
        directory: Any = _struct(content[start:stop], 0, MAX_DEPTH)[0]
        for group in directory.get(4, []):
            for column in columns:
                chunk = group[1][column][3]
                first, dictionary = chunk[9], chunk.get(11, 0)
                begin = dictionary if 0 < dictionary < first else first
                yield column, begin, begin + chunk[7]
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        raise broken from None


def _struct(data: bytes, place: int, depth: int) -> tuple[Fields, int]:
    """Return numbers, structs and lists of a struct by the number of the field, and its end."""
    fields: Fields = {}
    number = 0
    while head := data[place]:
        place += 1
        kind, step = head & 15, head >> 4
        if step:
            number += step
        else:
            number, place = _signed(data, place)
        if kind not in (_TRUE, _FALSE):
            fields[number], place = _value(data, place, kind, depth - 1)
    return fields, place + 1


def _value(data: bytes, place: int, kind: int, depth: int) -> tuple[object, int]:
    """Return a number, a struct or a list, None for what is not needed; and its end."""
    if not depth:
        raise ValueError("too many structs within each other")
    if kind in _NUMBERS:
        return _signed(data, place)
    if kind == _STRUCT:
        return _struct(data, place, depth)
    if kind == _BINARY:
        length, place = _unsigned(data, place)
        return None, place + length
    if kind in (_TRUE, _FALSE, _BYTE, _DOUBLE):  # true and false take a byte in a list
        return None, place + (8 if kind == _DOUBLE else 1)
    if kind not in (_LIST, _SET):  # maps: neither struct has one
        raise ValueError("a field of an unknown type")
    head, place = data[place], place + 1
    size, kind = head >> 4, head & 15
    if size == 15:
        size, place = _unsigned(data, place)
    values: list[object] = []
    for _ in range(size):
        if place >= len(data):
            raise ValueError("a list without end")
        value, place = _value(data, place, kind, depth - 1)
        values.append(value)
    return values, place


def _unsigned(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number without end")


def _signed(data: bytes, place: int) -> tuple[int, int]:
    value, place = _unsigned(data, place)
    return (value >> 1) ^ -(value & 1), place
