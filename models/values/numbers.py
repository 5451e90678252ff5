"""Numbers and times: from Arrow to float64 and back to the type they came as.

Instants (dates and time stamps) are seconds since 1970-01-01T00:00:00 UTC; a time stamp without
a time zone counts as if its clock showed UTC. Times of day are seconds since midnight. What
float64 cannot hold is read and written by `madeira.models.values.ticks`.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.arrays import Bool, Float64
from madeira.models.echo import MAX_ECHO, cut, quoted
from madeira.models.errors import MAX_CELL_ERRORS, CellError, TableError
from madeira.models.values.arrow_types import Family, family, value_type
from madeira.models.values.number_text import NUMBER
from madeira.models.values.ticks import (
    MAX_DIGITS,
    MAX_EXACT,
    Ticks,
    floats_of,
    from_ticks,
    ticks_of,
    ticks_per_unit,
)

__all__ = [
    "decoded",
    "from_numbers",
    "readable",
    "refuse",
    "refuse_type",
    "shown",
    "to_numbers",
]


MAX_SHOWN_BYTES = 1_000
"""A list or bytes of more are not shown in an error, only their type."""

_FLOAT_DIGITS = 15  # of a number that a float of 64 bits tells from its neighbours
_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?$"
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
    """Read a column of numbers or times.

    Args:
        name: Name of the column, for errors.
        array: Values, (rows,).
        arrow_type: Type that the column has in the schema; see `readable` for what else is read.

    Returns:
        Values, (rows,) float64, each the nearest float there is; instants in seconds since 1970,
        times of day since midnight, durations in seconds; NaN where null.

    Raises:
        TableError: A cell is of another family, or is NaN or infinite.
    """
    values = readable(name, array, arrow_type)
    if values.null_count == len(values):
        return np.full(len(values), np.nan)
    per_unit = ticks_per_unit(values.type)
    if per_unit is not None:
        numbers = floats_of(ticks_of(values), per_unit)
        if values.null_count:
            numbers[~values.is_valid().to_numpy(zero_copy_only=False)] = np.nan
        return numbers
    # -0.0 becomes 0.0
    numbers = np.asarray(values.to_numpy(zero_copy_only=False), np.float64) + 0.0
    finite = np.isfinite(numbers)
    if np.count_nonzero(finite) + values.null_count != len(values):
        refuse(
            name,
            ~finite & values.is_valid().to_numpy(zero_copy_only=False),
            lambda row: f"expected a finite number, got {numbers[row]}; use null for missing",
        )
    return numbers


def readable(name: str, array: pa.ChunkedArray | pa.Array, arrow_type: pa.DataType) -> pa.Array:
    """Return the values of a column as numbers, or as times of its family, (rows,).

    Args:
        name: Name of the column, for errors.
        array: Values, (rows,).
        arrow_type: Type that the column has in the schema; the array may differ from it where
            its values are plain: any type of numbers, numbers as text, ISO 8601 text for instants
            and times of day, seconds for durations.

    Raises:
        TableError: A cell is of another family.
    """
    values = decoded(array)
    if values.null_count == len(values):
        return values
    expected, found = family(arrow_type), family(values.type)
    if expected is Family.INSTANT:
        return _instants(name, values, arrow_type)
    if found is Family.TEXT:
        return _times(name, values) if expected is Family.TIME else _numbers(name, values)
    if found is not expected and not (expected is Family.DURATION and found is Family.NUMBER):
        refuse_type(name, values, "a number" if expected is Family.NUMBER else str(expected))
    return values


def from_numbers(values: Float64, arrow_type: pa.DataType) -> pa.Array:
    """Write float64 values, (rows,), NaN for null, as `arrow_type`.

    Values beyond the range of the type are clipped to it; whole numbers, decimals and times
    are rounded to what the type can hold.

    Args:
        values: Numbers, (rows,), NaN for null; seconds for times.
        arrow_type: Type of the result.
    """
    target = value_type(arrow_type)
    missing = np.isnan(values)
    known = np.where(missing, 0.0, values)
    per_unit = ticks_per_unit(target)
    if per_unit is not None:
        return from_ticks(_nearest_ticks(known, per_unit), missing, target)
    dtype = target.to_pandas_dtype()
    limit = float(np.finfo(dtype).max)
    return pa.array(np.clip(known, -limit, limit).astype(dtype), type=target, mask=missing)


def _nearest_ticks(values: Float64, per_unit: Fraction) -> Ticks:
    """Return the ticks nearest to values in units, (rows,)."""
    with np.errstate(over="ignore"):
        ticks = np.rint(values * per_unit.numerator / per_unit.denominator)
    if not len(ticks) or np.abs(ticks).max() < MAX_EXACT:
        return ticks.astype(np.int64)
    return np.array([round(Fraction(value) * per_unit) for value in values.tolist()], object)


def _numbers(name: str, text: pa.Array) -> pa.Array:
    """Read plain numbers that came as text."""
    trimmed = pc.utf8_trim_whitespace(text.cast(pa.large_string()))
    plain_numbers = pc.match_substring_regex(trimmed, f"^{NUMBER}$")
    refuse(
        name,
        ~plain_numbers.fill_null(True).to_numpy(zero_copy_only=False),
        lambda row: f"expected a number, got {shown(text, row)}",
    )
    plain = pc.replace_substring_regex(trimmed, r"^\+", "")
    if pc.max(pc.utf8_length(plain)).as_py() > _FLOAT_DIGITS:
        exact = _decimals(plain)
        if exact is not None:
            return exact
    return pc.cast(plain, pa.float64())


def _decimals(plain: pa.Array) -> pa.Array | None:
    """Return texts of numbers as decimals, all their digits kept; None where no decimal is so wide.

    Args:
        plain: Numbers as text, (rows,) large_string.
    """
    if not pc.all(pc.match_substring_regex(plain, r"^-?[0-9]+(\.[0-9]*)?$"), min_count=0).as_py():
        return None
    fraction = pc.utf8_length(pc.replace_substring_regex(plain, r"^[^.]*\.?", ""))
    try:
        return pc.cast(plain, pa.decimal128(MAX_DIGITS, pc.max(fraction).as_py()))
    except pa.ArrowInvalid:
        return None


def _times(name: str, text: pa.Array) -> pa.Array:
    """Read times of day that came as text, such as 08:30 or 08:30:00.25."""
    trimmed = pc.utf8_trim_whitespace(text.cast(pa.large_string()))
    matches = pc.match_substring_regex(trimmed, _CLOCK)
    refuse(
        name,
        ~matches.fill_null(True).to_numpy(zero_copy_only=False),
        lambda row: f"expected a time of day such as 08:30:00, got {shown(text, row)}",
    )
    micros = pc.replace_substring_regex(trimmed, _BEYOND_MICROSECONDS, r"\1")
    day = pa.scalar("1970-01-01T", pa.large_string())
    instants = pc.binary_join_element_wise(day, micros, pa.scalar("", pa.large_string()))
    return pc.cast(pc.cast(instants, pa.timestamp("us")), pa.time64("us"))


def _instants(name: str, values: pa.Array, arrow_type: pa.DataType) -> pa.Array:
    """Read instants, or ISO 8601 text of them."""
    target = value_type(arrow_type)
    if family(values.type) is Family.TEXT:
        zone = target.tz if isinstance(target, pa.TimestampType) else None
        values = _parse(name, values, zone)
    if family(values.type) is not Family.INSTANT:
        refuse_type(name, values, "a date or a time stamp")
    return values


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
        case Family.TIME | Family.DURATION:
            ticks = int(ticks_of(cell)[0])  # Python has no value for some durations
            return f"{ticks} ticks, a value of type {cell.type}"
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
