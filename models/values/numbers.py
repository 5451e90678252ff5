"""Numbers and instants: from Arrow to float64 and back to the type they came as.

Instants (dates and time stamps) are seconds since 1970-01-01T00:00:00 UTC; a time stamp without
a time zone counts as if its clock showed UTC.
"""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.arrays import Bool, Float64
from madeira.models.echo import MAX_ECHO, cut, quoted
from madeira.models.errors import MAX_CELL_ERRORS, CellError, TableError
from madeira.models.values.arrow_types import Family, family, value_type
from madeira.models.values.number_text import NUMBER

__all__ = ["MAX_EXACT", "decoded", "from_numbers", "refuse", "refuse_type", "shown", "to_numbers"]


MAX_EXACT = 2**53
"""Whole numbers up to it are floats of 64 bits, all of them."""

MAX_SHOWN_BYTES = 1_000
"""A list or bytes of more are not shown in an error, only their type."""

_DAY = 86_400
_TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_FIRST_INSTANT, _LAST_INSTANT = -62_135_596_800, 253_402_300_799  # years 1 to 9999
_ZONED = r"(Z|[+-]\d{2}(:?\d{2})?)$"
_BEYOND_MICROSECONDS = r"(\.\d{6})\d+"


def decoded(array: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Return the column as one contiguous array without dictionary encoding."""
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return whole.dictionary_decode() if isinstance(whole, pa.DictionaryArray) else whole


def refuse(name: str, bad: Bool, message: Callable[[int], str]) -> None:
    """Raise a TableError that names the cells marked in `bad`, (rows,) bool, if there are any.

    Args:
        name: Name of the column.
        bad: The cells to refuse.
        message: Text for the cell of a row.

    Raises:
        TableError: Some cells are marked.
    """
    rows = np.flatnonzero(bad)[:MAX_CELL_ERRORS]
    if rows.size:
        raise TableError([CellError(int(row), name, message(int(row))) for row in rows])


def refuse_type(name: str, array: pa.Array, expected: str) -> None:
    """Raise a TableError that names the cells of an array whose whole type is wrong.

    Args:
        name: Name of the column.
        array: Its values, (rows,).
        expected: What they should be, in words.
    """
    refuse(
        name,
        array.is_valid().to_numpy(zero_copy_only=False),
        lambda row: f"expected {expected}, got {shown(array, row)}",
    )


def to_numbers(name: str, array: pa.ChunkedArray | pa.Array, arrow_type: pa.DataType) -> Float64:
    """Read a column of numbers or instants.

    Args:
        name: Name of the column, for errors.
        array: Values, (rows,).
        arrow_type: Type that the column has in the schema; the array may differ from it where
            its values are plain: any type of numbers, numbers as text, ISO 8601 text for instants.

    Returns:
        Values, (rows,) float64; instants in seconds since 1970; NaN where null.

    Raises:
        TableError: A cell is of another family, or is NaN or infinite.
    """
    values = decoded(array)
    if values.null_count == len(values):
        return np.full(len(values), np.nan)
    expected, found = family(arrow_type), family(values.type)
    if expected is Family.INSTANT:
        return _seconds(name, values, arrow_type)
    if found is Family.TEXT:
        values = _numbers(name, values)
    elif found is not Family.NUMBER:
        refuse_type(name, values, "a number")
    numbers = _float64(values)
    finite = np.isfinite(numbers)
    if np.count_nonzero(finite) + values.null_count != len(values):
        refuse(
            name,
            ~finite & values.is_valid().to_numpy(zero_copy_only=False),
            lambda row: f"expected a finite number, got {numbers[row]}; use null for missing",
        )
    return numbers


def from_numbers(values: Float64, arrow_type: pa.DataType) -> pa.Array:
    """Write float64 values, (rows,), NaN for null, as `arrow_type`.

    Values beyond the range of the type are clipped to it; whole numbers, decimals and instants
    are rounded to what the type can hold.

    Args:
        values: Numbers, (rows,), NaN for null.
        arrow_type: Type of the result.
    """
    target = value_type(arrow_type)
    missing = np.isnan(values)
    known = np.where(missing, 0.0, values)
    if pa.types.is_date(target):
        days = np.rint(np.clip(known, _FIRST_INSTANT, _LAST_INSTANT - _DAY) / _DAY)
        date32 = pa.array(days.astype(np.int32), mask=missing).cast(pa.date32())
        return date32.cast(target)
    if isinstance(target, pa.TimestampType):
        ticks = _whole(np.clip(known, _FIRST_INSTANT, _LAST_INSTANT) * _TICKS[target.unit], "i8")
        return pa.array(ticks, mask=missing).cast(target)
    if pa.types.is_integer(target):
        return pa.array(_whole(known, target.to_pandas_dtype()), type=target, mask=missing)
    if pa.types.is_decimal(target):
        largest = 10.0 ** (target.precision - target.scale) * (1 - 1e-15) - 10.0**-target.scale
        clipped = np.clip(known, -largest, largest)
        return pa.array(clipped, mask=missing).cast(target)
    dtype = target.to_pandas_dtype()
    limit = float(np.finfo(dtype).max)
    return pa.array(np.clip(known, -limit, limit).astype(dtype), type=target, mask=missing)


def _whole(values: Float64, dtype: npt.DTypeLike) -> npt.NDArray[np.integer]:
    """Round to an integer dtype, clipped to the floats that it can hold."""
    limits = np.iinfo(np.dtype(dtype))
    highest = float(limits.max)
    if int(highest) > limits.max:  # 2**63 - 1 and 2**64 - 1 are no floats
        highest = float(np.nextafter(highest, 0.0))
    return np.clip(np.rint(values), float(limits.min), highest).astype(dtype)


def _float64(values: pa.Array) -> Float64:
    """Return numbers as float64, NaN where null; -0.0 becomes 0.0."""
    if pa.types.is_decimal(values.type):
        values = pc.cast(values, pa.float64())
    numbers: Float64 = values.to_numpy(zero_copy_only=False).astype(np.float64) + 0.0
    return numbers


def _numbers(name: str, text: pa.Array) -> pa.Array:
    """Read plain numbers that came as text."""
    trimmed = pc.utf8_trim_whitespace(text.cast(pa.large_string()))
    plain_numbers = pc.match_substring_regex(trimmed, f"^{NUMBER}$")
    refuse(
        name,
        ~plain_numbers.fill_null(True).to_numpy(zero_copy_only=False),
        lambda row: f"expected a number, got {shown(text, row)}",
    )
    return pc.cast(pc.replace_substring_regex(trimmed, r"^\+", ""), pa.float64())


def _seconds(name: str, values: pa.Array, arrow_type: pa.DataType) -> Float64:
    """Read instants, or ISO 8601 text, as seconds since 1970, NaN where null."""
    target = value_type(arrow_type)
    if family(values.type) is Family.TEXT:
        zone = target.tz if isinstance(target, pa.TimestampType) else None
        values = _parse(name, values, zone)
    if family(values.type) is not Family.INSTANT:
        refuse_type(name, values, "a date or a time stamp")
    if pa.types.is_date(values.type):
        return _float64(values.cast(pa.date32()).cast(pa.int32())) * _DAY
    if values.type.unit == "ns":  # more than float64 can tell apart
        values = values.cast(pa.timestamp("us", values.type.tz), safe=False)
    return _float64(values.cast(pa.int64())) / _TICKS[values.type.unit]


def _parse(name: str, text: pa.Array, zone: str | None) -> pa.Array:
    """Parse ISO 8601 text; text without an offset is local time in `zone`.

    Raises:
        TableError: Names each cell that is no instant.
        ArrowInvalid: Arrow refuses the text for another reason.
    """
    try:
        return _timestamps(text, zone)
    except pa.ArrowInvalid:
        bad = np.zeros(len(text), np.bool_)
        bad[list(islice(_unparsed(text, zone), MAX_CELL_ERRORS))] = True
        refuse(
            name,
            bad,
            lambda row: (
                "expected a date or a time stamp such as 2024-01-31T12:00:00"
                f"{'Z' if zone else ''}, got {shown(text, row)}"
            ),
        )
        raise


def _unparsed(text: pa.Array, zone: str | None, start: int = 0) -> Iterator[int]:
    """Yield the rows of text that is no instant, by halves: Arrow does not say which they are."""
    try:
        _timestamps(text, zone)
    except pa.ArrowInvalid:
        if len(text) == 1:
            yield start
            return
        half = len(text) // 2
        yield from _unparsed(text.slice(0, half), zone, start)
        yield from _unparsed(text.slice(half), zone, start + half)


def _timestamps(text: pa.Array, zone: str | None) -> pa.Array:
    """Cast text to time stamps in microseconds; ArrowInvalid at the first that fails."""
    trimmed = pc.replace_substring_regex(
        pc.utf8_trim_whitespace(text.cast(pa.large_string())), _BEYOND_MICROSECONDS, r"\1"
    )
    if zone is None:
        return pc.cast(trimmed, pa.timestamp("us"))
    zoned = pc.match_substring_regex(trimmed, r":.*" + _ZONED)
    utc = pa.timestamp("us", tz="UTC")
    nothing = pa.scalar(None, trimmed.type)
    given = pc.cast(pc.if_else(zoned, trimmed, nothing), utc)
    local = pc.cast(pc.if_else(zoned, nothing, trimmed), pa.timestamp("us"))
    assumed = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest")
    return pc.coalesce(given, pc.cast(assumed, utc))


def shown(array: pa.Array, row: int) -> str:
    """Return a cell as an error shows it: short, text in quotes, odd values with their type.

    A cell may be a text of megabytes, or one that Python has no value for, such as nanoseconds.

    Args:
        array: Values, (rows,).
        row: Row of the cell.
    """
    cell = array.slice(row, 1)
    if isinstance(cell, pa.DictionaryArray):
        cell = cell.dictionary.take(cell.indices)
    match family(cell.type):
        case Family.TEXT:
            text = pc.utf8_slice_codeunits(cell.cast(pa.large_string()), 0, MAX_ECHO + 1)
            return quoted(text[0].as_py())
        case Family.BOOLEAN | Family.NUMBER:
            return cut(str(cell[0].as_py()))
        case Family.INSTANT:
            if isinstance(cell.type, pa.TimestampType):
                cell = cell.cast(pa.timestamp(cell.type.unit))  # its zone may be an unknown one
            return cut(str(cell.cast(pa.string())[0].as_py()))
        case _:
            kind = f"a value of type {cut(str(cell.type))}"
            # Values of many parts may be far longer written out than they are as Arrow.
            if not _is_simple(cell.type) or cell.nbytes > MAX_SHOWN_BYTES:
                return kind
            return f"{cut(str(cell[0].as_py()))}, {kind}"


def _is_simple(kind: pa.DataType) -> bool:
    """Whether values of another type are bytes, or lists of numbers, truths, text or bytes."""
    types = pa.types
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    part = kind.value_type if lists else kind
    if types.is_binary(part) or types.is_large_binary(part) or types.is_fixed_size_binary(part):
        return True
    if types.is_dictionary(part) or types.is_string_view(part):
        return False
    return lists and family(part) in (Family.BOOLEAN, Family.NUMBER, Family.TEXT)
