"""Large JSON bodies, read a slice of rows at a time.

The parser does not let go of the interpreter before it is done, which for a body of 64 MiB is
seconds in which the event loop stands. So a large body is cut between its rows into slices of a
millisecond or two. A cut is right where all brackets that opened since the first row are closed
again, those in texts aside. What has more rows than the limit is read only up to it.

A million rows as objects take many times the memory of the body, and some of that is not given back
when they are freed. So a slice is parsed once to check it, and again when its rows are worked with.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NoReturn, overload

import numpy as np
import orjson

from madeira.app.errors import InvalidInputError, MalformedBodyError

__all__ = ["SLICE_BYTES", "SlicedRows", "read_slices"]

SLICE_BYTES = 512 * 2**10
"""Most bytes of a row, and of all that stands beside the rows; a quarter is parsed at once."""

MAX_TABLES = 16
"""Places tried where the rows may begin: `given` may have a column `rows` too."""

_BLANKS = b" \t\r\n"
_NAMES = rb"rows|data|instances|inputs|dataframe_records"
_TABLE = re.compile(rb'"(%b)"[ \t\r\n]*+:[ \t\r\n]*+\[[ \t\r\n]*+(?=[{\[])' % _NAMES)
_AFTER_ROW = re.compile(rb"[ \t\r\n]*+([,\]]?)[ \t\r\n]*+")
_NO_ROWS = b'"\\u0000"'
"""Placeholder of the rows when the rest of the body is read."""

_CLOSING = {b"{": b"}", b"[": b"]", b'"': b'"'}
_QUOTE = ord('"')
_DEPTH = np.zeros(256, np.int8)
_DEPTH[list(b"[{")] = 1
_DEPTH[list(b"]}")] = -1
_IS_MARK = _DEPTH != 0
_IS_MARK[_QUOTE] = True

Parse = Callable[[bytes], Any]


def read_slices(
    body: bytes, parse: Parse, row_limit: int, slice_bytes: int = SLICE_BYTES
) -> dict[str, Any]:
    """Read a body as one JSON object, whose rows are `SlicedRows`.

    Args:
        body: The body, longer than a slice.
        parse: Reads JSON; raises JSONDecodeError.
        row_limit: Most rows.
        slice_bytes: Most bytes that are parsed at once; twice as many at the end.

    Raises:
        MalformedBodyError: The body is not JSON.
        InvalidInputError: It has too many rows, or too much beside them, or a row is too long.
    """
    body = body.rstrip(_BLANKS)
    key, document, place = _table(body, parse, slice_bytes)
    rows = SlicedRows(body, parse)
    containers = 0
    closed = False
    while not closed:
        end, closed = _slice_end(body, place, slice_bytes, len(rows))
        try:
            rows.add(place, end, body[end : end + 1] if closed else b"]")
        except json.JSONDecodeError as error:
            raise _malformed(body, place - 1 + _bytes(error), error.msg) from None
        containers += body.count(b"[", place, end) + body.count(b"{", place, end)
        _check(len(rows), containers, row_limit)
        place = end + 1 if closed else _next_row(body, end)
    if len(body) - place > slice_bytes:
        _refuse(body, f"A large body may have at most {slice_bytes} bytes beside its rows.")
    before = b'{"%b":%b' % (key.encode(), _NO_ROWS)
    try:
        rest = parse(before + body[place:])
    except json.JSONDecodeError as error:
        raise _malformed(body, place - len(before) + _bytes(error), error.msg) from None
    if rest[key] == json.loads(_NO_ROWS):  # else the key is there twice, and the last one counts
        rest[key] = rows
    return {**document, **rest}


class SlicedRows(Sequence[Any]):
    """The rows of a large body: its bytes, of which one slice at a time is parsed.

    Args:
        body: The body.
        parse: Reads JSON; raises JSONDecodeError.
    """

    def __init__(self, body: bytes, parse: Parse) -> None:
        self._body, self._parse = body, parse
        self._ends = [0]  # so many rows stand before each slice and behind the last
        self._places: list[tuple[int, int]] = []
        self._slice, self._parsed = -1, list[Any]()

    def add(self, start: int, stop: int, closing: bytes) -> None:
        """Add a slice, and check it.

        Args:
            start: Where its first row begins.
            stop: Where its last row ends.
            closing: The bracket behind it.

        Raises:
            JSONDecodeError: It is not JSON.
        """
        self._parsed = self._parse(b"[" + self._body[start:stop] + closing)
        self._slice = len(self._places)
        self._places.append((start, stop))
        self._ends.append(len(self) + len(self._parsed))

    def _rows(self, number: int) -> list[Any]:
        """Return the rows of a slice; the last one asked for is kept."""
        if number != self._slice:
            start, stop = self._places[number]
            self._parsed = self._parse(b"[" + self._body[start:stop] + b"]")
            self._slice = number
        return self._parsed

    def __len__(self) -> int:
        return self._ends[-1]

    def __iter__(self) -> Iterator[Any]:
        for number in range(len(self._places)):
            yield from self._rows(number)

    @overload
    def __getitem__(self, place: int) -> Any: ...  # noqa: ANN401 - any JSON value
    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...
    def __getitem__(self, place: int | slice) -> Any:
        """Return one row, or a list of those from one place to another."""
        if isinstance(place, int):
            return self[place : place + 1 or None][0]
        start, stop, _ = place.indices(len(self))
        found: list[Any] = []
        while start < stop:
            number = bisect_right(self._ends, start) - 1
            before = self._ends[number]
            found += self._rows(number)[start - before : stop - before]
            start = self._ends[number + 1]
        return found


def _table(body: bytes, parse: Parse, slice_bytes: int) -> tuple[str, dict[str, Any], int]:
    """Return the key of the rows, what stands before them, and where the first of them begins."""
    for found in islice(_TABLE.finditer(body, 0, slice_bytes), MAX_TABLES):
        try:
            begun = parse(body[: found.end()] + b"]}")
        except json.JSONDecodeError:
            continue
        key = found[1].decode()
        if isinstance(begun, dict) and key in begun:
            return key, begun, found.end()
    _check_begun(body, 0, slice_bytes)
    first = body.lstrip(_BLANKS)[:1]
    if first == b'"':
        _refuse(body, 'The body must be a JSON object, not a text: {"rows": [...]}.')
    _refuse(
        body,
        f"A large body may have at most {slice_bytes} bytes beside its rows, which are objects "
        "or lists.",
    )


def _slice_end(body: bytes, place: int, slice_bytes: int, row: int) -> tuple[int, bool]:
    """Where a slice that begins with a row ends, and whether all rows end there.

    Args:
        body: The body.
        place: Where the slice begins.
        slice_bytes: Most bytes of it; a quarter is taken where that holds a whole row.
        row: Number of its first row.

    Returns:
        The place after a row, or that of the bracket which closes the list of rows.
    """
    for size in (slice_bytes // 16, slice_bytes):
        last = len(body) - place <= 2 * size
        part = body[place:] if last else body[place : place + size]
        row_end, rows_end = _ends(part)
        if rows_end is not None:
            return place + rows_end, True
        if last or row_end is not None:
            break
    if last or row_end is None:
        _check_begun(body, place, len(part), b"[")
        if last:
            raise _malformed(body, len(body), "unexpected end of data")
        _refuse(
            body,
            f"Row {row} is too long: in a large body a row is an object or a list of at most "
            f"{slice_bytes} bytes.",
        )
    end = place + row_end
    after = _AFTER_ROW.match(body, end)
    if after and after[1] == b"]":
        return after.start(1), True
    return end, False


def _ends(part: bytes) -> tuple[int | None, int | None]:
    """Where the last row of a part ends, and where the list of rows is closed.

    Args:
        part: Of a body, from the beginning of a row on.

    Returns:
        The place after the last row that is whole, and that of the bracket; None where the part
        has none.
    """
    # Pairs of a backslash are replaced first, for the second of a pair does not escape a quote.
    part = part.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    codes = np.frombuffer(part, np.uint8)
    places = np.flatnonzero(_IS_MARK[codes])
    marks = codes[places]
    in_text = np.logical_xor.accumulate(marks == _QUOTE)
    steps = np.where(in_text, 0, _DEPTH[marks])
    # Not np.cumsum: it looks up a method by a new string each time, which Python's method cache
    # keeps, and one such string among the rows of a slice keeps a megabyte from being given back.
    depth = np.add.accumulate(steps, dtype=np.int32)
    closed = np.flatnonzero(depth < 0)
    rows_end = int(places[closed[0]]) if closed.size else None
    before = slice(0, closed[0] if closed.size else None)
    rows = np.flatnonzero((steps[before] < 0) & (depth[before] == 0))
    return (int(places[rows[-1]]) + 1 if rows.size else None), rows_end


def _next_row(body: bytes, end: int) -> int:
    """Where the next row begins after the end of one."""
    after = _AFTER_ROW.match(body, end)
    if after is None or not after[1]:
        place = after.end() if after else end
        raise _malformed(body, place, "a comma or the end of the list was expected")
    if body[after.end() : after.end() + 1] == b"]":
        raise _malformed(body, after.end(), "a row was expected")
    return after.end()


def _check_begun(body: bytes, place: int, size: int, before: bytes = b"") -> None:
    """Raise MalformedBodyError where a part of a body is wrong, not only incomplete."""
    # The last character may be cut in two.
    part = before + body[place : place + size].rstrip(bytes(range(128, 256)))
    try:
        orjson.loads(part)
    except orjson.JSONDecodeError as error:
        if "end of data" not in error.msg:
            raise _malformed(body, place - len(before) + _bytes(error), error.msg) from None


def _refuse(body: bytes, message: str) -> NoReturn:
    """Raise InvalidInputError, or MalformedBodyError if the body ends early."""
    if not body.endswith(_CLOSING.get(body.lstrip(_BLANKS)[:1], b"")):
        raise _malformed(body, len(body), "unexpected end of data")
    raise InvalidInputError(message)


def _check(rows: int, containers: int, row_limit: int) -> None:
    if rows > row_limit:
        raise InvalidInputError(f"More rows than the limit of {row_limit}; send several requests.")
    if containers > 2 * row_limit:
        raise InvalidInputError(f"More lists and objects than rows can be, {row_limit}.")


def _bytes(error: json.JSONDecodeError) -> int:
    """Return the number of bytes before the error."""
    return len(error.doc[: error.pos].encode("utf-8", "replace"))


def _malformed(body: bytes, place: int, message: str) -> MalformedBodyError:
    place = min(max(0, place), len(body))
    line = body.count(b"\n", 0, place) + 1
    column = place - body.rfind(b"\n", 0, place)
    reason = message.partition(": line ")[0]
    return MalformedBodyError(
        f"The body is not valid JSON: line {line}, column {column}: {reason}."
    )
