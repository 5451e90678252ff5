"""A null that is a value: scored, drawn, kept by imputation, told from a cell that is not there."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from madeira.app.codecs.json.table import encode_given, json_table
from madeira.models import DensityEstimator, FitConfig, MemberConfig, TrainingConfig
from madeira.models.errors import SchemaError
from madeira.models.made import MaskConfig, NetworkConfig
from madeira.models.schema.overrides import verdicts
from madeira.models.schema.schema import Schema
from madeira.models.schema.value_nulls import decided_nulls

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


def test_only_columns_with_nulls_have_it() -> None:
    table = passengers()
    with pytest.raises(SchemaError, match="no row of the column is null"):
        Schema.infer(table, {"class": VALUE})
    with pytest.raises(SchemaError, match="cannot be a value of a factorised column"):
        Schema.infer(table, {"deck": {"kind": "factorised", "null": "value"}})
    with pytest.raises(SchemaError, match="'value' or 'unknown'"):
        Schema.infer(table, {"deck": {"null": "none"}})
    unknown = Schema.infer(table, {"deck": {"null": "unknown"}, "side": {"null": "unknown"}})
    assert all(column.null_code is None for column in unknown.columns)


def borrowers() -> pa.Table:
    """Joint incomes where there are two borrowers, and incomes of which some are not known."""
    draw = np.random.default_rng(5)
    joint = draw.random(ROWS) < 0.3
    return pa.table(
        {
            "borrowers": np.where(joint, "joint", "individual"),
            "joint_income": pa.array(np.rint(draw.lognormal(11, 0.4, ROWS)), mask=~joint),
            "joint_since": pa.array(
                draw.integers(0, 9_000, ROWS).astype("datetime64[D]"), mask=~joint
            ),
            "income": pa.array(
                np.rint(draw.lognormal(11, 0.4, ROWS)), mask=draw.random(ROWS) < 0.2
            ),
        }
    )


@pytest.fixture(scope="module")
def lender() -> DensityEstimator:
    return DensityEstimator(config=FitConfig((MEMBER,)), seed=0).fit(borrowers())


def test_nulls_that_another_column_decides_are_values(lender: DensityEstimator) -> None:
    table = borrowers()
    said = "null is a value: where borrowers is 'individual'"
    assert decided_nulls(table, table.column_names) == {"joint_income": said, "joint_since": said}
    assert [column.null_code is not None for column in lender.schema.columns] == [
        *(False, True, True, False)
    ]
    assert [one.of for one in lender.schema.derived] == [(3,)]
    assert verdicts(table)["joint_income"].reason.endswith(said)
    overruled = Schema.infer(table, {"joint_income": {"null": "unknown"}})
    assert [column.null_code is not None for column in overruled.columns] == [
        *(False, False, True, False)
    ]
    assert Schema.from_json(lender.schema.to_json()) == lender.schema


def test_columns_that_are_null_together_decide_nothing() -> None:
    table = borrowers().drop_columns(["borrowers"])
    assert decided_nulls(table, table.column_names) == {}


def test_numbers_and_dates_are_null_where_there_is_none(lender: DensityEstimator) -> None:
    drawn = lender.sample(1_000, seed=1)
    joint = drawn["borrowers"].to_numpy(zero_copy_only=False) == "joint"
    for name in ("joint_income", "joint_since"):
        null = np.asarray(pc.is_null(drawn[name]))
        assert np.mean(null != joint) > 0.98
    rows: list[dict[str, object]] = [
        {"borrowers": "individual", "joint_income": None},
        {"borrowers": "individual", "joint_income": 60_000.0},
        {"borrowers": "joint", "joint_income": None},
    ]
    table = pa.Table.from_pylist(
        rows, pa.schema([(n, drawn.schema.field(n).type) for n in rows[0]])
    )
    usual, *odd = lender.log_prob(table)
    assert max(odd) < usual - 4
    assert lender.impute(table)["joint_income"].to_pylist() == [None, 60_000, None]


def test_noise_leaves_nulls_that_are_values_where_they_are() -> None:
    table = borrowers()
    config = FitConfig((MEMBER,), smoothing=0.5)
    smooth = DensityEstimator(config=config, seed=0).fit(table)
    null = np.asarray(pc.is_null(smooth.sample(1_000, seed=1)["joint_income"]))
    assert np.mean(null) == pytest.approx(0.7, abs=0.06)
