"""Supports learned from tables, and those that a person gives."""

import numpy as np
import pyarrow as pa
import pytest

from madeira.models.arrays import Float64
from madeira.models.columns.numeric import OUTSIDE_CODE, Numeric
from madeira.models.columns.support import learned_ends
from madeira.models.errors import SchemaError
from madeira.models.schema.overrides import Overrides
from madeira.models.schema.schema import Schema

GENERATOR = np.random.default_rng(0)
AGES = GENERATOR.normal(45, 9, 500).round().clip(19, 73)
STARS = GENERATOR.choice([1.0, 2.0, 3.0, 4.0, 5.0], 400, p=[0.2, 0.1, 0.2, 0.2, 0.3])


def column(values: Float64 | pa.Array, override: Overrides | None = None) -> Numeric:
    table = pa.table({"n": pa.array(values)})
    found = Schema.infer(table, override or {"n": "integer"}).columns[0]
    assert isinstance(found, Numeric)
    return found


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (STARS, 1, 5),
        (GENERATOR.poisson(2, 500), 0, None),
        (-GENERATOR.poisson(2, 500), None, 0),
        (np.minimum(GENERATOR.exponential(60, 500).round(), 90), 0, 90),
        (GENERATOR.exponential(60, 500) + 1, 0, None),
    ],
)
def test_ends_at_which_data_stop_are_hard(
    values: Float64, low: float | None, high: float | None
) -> None:
    found = learned_ends(np.array(values, dtype=float), 1.0, instants=False)
    for end, hard, last in zip(found, (low, high), (values.min(), values.max()), strict=True):
        if hard is not None:
            assert end == hard
        else:
            assert abs(end) > abs(last)


def test_the_next_value_may_be_larger_than_the_largest_one() -> None:
    ages = column(np.append(AGES, 73.0))
    low, high = ages.support.low, ages.support.high
    assert 0 < low < AGES.min()
    assert AGES.max() + 1 <= high < 120
    assert high == round(high)
    assert ages.support.outside_mass == pytest.approx(0.25 / 503)


def test_time_goes_on_for_as_long_as_it_was_seen() -> None:
    days = np.arange(10, 50).astype("M8[D]")
    assert learned_ends(np.array([0.0, 1e6, 4e6]), 0.0, instants=True) == (-4e6, 8e6)
    found = column(days, {"n": "datetime"})
    assert found.describe()["low"] == "1969-12-03"
    assert found.describe()["high"] == "1970-03-30"


@pytest.mark.parametrize("values", [[5.0, 5.0], [0.0, 0.0], [1e308, -1e308, 3.0], [5e-324, 0.0]])
@pytest.mark.parametrize("kind", ["continuous", "integer"])
def test_awkward_columns_have_a_support(values: list[float], kind: str) -> None:
    try:
        found = column(np.array(values), {"n": kind})
    except SchemaError:
        assert kind == "integer"
        return
    codes = found.encode(pa.array(values))
    assert not (codes == OUTSIDE_CODE).any()
    assert found.support.low <= found.minimum <= found.maximum <= found.support.high


def test_a_person_gives_ends() -> None:
    dirty = np.append(AGES, [-999.0] * 20)
    free = column(dirty)
    assert free.support.low == -999
    found = column(dirty, {"n": {"kind": "integer", "low": 0, "high": 130}})
    assert (found.support.low, found.support.high) == (0, 130)
    assert found.minimum == AGES.min()
    assert found.unknown_rate == pytest.approx(20 / 520)
    assert (found.encode(pa.array(dirty)) == OUTSIDE_CODE).sum() == 20
    assert column(dirty, {"n": {"kind": "integer", "low": 0}}).support.high > AGES.max()
    dated = column(pa.array(["2024-01-31", "2024-03-01"] * 9), {
        "n": {"kind": "datetime", "pattern": "%Y-%m-%d", "high": "2024-12-31"}})  # fmt: skip
    assert dated.describe()["high"].startswith("2024-12-31")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"kind": "integer", "low": "much"}, "'low' must be a number"),
        ({"kind": "integer", "low": 5, "high": 5}, "below 'high'"),
        ({"kind": "integer", "low": 1000}, "no value lies between its ends"),
        ({"kind": "categorical", "high": 3}, "a categorical column has no ends"),
    ],
)
def test_ends_that_cannot_be_are_refused(override: dict[str, object], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        column(STARS, {"n": override})
