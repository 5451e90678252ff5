"""A null that is a value: scored, drawn, kept by imputation, told from a cell that is not there."""

import math

import numpy as np
import pyarrow as pa
import pytest

from madeira.app.codecs.json.table import encode_given, json_table
from madeira.models import DensityEstimator, FitConfig, MemberConfig, TrainingConfig
from madeira.models.errors import SchemaError
from madeira.models.made import MaskConfig, NetworkConfig
from madeira.models.schema.schema import Schema

ROWS = 2000
VALUE = {"null": "value"}
TRAINING = TrainingConfig(max_epochs=20, structural_zeros=True)
MEMBER = MemberConfig("any", NetworkConfig((24, 24)), MaskConfig(ensemble=2), TRAINING)


def passengers() -> pa.Table:
    """Only first-class passengers have a deck and a side; some ages are not known."""
    draw = np.random.default_rng(3)
    first = draw.random(ROWS) < 0.4
    return pa.table(
        {
            "class": np.where(first, "first", "third"),
            "deck": pa.array(draw.choice(["A", "B", "C"], ROWS), mask=~first),
            "side": pa.array(draw.random(ROWS) < 0.5, mask=~first),
            "age": pa.array(draw.normal(30, 9, ROWS), mask=draw.random(ROWS) < 0.2),
        }
    )


@pytest.fixture(scope="module")
def fitted() -> DensityEstimator:
    estimator = DensityEstimator(config=FitConfig((MEMBER,)), seed=0)
    return estimator.fit(passengers(), {"deck": VALUE, "side": VALUE})


def test_null_is_one_more_outcome(fitted: DensityEstimator) -> None:
    deck, side = fitted.schema.columns[1:3]
    assert (deck.kind, side.kind) == ("categorical", "categorical")
    assert (deck.null_code, deck.unknown_code) == (3.0, 4.0)
    assert deck.describe()["null"] == "value"
    codes = deck.encode(pa.array(["B", None, "Z"]))
    assert codes.tolist() == [1.0, 3.0, 4.0]
    assert deck.decode(codes).to_pylist() == ["B", None, None]
    assert deck.is_code(np.array([0.0, 4.0, 5.0])).tolist() == [True, True, False]
    assert Schema.from_json(fitted.schema.to_json()) == fitted.schema
    assert [one.of for one in fitted.schema.derived] == [(3,)]


def test_a_value_where_there_never_is_one_is_an_anomaly(fitted: DensityEstimator) -> None:
    rows = [
        {"class": "third", "deck": None, "side": None, "age": 30.0},
        {"class": "third", "deck": "A", "side": None, "age": 30.0},
        {"class": "first", "deck": None, "side": True, "age": 30.0},
    ]
    usual, *odd = fitted.log_prob(pa.Table.from_pylist(rows))
    assert max(odd) < usual - 3
    contributions = fitted.contributions(pa.Table.from_pylist(rows))
    assert np.isfinite(contributions).all()


def test_rows_are_drawn_with_it(fitted: DensityEstimator) -> None:
    for drawn in (fitted.sample(1000, seed=0), fitted.sample(1000, seed=0, nulls=False)):
        assert isinstance(drawn, pa.Table)
        third = np.array(drawn["class"].to_pylist()) == "third"
        null = drawn["deck"].is_null().to_numpy()
        assert (null == third).mean() > 0.98
    given = fitted.sample(50, given={"deck": None}, seed=0)
    assert given["deck"].null_count == 50


def test_it_is_kept_by_imputation_unless_all_is_to_be_filled(fitted: DensityEstimator) -> None:
    rows = pa.table({"class": ["first"], "deck": pa.array([None], pa.string()), "side": [True]})
    kept = fitted.impute(rows, estimate="mode")
    assert isinstance(kept, pa.Table)
    assert kept["deck"].to_pylist() == [None]
    assert kept["age"].null_count == 0
    filled = fitted.impute(rows, estimate="mode", fill_all=True)
    assert isinstance(filled, pa.Table)
    assert filled["deck"][0].as_py() in ("A", "B", "C")


@pytest.mark.parametrize("many", [1, 300])
def test_a_key_that_is_not_there_is_not_observed(fitted: DensityEstimator, many: int) -> None:
    rows = [{"class": "third", "deck": None}, {"class": "third"}] * many
    values = json_table({"rows": rows}).encode(fitted.schema)
    np.testing.assert_array_equal(values[:2, 1], [3.0, math.nan])
    np.testing.assert_array_equal(values[:, 2], math.nan)
    table = json_table({"columns": ["class", "deck"], "data": [["third", None]] * many})
    np.testing.assert_array_equal(table.encode(fitted.schema)[0, 1:], [3.0, math.nan, math.nan])
    given = encode_given({"deck": None, "age": None}, fitted.schema)
    np.testing.assert_array_equal(given, [[math.nan, 3.0, math.nan, math.nan]])


def test_only_categories_with_nulls_have_it() -> None:
    table = passengers()
    for name, message in (("class", "no row of the column is null"), ("age", "categories")):
        with pytest.raises(SchemaError, match=message):
            Schema.infer(table, {name: VALUE})
    with pytest.raises(SchemaError, match="'value' or 'unknown'"):
        Schema.infer(table, {"deck": {"null": "none"}})
    unknown = Schema.infer(table, {"deck": {"null": "unknown"}})
    assert unknown == Schema.infer(table)
