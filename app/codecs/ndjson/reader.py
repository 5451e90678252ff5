"""JSON lines to rows, of a large body some lines at a time."""

import json

from madeira.app.codecs.json.slices import SLICE_BYTES, SlicedRows
from madeira.app.codecs.json.text import parse_json
from madeira.app.errors import InvalidInputError, MalformedBodyError

__all__ = ["read_lines"]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_lines(
    body: bytes, row_limit: int, slice_bytes: int = SLICE_BYTES
) -> list[object] | SlicedRows:
    """Read the values of all lines that are not blank; numbers may be NaN or infinite.

    Args:
        body: The body.
        row_limit: Most lines.
        slice_bytes: Most bytes of a line, and of lines that are parsed at once.

    Raises:
        MalformedBodyError: A line is not JSON.
        InvalidInputError: There are too many lines, or one is too long.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    if not body.strip():
        raise MalformedBodyError("The body is empty: send one JSON object a line.")
    rows = SlicedRows(body, _parse_lines)
    start, size = 0, len(body)
    while start < size:
        stop = _slice_end(body, start, slice_bytes)
        try:
            rows.add(start, stop, b"]")
        except json.JSONDecodeError as error:
            raise _malformed(body, start, stop, error) from None
        if len(rows) > row_limit:
            raise InvalidInputError(
                f"More rows than the limit of {row_limit}; send several requests."
            )
        start = stop
    return rows if size > slice_bytes else list(rows)


def _slice_end(body: bytes, start: int, slice_bytes: int) -> int:
    """Where the last line ends that is whole within a slice; at least one line is taken.

    Raises:
        InvalidInputError: The line is too long.
    """
    last = len(body) - start <= slice_bytes // 4
    stop = len(body) if last else body.rfind(b"\n", start, start + slice_bytes // 4) + 1
    if not stop:
        stop = body.find(b"\n", start, start + slice_bytes) + 1
    if not stop:
        if len(body) - start <= slice_bytes:
            return len(body)
        raise InvalidInputError(
            f"Line {_line(body, start)} is too long: a row has at most {slice_bytes} bytes."
        )
    return stop


def _parse_lines(part: bytes) -> list[object]:
    """Read the lines of a slice, which has a bracket before and behind it."""
    return [parse_json(line) for line in part[1:-1].split(b"\n") if line.strip()]


def _malformed(
    body: bytes, start: int, stop: int, error: json.JSONDecodeError
) -> MalformedBodyError:
    """Return the error of the first line in a slice that is not JSON."""
    number = _line(body, start)
    for line in body[start:stop].split(b"\n"):
        try:
            if line.strip():
                parse_json(line)
        except json.JSONDecodeError as found:
            error = found
            break
        number += 1
    reason = error.msg.partition(": line ")[0]
    return MalformedBodyError(
        f"Line {number} of the body is not valid JSON: column {error.colno}: {reason}."
    )


def _line(body: bytes, place: int) -> int:
    return body.count(b"\n", 0, place) + 1
