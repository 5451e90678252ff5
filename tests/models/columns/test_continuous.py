"""Continuous columns: encoding, and what is learned; see also `test_continuous_density`."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from madeira.models.columns import Continuous
from madeira.models.columns.continuous import ContinuousHead
from madeira.models.errors import SchemaError, TableError
from madeira.models.schema import Schema

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def column_of(*values: float) -> Continuous:
    return Continuous.fit("x", pa.array(values, pa.float64()))


@pytest.mark.parametrize(
    ("values", "arrow_type"),
    [
        ([1, -5, None, 127], pa.int8()),
        ([2**50, None, -(2**50), 7], pa.int64()),
        ([2**50, None, 0], pa.uint64()),
        ([Decimal("1.25"), Decimal("-3.10"), None], pa.decimal128(7, 2)),
    ],
    ids=str,
)
def test_rounded_types_come_back_exactly(values: list[Any], arrow_type: pa.DataType) -> None:
    array = pa.array(values, arrow_type)
    column = Continuous.fit("x", array)
    decoded = column.decode(column.encode(array))
    assert decoded.type == arrow_type
    assert decoded.equals(array)


@given(
    values=st.lists(st.one_of(st.none(), FINITE), min_size=1, max_size=20).filter(
        lambda values: any(value is not None for value in values)
    )
)
def test_any_finite_numbers_come_back_to_within_rounding(values: list[float | None]) -> None:
    array = pa.array(values, pa.float64())
    column = Continuous.fit("x", array)
    codes = column.encode(array)
    assert column.scale > 0
    json.dumps(column.describe(), allow_nan=False)
    assert Schema.from_json(json.loads(json.dumps(Schema((column,)).to_json()))).columns == (
        column,
    )
    np.testing.assert_array_equal(np.isnan(codes), array.is_null().to_numpy(zero_copy_only=False))
    known = [value for value in values if value is not None]
    tolerance = max(map(abs, known)) * 1e-12
    decoded = column.decode(codes).drop_null().to_numpy()
    np.testing.assert_allclose(decoded, known, rtol=1e-12, atol=tolerance)


@pytest.mark.parametrize("arrow_type", [pa.float16(), pa.float32()], ids=str)
def test_narrow_floats_keep_their_type(arrow_type: pa.DataType) -> None:
    array = pa.array(np.linspace(-3, 900, 50).astype(arrow_type.to_pandas_dtype()))
    column = Continuous.fit("x", array)
    assert column.decode(column.encode(array)).equals(array)
    assert column.decode(np.array([1e6])).to_numpy()[0] > 60_000


def test_a_dictionary_of_numbers_comes_back_as_numbers() -> None:
    array = pa.array([1.5, 2.5, None, 1.5]).dictionary_encode()
    column = Continuous.fit("x", array)
    assert column.decode(column.encode(array)).equals(pa.array([1.5, 2.5, None, 1.5]))


def test_draws_of_whole_numbers_are_rounded_and_stay_in_range_of_the_type() -> None:
    column = Continuous.fit("x", pa.array([0, 100, 200], pa.uint8()))
    drawn = column.decode(np.array([-50.0, 1.5625, 50.0, np.nan]))
    assert drawn.equals(pa.array([0, 100, 255, None], pa.uint8()))


def test_codes_are_about_standardised() -> None:
    column = column_of(*range(100))
    codes = column.encode(pa.array(np.arange(100.0)))
    assert abs(codes.mean()) < 2
    assert 0.7 < codes.std() < 1.5
    assert (column.minimum, column.maximum) == (0, 99)


@given(
    st.lists(st.floats(1e-280, 1e6) | st.floats(-1e6, -1e-280) | st.just(0.0), min_size=2)
    | st.lists(st.floats(1.6e9, 1.7e9), min_size=2)
    | st.lists(st.floats(1e-300, 1e-290), min_size=2)
)
def test_every_value_that_was_seen_comes_back_bit_for_bit(numbers: list[float]) -> None:
    array = pa.array(np.array(numbers) + 0.0)
    column = Continuous.fit("x", array)
    assert column.decode(column.encode(array)).equals(array)


def test_atoms_come_back_bit_for_bit_from_schemas_of_any_scale() -> None:
    column = column_of(*[0.1] * 20, *np.linspace(-3, 8, 50))
    old = replace(column, shift=2.43333, scale=3.17)
    assert old.atoms == (0.1,)
    assert old.decode(old.atom_codes).to_pylist() == [0.1]


@pytest.mark.parametrize("value", [0.0, 5.0, -1e300, 5e-324, 0.1])
def test_a_constant_column_has_a_scale(value: float) -> None:
    column = column_of(value, value, value)
    assert column.scale == 1
    assert column.encode(pa.array([value])).tolist() == [0.0]


@pytest.mark.parametrize("value", [1.7e308, -1.7e308, 1e12])
def test_every_finite_number_has_a_finite_likelihood(value: float) -> None:
    column = column_of(0.0, 1e-300, 2e-300)
    z = torch.tensor(column.encode(pa.array([value])), dtype=torch.float32)
    log_prob = ContinuousHead([column]).log_prob(torch.zeros(1, 24), z[None])
    assert log_prob.isfinite().all()


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a"]),
        pa.array([True]),
        pa.nulls(2, pa.int8()),
        pa.array([0, 1]).cast(pa.timestamp("s")),
    ],
)
def test_what_holds_no_numbers_is_refused_at_fit(array: pa.Array) -> None:
    with pytest.raises(SchemaError, match="column 'x'"):
        Continuous.fit("x", array)


def test_nan_is_refused_at_fit_and_at_encode() -> None:
    array = pa.array([1.0, float("nan")])
    with pytest.raises(TableError, match=r"row 1, column 'x'.*use null for missing"):
        Continuous.fit("x", array)
    with pytest.raises(TableError, match=r"row 1, column 'x'.*use null for missing"):
        column_of(1.0, 2.0).encode(array)


def test_values_that_repeat_are_atoms_and_survive() -> None:
    array = pa.array([0.1] * 7 + [1 / 3] * 5 + np.geomspace(1, 7e5, 50).tolist())
    column = Continuous.fit("x", array)
    assert column.atoms == (0.1, 1 / 3)
    assert (column.inputs, column.outputs) == (7, 26)  # four, two atoms, and neither of them
    assert column.decode(column.encode(array)).to_numpy() == pytest.approx(array.to_numpy())
    assert column.learned()["atoms"] == [0.1, 1 / 3]


def test_description_speaks_in_values_of_the_column() -> None:
    ages = Continuous.fit("age", pa.array([20, 31, 60])).describe()
    assert (ages["kind"], ages["type"]) == ("continuous", "int64")
    assert (ages["minimum"], ages["maximum"]) == (20, 60)
    assert 20 < ages["example"] < 60
    lengths = column_of(0.123456, 0.223456, 0.523456).describe()
    assert lengths["example"] == round(lengths["example"], 3)
    assert 0.123456 < lengths["example"] < 0.523456
