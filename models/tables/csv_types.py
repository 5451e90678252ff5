"""Types of CSV columns, decided on all texts of a column.

A column is whole numbers, numbers, true and false, dates, times of day or time stamps if every
text that is not missing can be read so; otherwise it stays text. What only looks like a number
stays text as well, because reading it would lose something: `01234`, and whole numbers of more
than 64 bits.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.values.notation.notation import find_notation
from madeira.models.values.number_text import LEADING_ZERO, UNSIGNED, WHOLE

__all__ = ["FITTING", "NULL_TEXTS", "NUMBER_NULL_TEXTS", "typed"]

NULL_TEXTS: Final = (
    *("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN"),
    *("null", "Null", "NULL", "None", "NONE", "?"),
)
"""Missing in every column."""

NUMBER_NULL_TEXTS: Final = (
    *("-", "--", "---", ".", "..", "...", "*", "na", "n.a.", "n/d", "nd", "nil", "none", "missing"),
    *("unknown", "not available", "not applicable", "(null)", "\\n", "#value!", "#div/0!", "#ref!"),
    *("#num!", "#name?", "#null!"),
)
"""Missing where all else are numbers or dates; in small letters, any letters are meant."""

_SAMPLE: Final = 100
_NUMBER: Final = rf"^-?{UNSIGNED}$|^[-+]?(?i:inf(inity)?)$"
_BOOLEAN: Final = "^(true|True|TRUE|false|False|FALSE)$"
_DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK: Final = r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?"
_FRACTION: Final = r"(\.[0-9]{1,6})?"
_ZONE: Final = "(Z|[+-][0-9]{2}(:?[0-9]{2})?)"


_Reading = Callable[[pa.ChunkedArray], pa.ChunkedArray | None]


def typed(
    texts: pa.ChunkedArray, decimal_point: str, nulls: Sequence[str] | None = None
) -> pa.ChunkedArray:
    """Return the values that the texts of a column stand for, texts trimmed, null where missing.

    Args:
        texts: The cells as they stand in the file, (rows,) string.
        decimal_point: `.` or `,`.
        nulls: Words that mean missing in any column; None for `NULL_TEXTS`.
    """
    trimmed = pc.utf8_trim_whitespace(texts)
    words = pa.array(NULL_TEXTS if nulls is None else nulls, pa.string())
    known = _without(trimmed, pc.is_in(trimmed, words))
    if known.null_count == len(known):
        return pa.chunked_array([pa.nulls(len(known))])
    values = _read(known, decimal_point)
    if values is not None:
        return values
    likely_nulls = pc.is_in(pc.utf8_lower(known), pa.array(NUMBER_NULL_TEXTS))
    if not pc.any(likely_nulls).as_py():
        return known
    others = _without(known, likely_nulls)
    values = _read(others, decimal_point)
    if values is not None and not pa.types.is_boolean(values.type):
        return values
    return others if find_notation(others) else known


def _read(texts: pa.ChunkedArray, decimal_point: str) -> pa.ChunkedArray | None:
    """Return the values of the first reading that fits all texts, if one does."""
    if texts.null_count == len(texts):
        return None
    for reading in (_whole, _numbers(decimal_point), _booleans, _dates, _clocks, _instants):
        values = reading(texts)
        if values is not None:
            return values
    return None


def _whole(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    if not _all(texts, f"^{WHOLE}$"):
        return None
    return _cast(texts, pa.int64(), pa.uint64())


def _numbers(decimal_point: str) -> _Reading:
    def read(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
        if decimal_point != ".":
            if pc.any(pc.match_substring(texts, ".")).as_py():
                return None
            texts = pc.replace_substring(texts, decimal_point, ".")
        if not _all(texts, _NUMBER) or _all(texts, f"^{WHOLE}$"):
            return None
        if pc.any(pc.match_substring_regex(texts, f"^{LEADING_ZERO}$")).as_py():
            return None
        return _cast(pc.replace_substring_regex(texts, r"^\+", ""), pa.float64())

    return read


def _booleans(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    return pc.equal(pc.utf8_lower(texts), "true") if _all(texts, _BOOLEAN) else None


def _dates(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    return _cast(texts, pa.date32()) if _all(texts, f"^{_DAY}$") else None


def _clocks(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    if not _all(texts, rf"^{_CLOCK}{_FRACTION}$"):
        return None
    day = pc.binary_join_element_wise("1970-01-01", texts, "T")  # Arrow casts no text to times
    instants = _cast(day, pa.timestamp("s"), pa.timestamp("us"))
    if instants is None:
        return None
    return instants.cast(pa.time32("s") if instants.type.unit == "s" else pa.time64("us"))


def _instants(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    for zone, name in (("", None), (_ZONE, "UTC")):
        if _all(texts, f"^{_DAY}[ T]{_CLOCK}{_FRACTION}{zone}$"):
            return _cast(texts, pa.timestamp("s", name), pa.timestamp("us", name))
    return None


def _all(texts: pa.ChunkedArray, pattern: str) -> bool:
    """Whether all texts that are not null match; most columns that do not fail at the first."""
    return all(
        pc.all(pc.match_substring_regex(part, pattern), min_count=0).as_py()
        for part in (texts.slice(0, _SAMPLE), texts)
    )


def _cast(texts: pa.ChunkedArray, *types: pa.DataType) -> pa.ChunkedArray | None:
    """Return the texts as the first of the types that holds them all, if one does."""
    for target in types:
        try:
            return pc.cast(texts, target)
        except pa.ArrowInvalid:
            continue
    return None


def _without(texts: pa.ChunkedArray, unwanted: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(unwanted, pa.scalar(None, texts.type), texts)


def _fit_numbers(texts: pa.Array) -> pa.Array:
    """Return which texts are plain numbers, (rows,) bool; none where some have leading zeros."""
    codes = pc.match_substring_regex(texts, f"^{LEADING_ZERO}$")
    if pc.any(codes).as_py():
        return pc.and_(codes, False)
    return pc.match_substring_regex(texts, _NUMBER)


def _fit_days(texts: pa.Array) -> pa.Array:
    return pc.and_(pc.match_substring_regex(texts, f"^{_DAY}$"), _is_day(texts))


def _fit_instants(texts: pa.Array) -> pa.Array:
    shaped = pc.match_substring_regex(texts, f"^{_DAY}[ T]{_CLOCK}{_FRACTION}$")
    return pc.and_(shaped, _is_day(texts))


def _fit_clocks(texts: pa.Array) -> pa.Array:
    shaped = pc.match_substring_regex(texts, rf"^{_CLOCK}{_FRACTION}$")
    clocks = pc.utf8_slice_codeunits(texts, 0, 5)
    return pc.and_(shaped, pc.strptime(clocks, "%H:%M", "s", error_is_null=True).is_valid())


def _is_day(texts: pa.Array) -> pa.Array:
    """Return which texts begin with a day that there is; `strptime` reads the 31st of February."""
    days = pc.utf8_slice_codeunits(texts, 0, 10)
    read = pc.strptime(days, format="%Y-%m-%d", unit="s", error_is_null=True)
    return pc.fill_null(pc.equal(pc.strftime(read, format="%Y-%m-%d"), days), False)


FITTING: Final[Mapping[str, Callable[[pa.Array], pa.Array]]] = {
    "number": _fit_numbers,
    "date": _fit_days,
    "time stamp": _fit_instants,
    "time of day": _fit_clocks,
}
"""Which texts, (rows,), are of a plain form, (rows,) bool, null where null."""
