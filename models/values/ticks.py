"""Ticks: values of Arrow types that count a unit, as whole numbers, exact both ways.

A decimal of two places counts hundredths, a time stamp in milliseconds counts these. A whole
number is read and written without a float between, for a float of 64 bits ends at 2^53. Ticks
stand in int64 where they fit, and as Python's integers where they do not.
"""

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.arrays import Float64
from madeira.models.values.arrow_types import value_type

__all__ = [
    "DAY",
    "FIRST_INSTANT",
    "LAST_INSTANT",
    "MAX_DIGITS",
    "MAX_EXACT",
    "PER_SECOND",
    "Ticks",
    "floats_of",
    "from_ticks",
    "quotients",
    "ticks_of",
    "ticks_per_unit",
]

Ticks = npt.NDArray[Any]
"""Whole numbers, of int64 or objects."""

MAX_EXACT = 2**53
"""Whole numbers up to it are floats of 64 bits, all of them."""

PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
DAY = 86_400
FIRST_INSTANT, LAST_INSTANT = -62_135_596_800, 253_402_300_799  # years 1 to 9999
MAX_DIGITS = 38
"""Most digits of a decimal that are kept."""

_WORD = 2**64


def ticks_per_unit(arrow_type: pa.DataType) -> Fraction | None:
    """Return how many ticks are one, or one second; None for types that do not count.

    Args:
        arrow_type: Type of numbers or times.

    >>> ticks_per_unit(pa.decimal128(9, 2))
    Fraction(100, 1)
    """
    kind, types = value_type(arrow_type), pa.types
    if types.is_integer(kind):
        return Fraction(1)
    if types.is_decimal(kind):
        return Fraction(10**kind.scale) if kind.scale > 0 else Fraction(1, 10**-kind.scale)
    if types.is_date(kind):
        return Fraction(1, DAY)
    if types.is_timestamp(kind) or types.is_time(kind) or types.is_duration(kind):
        return Fraction(PER_SECOND[kind.unit])
    return None


def ticks_of(values: pa.Array) -> Ticks:
    """Return the ticks of values, (rows,), 0 where null.

    Args:
        values: Values of a type that counts, without a dictionary.
    """
    kind, types = values.type, pa.types
    if types.is_decimal(kind):
        return _of_decimals(values)
    if types.is_date(kind):
        values = values.cast(pa.date32()).cast(pa.int32())
    elif types.is_time32(kind):
        values = values.cast(pa.int32())
    elif not types.is_integer(kind):
        values = values.cast(pa.int64())
    counts: Ticks = values.fill_null(0).to_numpy(zero_copy_only=False)
    if types.is_uint64(kind) and counts.max(initial=0) >= 2**63:
        return counts.astype(object)
    return counts.astype(np.int64)


def _of_decimals(values: pa.Array) -> Ticks:
    if pa.types.is_decimal256(values.type) and values.type.precision > MAX_DIGITS:
        tick = Fraction(10) ** values.type.scale
        cells = values.fill_null(0).to_pylist()
        return np.array([int(Fraction(cell) * tick) for cell in cells], object)
    if not pa.types.is_decimal128(values.type):
        values = pc.cast(values, pa.decimal128(MAX_DIGITS, values.type.scale))
    words = np.frombuffer(values.buffers()[1], np.int64).reshape(-1, 2)
    words = words[values.offset : values.offset + len(values)]
    low, high = np.where(values.is_valid().to_numpy(zero_copy_only=False), words.T, 0)
    if (high == low >> 63).all():
        return np.array(low)
    exact: Ticks = high.astype(object) * _WORD + low.view(np.uint64).astype(object)
    return exact


