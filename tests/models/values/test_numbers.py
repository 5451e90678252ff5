"""Numbers and instants come back as they came, or are refused by name."""

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from madeira.models.errors import MAX_CELL_ERRORS, TableError
from madeira.models.values.numbers import decoded, from_numbers, to_numbers

INTEGERS = [getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)]
FLOATS = [pa.float16(), pa.float32(), pa.float64()]
DECIMALS = [pa.decimal32(6, 2), pa.decimal64(12, 3), pa.decimal128(20, 1), pa.decimal256(40, 0)]


@pytest.mark.parametrize("arrow_type", [*INTEGERS, *FLOATS, *DECIMALS], ids=str)
def test_numbers_of_every_type_come_back_with_their_nulls(arrow_type: pa.DataType) -> None:
    array = pa.array([0.0, 1.0, None, 100.0]).cast(arrow_type)
    numbers = to_numbers("n", array, arrow_type)
    np.testing.assert_array_equal(numbers, [0.0, 1.0, np.nan, 100.0])
    assert from_numbers(numbers, arrow_type).equals(array)


@pytest.mark.parametrize(
    "arrow_type",
    [
        pa.date32(),
        pa.date64(),
        *(
            pa.timestamp(unit, tz)
            for unit in ("s", "ms", "us", "ns")
            for tz in (None, "Asia/Tokyo")
        ),
    ],
    ids=str,
)
def test_instants_of_every_type_come_back_with_their_nulls(arrow_type: pa.DataType) -> None:
    days = [dt.date(1965, 3, 4), None, dt.date(1970, 1, 1), dt.date(2038, 1, 20)]
    array = pa.array(days, pa.date32()).cast(pa.timestamp("s")).cast(pa.int64())
    array = array.cast(pa.timestamp("s", getattr(arrow_type, "tz", None))).cast(arrow_type)
    seconds = to_numbers("n", array, arrow_type)
    assert seconds[2] == 0
    assert np.isnan(seconds[1])
    assert from_numbers(seconds, arrow_type).equals(array)


def test_time_stamps_keep_their_microseconds() -> None:
    array = pa.array([1_700_000_000_123_457, 1_700_000_000_999_999]).cast(pa.timestamp("us"))
    assert from_numbers(to_numbers("n", array, array.type), array.type).equals(array)


@pytest.mark.parametrize("arrow_type", [*INTEGERS, *FLOATS, *DECIMALS], ids=str)
def test_numbers_beyond_the_type_are_clipped_to_it(arrow_type: pa.DataType) -> None:
    low, high = from_numbers(np.array([-1e300, 1e300]), arrow_type).to_pylist()
    assert low <= 0 < high


INSTANTS = [pa.date32(), pa.date64(), *map(pa.timestamp, ("s", "ms", "us", "ns"))]


@pytest.mark.parametrize("arrow_type", INSTANTS, ids=str)
def test_instants_beyond_the_calendar_are_clipped_to_it(arrow_type: pa.DataType) -> None:
    low, high = from_numbers(np.array([-1e300, 1e300]), arrow_type).cast(pa.string())
    assert low.as_py() < "1700"
    assert high.as_py() > "2200"


def test_chunks_dictionaries_and_nothing_at_all_become_one_plain_array() -> None:
    encoded = pa.chunked_array(
        [pa.array([1, 2, None]).dictionary_encode(), pa.array([2]).dictionary_encode()]
    )
    assert decoded(encoded).to_pylist() == [1, 2, None, 2]
    assert len(decoded(pa.chunked_array([], pa.int64()))) == 0
    assert decoded(pa.chunked_array([pa.array([], pa.int64()), pa.array([3])])).to_pylist() == [3]


@pytest.mark.parametrize(
    "other", [pa.null(), pa.string(), pa.bool_(), pa.list_(pa.int8())], ids=str
)
def test_a_column_without_values_is_missing_whatever_its_type(other: pa.DataType) -> None:
    assert np.isnan(to_numbers("n", pa.nulls(3, other), pa.float64())).all()


@pytest.mark.parametrize(
    ("array", "arrow_type"),
    [
        (pa.array([1.0, 2.0, None]), pa.int32()),
        (pa.array([1, 2, None]), pa.float32()),
        (pa.array([Decimal(1), Decimal(2), None]), pa.int64()),
        (pa.array([1, 2, None], pa.uint64()), pa.decimal128(5, 2)),
    ],
    ids=str,
)
def test_numbers_of_another_type_are_taken_where_nothing_is_lost(
    array: pa.Array, arrow_type: pa.DataType
) -> None:
    np.testing.assert_array_equal(to_numbers("n", array, arrow_type), [1.0, 2.0, np.nan])


