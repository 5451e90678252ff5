"""Integer columns: encoding, and what is learned; see also `test_integer_mass`."""

import json
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madeira.models.columns import Integer
from madeira.models.errors import SchemaError
from madeira.models.schema import Schema

INTEGERS = [getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)]


@pytest.mark.parametrize(
    ("values", "arrow_type"),
    [
        *(([1, 5, None, 127], arrow_type) for arrow_type in INTEGERS),
        ([2**53 - 1, None, -(2**53) + 1, 7], pa.int64()),
        ([1000, 25_000, None, -3000], pa.int32()),
        ([Decimal("1.25"), Decimal("-3.10"), None], pa.decimal128(7, 2)),
        ([0.1, 0.2, None, 0.7, -123456.78], pa.float64()),
        ([0.1, 0.2, None, 0.7, -1234.5], pa.float32()),
        ([1.0, 2.0, None, 1000.0], pa.float16()),
        ([0.07, 0.14, None, 0.29, 1.1], pa.float64()),
    ],
    ids=str,
)
def test_values_come_back_exactly_in_their_type(values: list[Any], arrow_type: pa.DataType) -> None:
    array = pa.array(values, arrow_type)
    column = Integer.fit("n", array)
    codes = column.encode(array)
    assert (codes == np.rint(codes))[~np.isnan(codes)].all()
    decoded = column.decode(codes)
    assert decoded.type == arrow_type
    assert decoded.equals(array)
    schema = Schema((column,))
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


@given(
    places=st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=20),
    decimals=st.integers(0, 3),
)
def test_any_values_of_one_resolution_come_back(places: list[int], decimals: int) -> None:
    array = pa.array(np.array(places) / 10**decimals)
    column = Integer.fit("n", array)
    assert column.decode(column.encode(array)).equals(array)
    json.dumps(column.describe(), allow_nan=False)
    schema = Schema((column,))
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_whatever_is_drawn_stands_on_the_grid() -> None:
    column = Integer.fit("n", pa.array([0.5, 1.0, 7.5, 9.0]))
    drawn = column.decode(np.array([-3.4, 0.0, 2.2, 1e9, np.nan]))
    halves = drawn.drop_null().to_numpy() * 2
    assert (halves == np.rint(halves)).all()
    assert drawn.null_count == 1
    small = Integer.fit("n", pa.array([0, 100, 255], pa.uint8()))
    assert small.decode(np.array([-1e30, 1e30])).to_pylist() == [0, 255]


def test_a_fraction_counts_as_the_nearest_point() -> None:
    column = Integer.fit("n", pa.array([1.0, 2.0, 7.0]))
    np.testing.assert_array_equal(
        column.encode(pa.array([1.4, 1.6, None])), column.encode(pa.array([1.0, 2.0, None]))
    )
    whole = Integer.fit("n", pa.array([1, 2, 7]))
    np.testing.assert_array_equal(
        whole.encode(pa.array([1.0, 1.4])), whole.encode(pa.array([1, 1]))
    )


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (pa.array(["a"]), "'n' cannot be integer: its type is string"),
        (pa.nulls(3, pa.int8()), "'n' holds no value"),
        (pa.array([0.1, 1 / 3]), "'n' cannot be integer: its values share no resolution"),
    ],
)
def test_what_has_no_grid_is_refused(array: pa.Array, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        Integer.fit("n", array)


def test_the_file_is_for_people() -> None:
    prices = [0.0] * 30 + [19.99, 24.5, 99.95, 120.25, 8.01] * 4
    entry = Integer.fit("price", pa.array(prices)).to_json()
    assert (entry["resolution"], entry["minimum"], entry["maximum"]) == (0.01, 0.0, 120.25)
    assert entry["atoms"][0] == 0.0
    ages = Integer.fit("age", pa.array([20, 31, 60]))
    assert ages.to_json()["resolution"] == 1
    assert ages.describe() == {
        "name": "age",
        "kind": "integer",
        "type": "int64",
        "minimum": 20,
        "maximum": 60,
        "low": None,
        "high": None,
        "example": 31,
        "resolution": 1,
    }
    entry["resolution"] = 0
    with pytest.raises(SchemaError, match="'price': 'resolution' must be a finite number above 0"):
        Schema.from_json({"format_version": 1, "columns": [entry], "left_out": []})
