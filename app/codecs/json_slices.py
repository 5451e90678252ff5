"""Large JSON bodies, read a slice of rows at a time.

The parser does not let go of the interpreter before it is done, which for a body of 64 MiB is
seconds in which the event loop stands. So a large body is cut between its rows into slices of a few
milliseconds. Where a cut is right need not be known beforehand: what stands before it, closed by a
bracket, is JSON only if the cut lies between two rows, for otherwise a text, a list or an object is
open there. What has more rows than the limit is read only up to it.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NoReturn

import orjson

from app.errors import InvalidInputError, MalformedBodyError

__all__ = ["SLICE_BYTES", "read_slices"]

SLICE_BYTES = 512 * 2**10
"""Largest part that is parsed at once, some milliseconds; also most bytes beside the rows."""

MAX_CUTS = 16
"""Places tried to cut at: a text with `},` in it, or a list in a cell, makes some wrong."""

_TABLE = re.compile(rb'"(rows|data)"[ \t\r\n]*+:[ \t\r\n]*+\[[ \t\r\n]*+([{\[])')
_BETWEEN = {b"{": re.compile(rb"}[ \t\r\n]*+,"), b"[": re.compile(rb"][ \t\r\n]*+,")}

Parse = Callable[[bytes], Any]


def read_slices(
    body: bytes, parse: Parse, row_limit: int, slice_bytes: int = SLICE_BYTES
) -> dict[str, Any]:
    """Reads a body as one JSON object, its rows a slice at a time.

    Args:
        body: The body, longer than a slice.
        parse: Reads JSON; raises JSONDecodeError.
        row_limit: Most rows.
        slice_bytes: Most bytes that are parsed at once.

    Raises:
        MalformedBodyError: The body is not JSON.
        InvalidInputError: It has too many rows, or too much beside them, or a row is too long.
    """
    key, place, opening = _table(body, parse, slice_bytes)
    document = parse(body[:place] + b"]}")
    rows: list[Any] = []
    containers = 0
    while len(body) - place > 2 * slice_bytes:
        slice_rows, end = _slice(body, place, parse, _BETWEEN[opening], slice_bytes, len(rows))
        rows += slice_rows
        containers += body.count(b"[", place, end) + body.count(b"{", place, end)
        place = end
        _check(len(rows), containers, row_limit)
    try:
        rest = parse(b'{"%b":[' % key.encode() + body[place:])
    except json.JSONDecodeError as error:
        raise _malformed(body, place - len(key) - 5, error) from None
    last = rest.pop(key)
    if not isinstance(last, list):  # the key is there twice, and the last one counts
        return {**document, **rest, key: last}
    rows += last
    _check(len(rows), containers, row_limit)
    return {**document, **rest, key: rows}


def _table(body: bytes, parse: Parse, slice_bytes: int) -> tuple[str, int, bytes]:
    """The key of the rows, where the first of them begins, and with which bracket."""
    for found in islice(_TABLE.finditer(body, 0, slice_bytes), MAX_CUTS):
        place = found.start(2)
        try:
            begun = parse(body[:place] + b"]}")
        except json.JSONDecodeError:
            continue
        key = found[1].decode()
        if isinstance(begun, dict) and key in begun:
            return key, place, found[2]
    if body.lstrip()[:1] == b"[":
        raise InvalidInputError('The body must be a JSON object, not a list: {"rows": [...]}.')
    try:
        orjson.loads(body[:slice_bytes].rstrip(bytes(range(128, 256))))
    except orjson.JSONDecodeError as error:
        if "end of data" not in error.msg:
            raise _malformed(body, 0, error) from None
    raise _too_much_beside(slice_bytes)


def _slice(
    body: bytes, place: int, parse: Parse, between: re.Pattern[bytes], size: int, rows: int
) -> tuple[list[Any], int]:
    """The rows from a place on, up to a slice of them, and where the next begins."""
    cuts: Iterator[re.Match[bytes]] = between.finditer(body, place + size, place + 2 * size)
    for cut in islice(cuts, MAX_CUTS):
        try:
            return parse(b"[" + body[place : cut.start() + 1] + b"]"), cut.end()
        except json.JSONDecodeError as error:
            if error.pos < size:
                _refuse(body, place, parse, error, size)
    raise InvalidInputError(
        f"No row ends within {size} bytes of row {rows}: a row is longer, has lists in its cells, "
        "or much stands beside the rows."
    )


def _refuse(
    body: bytes, place: int, parse: Parse, error: json.JSONDecodeError, size: int
) -> NoReturn:
    """Raises for what is wrong before the end of a slice: it is no JSON, or its rows end there."""
    try:
        parse(b"[" + body[place : place + _bytes(error) - 1])
    except json.JSONDecodeError:
        raise _malformed(body, place - 1, error) from None
    raise _too_much_beside(size)


def _too_much_beside(size: int) -> InvalidInputError:
    return InvalidInputError(
        f"All of a large body but its rows may have at most {size} bytes; "
        "its rows are objects or lists."
    )


def _check(rows: int, containers: int, row_limit: int) -> None:
    if rows > row_limit:
        raise InvalidInputError(f"More rows than the limit of {row_limit}; send several requests.")
    if containers > 2 * row_limit:
        raise InvalidInputError(f"More lists and objects than rows can be, {row_limit}.")


def _bytes(error: json.JSONDecodeError) -> int:
    """How many bytes stand before what is wrong."""
    return len(error.doc[: error.pos].encode("utf-8", "replace"))


def _malformed(body: bytes, offset: int, error: json.JSONDecodeError) -> MalformedBodyError:
    place = max(0, offset + _bytes(error))
    line = body.count(b"\n", 0, place) + 1
    column = place - body.rfind(b"\n", 0, place)
    reason = error.msg.partition(": line ")[0]
    return MalformedBodyError(
        f"The body is not valid JSON: line {line}, column {column}: {reason}."
    )
