"""Whole numbers of ticks: every value of a type that counts comes back, however large."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madeira.models.values.numbers import to_numbers
from madeira.models.values.ticks import from_ticks, quotients, ticks_of, ticks_per_unit

ARRAYS = {
    "int8": pa.array([-128, None, 127], pa.int8()),
    "uint64": pa.array([0, None, 2**64 - 1], pa.uint64()),
    "price": pa.array([Decimal("9996.80"), None, Decimal("-0.05")], pa.decimal128(12, 2)),
    "wide": pa.array([Decimal("1" * 20 + "." + "9" * 18), Decimal(-1)], pa.decimal128(38, 18)),
    "decimal256": pa.array([Decimal("-12.5"), None], pa.decimal256(60, 4)),
    "hundreds": pa.array([Decimal("12E2"), None], pa.decimal128(5, -2)),
    "date32": pa.array([dt.date(1, 1, 1), None, dt.date(9999, 12, 31)]),
    "date64": pa.array([dt.date(1890, 5, 6), None], pa.date64()),
    "ns": pa.array([-1, None, 1_700_000_000_123_456_789], pa.int64()).cast(pa.timestamp("ns")),
    "zoned": pa.array([-(2**40), None], pa.int64()).cast(pa.timestamp("ms", "Asia/Tokyo")),
    "time32": pa.array([0, None, 86_399], pa.int32()).cast(pa.time32("s")),
    "time64": pa.array([1, None], pa.int64()).cast(pa.time64("ns")),
    "duration": pa.array([-(2**62), None], pa.int64()).cast(pa.duration("us")),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_values_come_back_from_their_ticks(array: pa.Array) -> None:
    for values in (array, pa.concat_arrays([array, array]).slice(1)):
        missing = values.is_null().to_numpy(zero_copy_only=False)
        assert from_ticks(ticks_of(values), missing, array.type).equals(values)


@given(st.integers(-(10**12) + 1, 10**12 - 1))
def test_a_decimal_is_the_nearest_float(hundredths: int) -> None:
    price = Decimal(hundredths).scaleb(-2)
    array = pa.array([price], pa.decimal128(12, 2))
    assert to_numbers("", array, array.type)[0] == float(price)


@given(
    st.lists(st.integers(-(10**30), 10**30), min_size=1),
    st.integers(1, 10**9),
    st.integers(-(10**20), 10**20),
    st.integers(1, 10**9),
)
def test_quotients_are_rounded_as_fractions_are(
    numbers: list[int], factor: int, shift: int, divisor: int
) -> None:
    small = all(abs(number) < 2**63 for number in numbers)
    ticks = np.array(numbers, np.int64 if small else object)
    expected = [round(Fraction(number * factor - shift, divisor)) for number in numbers]
    assert quotients(ticks, factor, shift, divisor).tolist() == expected


def test_what_a_type_cannot_hold_is_clipped() -> None:
    ticks, none = np.array([-(10**40), 10**40], object), np.zeros(2, bool)
    assert from_ticks(ticks, none, pa.decimal128(3, 1)).to_pylist() == [
        Decimal("-99.9"),
        Decimal("99.9"),
    ]
    assert from_ticks(ticks, none, pa.time32("s")).to_pylist() == [dt.time(0), dt.time(23, 59, 59)]
    assert from_ticks(ticks, none, pa.uint64()).to_pylist() == [0, 2**64 - 1]


def test_floats_do_not_count() -> None:
    assert ticks_per_unit(pa.float32()) is None