@pytest.mark.parametrize(
    ("values", "arrow_type", "row", "message"),
    [
        ([1.0, None, float("nan")], pa.float64(), 2, "expected a finite number, got nan; use null"),
        ([1.0, float("-inf")], pa.float64(), 1, "expected a finite number, got -inf; use null"),
        ([None, "12 or so"], pa.float64(), 1, "expected a number, got '12 or so'"),
        (["1", "0x1F"], pa.int8(), 1, "expected a number, got '0x1F'"),
        (["1", "nan"], pa.float64(), 1, "expected a number, got 'nan'"),
        (["1", "1e999"], pa.float64(), 1, "expected a finite number, got inf"),
        ([None, [1]], pa.float64(), 1, "got [1], a value of type list<item: int64>"),
        ([None, ["x" * 2000]], pa.float64(), 1, "expected a number, got a value of type list<"),
        ([None, [[1]]], pa.float64(), 1, "expected a number, got a value of type list<"),
        ([None, b"1"], pa.float64(), 1, "expected a number, got b'1', a value of type binary"),
        ([None, True], pa.float64(), 1, "expected a number, got True"),
        ([None, dt.date(2020, 1, 1)], pa.float64(), 1, "expected a number, got 2020-01-01"),
        ([None, 3], pa.date32(), 1, "expected a date or a time stamp, got 3"),
        ([None, True], pa.timestamp("s"), 1, "expected a date or a time stamp, got True"),
        (["2020-01-01", "soon"], pa.date32(), 1, "2024-01-31T12:00:00, got 'soon'"),
        (["2020-01-01T00:00Z"], pa.timestamp("s"), 0, "got '2020-01-01T00:00Z'"),
        (["x" * 100], pa.float64(), 0, "expected a number, got 'xxx"),
    ],
)
def test_a_cell_that_does_not_fit_is_named(
    values: list[Any], arrow_type: pa.DataType, row: int, message: str
) -> None:
    with pytest.raises(TableError) as caught:
        to_numbers("height", pa.chunked_array([pa.array(values)]), arrow_type)
    assert [(cell.row, cell.column) for cell in caught.value.cells] == [(row, "height")]
    assert message in caught.value.cells[0].message
    assert len(caught.value.cells[0].message) < 140


def test_plain_numbers_may_come_as_text_and_fractions_among_whole_numbers() -> None:
    texts = pa.array(["12", " -1.5 ", "+3", "1e3", ".5", None])
    for arrow_type in (pa.float64(), pa.int64()):
        numbers = to_numbers("n", texts, arrow_type)
        np.testing.assert_array_equal(numbers, [12, -1.5, 3, 1000, 0.5, np.nan])


def test_every_bad_cell_is_named_up_to_a_limit() -> None:
    with pytest.raises(TableError) as caught:
        to_numbers("n", pa.array(["x"] * 500), pa.int64())
    assert [cell.row for cell in caught.value.cells] == list(range(MAX_CELL_ERRORS))


@pytest.mark.parametrize(
    ("text", "zone", "seconds"),
    [
        ("1970-01-02", None, 86_400),
        ("1970-01-01 00:01", None, 60),
        ("1970-01-01T00:00:01.5", None, 1.5),
        ("1970-01-01T00:00:00.123456789", None, 0.123456),
        (" 1970-01-01T00:00:01 ", None, 1),
        ("1970-01-01T00:00:01Z", "Europe/Berlin", 1),
        ("1970-01-01T01:00:01+01:00", "UTC", 1),
        ("1970-01-01T01:00:01+0100", "UTC", 1),
        ("1970-01-01T01:00:01", "Europe/Berlin", 1),
        ("1970-01-02", "UTC", 86_400),
        ("2024-03-31T02:30:00", "Europe/Berlin", 1_711_846_800),  # skipped by the clocks
    ],
)
def test_iso_text_is_an_instant(text: str, zone: str | None, seconds: float) -> None:
    numbers = to_numbers("n", pa.array([None, text]), pa.timestamp("us", tz=zone))
    np.testing.assert_allclose(numbers, [np.nan, seconds], rtol=0, atol=1)
    assert numbers[1] == pytest.approx(seconds, abs=1e-9)


def test_instants_of_another_type_or_zone_are_the_same_instants() -> None:
    zoned = pa.array([dt.datetime(2020, 7, 1, 12, tzinfo=dt.UTC)]).cast(
        pa.timestamp("ns", tz="America/New_York")
    )
    expected = to_numbers("n", pa.array(["2020-07-01T12:00:00Z"]), pa.timestamp("us", tz="UTC"))
    assert to_numbers("n", zoned, pa.timestamp("us", tz="UTC")) == expected