def from_ticks(ticks: Ticks, missing: npt.NDArray[np.bool_], arrow_type: pa.DataType) -> pa.Array:
    """Return values of a type that counts, (rows,); those beyond its range are clipped to it.

    Args:
        ticks: Whole numbers, (rows,).
        missing: Which are null, (rows,).
        arrow_type: Type of the result.
    """
    kind, types = value_type(arrow_type), pa.types
    least, most = _ends(kind)
    if len(ticks) and (int(ticks.min()) < least or int(ticks.max()) > most):
        ticks = np.clip(ticks.astype(object), least, most)
    if types.is_decimal(kind):
        high, low = (ticks.astype(object) >> 64, ticks.astype(object) % _WORD)
        if ticks.dtype != object:
            high, low = ticks >> 63, ticks
        words = np.stack([low.astype(np.uint64), high.astype(np.int64).view(np.uint64)], axis=1)
        known = pa.array(~missing).buffers()[1]
        wide = kind if types.is_decimal128(kind) else pa.decimal128(MAX_DIGITS, kind.scale)
        data = pa.py_buffer(np.ascontiguousarray(words))
        return pa.Array.from_buffers(wide, len(ticks), [known, data]).cast(kind)
    if types.is_integer(kind):
        return pa.array(ticks.astype(kind.to_pandas_dtype()), kind, mask=missing)
    if types.is_date(kind):
        return pa.array(ticks.astype(np.int32), pa.date32(), mask=missing).cast(kind)
    if types.is_time32(kind):
        return pa.array(ticks.astype(np.int32), mask=missing).cast(kind)
    return pa.array(ticks.astype(np.int64), mask=missing).cast(kind)


def _ends(kind: pa.DataType) -> tuple[int, int]:
    """Return the smallest and the largest tick of a type."""
    types = pa.types
    if types.is_integer(kind):
        limits = np.iinfo(kind.to_pandas_dtype())
        return int(limits.min), int(limits.max)
    if types.is_decimal(kind):
        most = 10 ** min(kind.precision, MAX_DIGITS) - 1
        return -most, most
    if types.is_date(kind):
        return FIRST_INSTANT // DAY, LAST_INSTANT // DAY
    second = PER_SECOND[kind.unit]
    if types.is_time(kind):
        return 0, DAY * second - 1
    if types.is_duration(kind):
        return -(2**63) + 1, 2**63 - 1
    return (
        max(FIRST_INSTANT * second, -(2**63) + 1),
        min((LAST_INSTANT + 1) * second - 1, 2**63 - 1),
    )


def quotients(ticks: Ticks, factor: int, shift: int, divisor: int) -> Ticks:
    """Return (ticks * factor - shift) / divisor, rounded to the nearest whole number, (rows,).

    Args:
        ticks: Whole numbers, (rows,).
        factor: What they are multiplied by.
        shift: What is taken off then.
        divisor: What is divided by; > 0.
    """
    if not len(ticks):
        return ticks
    largest = max(abs(int(ticks.min())), abs(int(ticks.max())))
    if max(largest * abs(factor) + abs(shift), 2 * divisor) >= 2**62:
        ticks = ticks.astype(object)
    differences = ticks * factor - shift
    whole, rest = differences // divisor, differences % divisor
    up = (2 * rest > divisor) | ((2 * rest == divisor) & (whole % 2 == 1))
    return np.asarray(whole + up)


def floats_of(ticks: Ticks, per_unit: Fraction) -> Float64:
    """Return ticks in units, (rows,) float64, each the nearest float there is.

    Args:
        ticks: Whole numbers, (rows,).
        per_unit: How many of them are one.
    """
    up, down = per_unit.denominator, per_unit.numerator
    if up == down == 1:
        return ticks.astype(np.float64)
    if ticks.dtype != object and down <= 10**22 and len(ticks):
        largest = max(abs(int(ticks.min())), abs(int(ticks.max())))
        if largest * up <= MAX_EXACT:
            return np.asarray(ticks * up / down + 0.0)
    exact = ticks.astype(object)  # Python divides whole numbers to the nearest float
    return np.asarray(exact * up / down, np.float64)
