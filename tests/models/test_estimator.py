"""The estimator, as a notebook would use it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from madeira import models
from madeira.models import (
    ConfigError,
    DensityEstimator,
    FitConfig,
    MemberConfig,
    ModelsError,
    SchemaError,
    TableError,
    TrainingConfig,
    TrainingError,
)
from madeira.models.made import MaskConfig, NetworkConfig

ROWS = 1500


@pytest.fixture(scope="module")
def table() -> pa.Table:
    generator = np.random.default_rng(0)
    species = generator.choice(["cat", "dog", "hen"], ROWS)
    mass = np.where(species == "cat", 4.0, np.where(species == "dog", 20.0, 2.0))
    mass = mass * generator.lognormal(0, 0.2, ROWS)
    legs = np.where(species == "hen", 2, 4)
    return pa.table(
        {
            "species": pa.array(species, mask=generator.random(ROWS) < 0.1),
            "mass_kg": pa.array(mass, mask=generator.random(ROWS) < 0.1),
            "age_days": generator.integers(100, 4000, ROWS),
            "four_legs": legs == 4,
            "planet": ["Earth"] * ROWS,
        }
    )


@pytest.fixture(scope="module")
def estimator(table: pa.Table) -> DensityEstimator:
    member = MemberConfig(
        "any-order",
        NetworkConfig((48, 48), residual=True),
        MaskConfig(ensemble=4),
        TrainingConfig(max_epochs=100, patience_epochs=100),
    )
    return DensityEstimator(config=FitConfig((member,))).fit(table)


def test_public_names_are_those_of_the_package() -> None:
    assert all(hasattr(models, name) for name in models.__all__)
    assert "DensityEstimator" in models.__all__
    assert not hasattr(models, "Estimator")


def test_who_catches_an_error_does_not_wait_for_pytorch() -> None:
    check = "import sys; from madeira.models import TableError; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_every_row_gets_a_finite_log_likelihood(
    estimator: DensityEstimator, table: pa.Table
) -> None:
    nats = estimator.log_prob(table)
    assert nats.shape == (ROWS,)
    assert np.isfinite(nats).all()


def test_what_was_learned_is_likelier_than_what_was_not(estimator: DensityEstimator) -> None:
    rows = pa.table({"species": ["cat", "hen"], "mass_kg": [4.0, 4.0], "four_legs": [True, True]})
    likely, unlikely = estimator.log_prob(rows)
    assert likely > unlikely + 2
    usual, rare = estimator.anomaly_score(rows)
    assert rare > 0.95 > usual


def test_units_of_a_column_shift_its_density_by_their_logarithm(table: pa.Table) -> None:
    member = MemberConfig("m", training=TrainingConfig(max_epochs=2))
    config = FitConfig((member,))
    kilograms = table.select(["mass_kg"])
    grams = pa.table({"mass_kg": pa.array(np.array(kilograms["mass_kg"].to_pylist(), float) * 1e3,
                                          from_pandas=True)})  # fmt: skip
    first = DensityEstimator(config=config).fit(kilograms).log_prob(kilograms)
    second = DensityEstimator(config=config).fit(grams).log_prob(grams)
    known = np.array(kilograms["mass_kg"].is_valid())
    np.testing.assert_allclose((first - second)[known], np.log(1000), atol=1e-2)


def test_samples_have_the_types_of_the_table_and_repeat_from_their_seed(
    estimator: DensityEstimator, table: pa.Table
) -> None:
    drawn = estimator.sample(50, seed=5)
    assert drawn.column_names == ["species", "mass_kg", "age_days", "four_legs"]
    for name in drawn.column_names:
        assert drawn.schema.field(name).type == table.schema.field(name).type
    whole = estimator.sample(50, seed=5, nulls=False)
    assert all(column.null_count == 0 for column in whole.columns)
    assert drawn.equals(estimator.sample(50, seed=5))
    assert not drawn.equals(estimator.sample(50, seed=6))


def test_samples_look_like_the_table(estimator: DensityEstimator) -> None:
    drawn = estimator.sample(2000, seed=0).to_pandas()
    assert (drawn.species == "cat").mean() == pytest.approx(1 / 3, abs=0.06)
    by_species = drawn.groupby("species").mass_kg.median()
    assert by_species["dog"] == pytest.approx(20, rel=0.15)
    assert by_species["hen"] == pytest.approx(2, rel=0.15)
    consistent = drawn.four_legs == (drawn.species != "hen")
    assert consistent.mean() > 0.95


@pytest.mark.parametrize("chunk_rows", [1, 7, 100])
def test_streamed_rows_do_not_depend_on_the_chunks(
    estimator: DensityEstimator, chunk_rows: int
) -> None:
    chunks = list(estimator.stream(20, seed=2, chunk_rows=chunk_rows))
    assert all(chunk.num_rows <= chunk_rows for chunk in chunks)
    streamed, whole = pa.concat_tables(chunks), estimator.sample(20, seed=2)
    for name in ("species", "four_legs", "age_days"):
        assert streamed[name].to_pylist() == whole[name].to_pylist()
    np.testing.assert_array_equal(streamed["mass_kg"], whole["mass_kg"])


def test_no_rows_are_an_empty_table(estimator: DensityEstimator) -> None:
    empty = estimator.sample(0)
    assert empty.num_rows == 0
    assert estimator.log_prob(empty).shape == (0,)
    assert estimator.impute(empty).equals(empty)


def test_given_values_are_in_every_row_and_the_rest_follows_them(
    estimator: DensityEstimator,
) -> None:
    drawn = estimator.sample(400, given={"species": "hen", "age_days": 1234}, seed=1)
    assert set(drawn["species"].to_pylist()) == {"hen"}
    assert set(drawn["age_days"].to_pylist()) == {1234}
    assert np.mean(drawn["four_legs"].to_pylist()) < 0.1
    assert np.median(drawn["mass_kg"]) == pytest.approx(2, rel=0.15)


def test_a_given_category_never_seen_is_kept(estimator: DensityEstimator) -> None:
    drawn = estimator.sample(5, given={"species": "axolotl"}, seed=1)
    assert drawn["species"].to_pylist() == ["axolotl"] * 5


def test_a_category_never_seen_is_data(estimator: DensityEstimator) -> None:
    nats = estimator.log_prob(pa.table({"species": ["axolotl"]}))
    assert np.isfinite(nats).all()
    assert nats[0] < estimator.log_prob(pa.table({"species": ["cat"]}))[0]


def test_imputation_fills_nulls_and_leaves_the_rest(
    estimator: DensityEstimator, table: pa.Table
) -> None:
    filled = estimator.impute(table, seed=0)
    assert filled.column_names == table.column_names
    for name in ("species", "mass_kg", "age_days", "four_legs", "planet"):
        assert filled[name].null_count == 0
        known = table[name].is_valid()
        assert filled[name].filter(known).equals(table[name].filter(known))


def test_imputed_values_follow_what_is_observed(estimator: DensityEstimator) -> None:
    rows = pa.table(
        {"species": pa.array([None] * 200, pa.string()), "mass_kg": [20.0] * 200,
         "four_legs": [True] * 200}
    )  # fmt: skip
    filled = estimator.impute(rows, seed=0)
    assert np.mean([name == "dog" for name in filled["species"].to_pylist()]) > 0.9
    assert filled["age_days"].null_count == 0


def test_several_draws_are_several_tables(estimator: DensityEstimator, table: pa.Table) -> None:
    draws = estimator.impute(table, draws=3, seed=0)
    assert len(draws) == 3
    missing = table["mass_kg"].is_null()
    values = {tuple(draw["mass_kg"].filter(missing).to_pylist()) for draw in draws}
    assert len(values) == 3


def test_a_point_estimate_beats_a_draw(estimator: DensityEstimator, table: pa.Table) -> None:
    known = table.filter(table["mass_kg"].is_valid())
    hidden = known.set_column(1, "mass_kg", pa.nulls(known.num_rows, pa.float64()))
    truth = np.array(known["mass_kg"])
    errors = {
        estimate: np.abs(np.array(estimator.impute(hidden, seed=0, estimate=estimate)["mass_kg"])
                         - truth).mean()
        for estimate in ("draw", "median")
    }  # fmt: skip
    assert errors["median"] < errors["draw"]


def test_contributions_name_the_odd_column(estimator: DensityEstimator) -> None:
    row = pa.table(
        {"species": ["cat"], "mass_kg": [400.0], "age_days": [1000], "four_legs": [True]}
    )
    surprise = estimator.contributions(row)[0]
    assert estimator.schema.columns[int(surprise.argmax())].name == "mass_kg"


def test_metrics_say_how_the_model_was_trained(estimator: DensityEstimator) -> None:
    metrics = estimator.metrics
    assert metrics["train_rows"] + metrics["valid_rows"] == ROWS
    assert metrics["columns"] == 4
    assert metrics["members"][0]["weight"] == pytest.approx(1.0)
    assert len(metrics["members"][0]["curve"]["valid"]) == metrics["members"][0]["epochs"]
    assert metrics["versions"]["torch"]
    assert "planet" in estimator.card


def test_a_description_stands_in_the_card(estimator: DensityEstimator) -> None:
    estimator.describe("animals", "Rows made up for a test.")
    assert estimator.card.startswith("# animals\n\nRows made up for a test.\n")


@pytest.mark.parametrize(
    "unseen",
    [
        {"species": ["axolotl"]},
        {"species": [3]},
        {"species": pa.array(["cat"]).dictionary_encode()},
        {"mass_kg": [1e30]},
        {"mass_kg": [-4]},
        {"mass_kg": ["4.5"]},
        {"mass_kg": pa.array([4], pa.int8())},
    ],
    ids=["category", "number", "dictionary", "far out", "negative", "text", "small type"],
)
def test_values_and_types_that_training_never_saw_are_answered(
    estimator: DensityEstimator, unseen: dict[str, object]
) -> None:
    table = pa.table(unseen)
    assert np.isfinite(estimator.log_prob(table)).all()
    assert estimator.anomaly_score(table).shape == (1,)
    filled = estimator.impute(table, seed=0)
    assert sum(column.null_count for column in filled.columns) == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda e: e.sample(-1), ConfigError, "n must not be negative: -1"),
        (lambda e: e.sample(1, temperature=0.0), ConfigError, "temperature must be positive"),
        (lambda e: e.sample(1, temperature=float("nan")), ConfigError, "temperature"),
        (lambda e: e.sample(1, given={"specis": "cat"}), TableError, "species"),
        (lambda e: e.sample(1, given={"mass_kg": "heavy"}), TableError, "mass_kg"),
        (lambda e: e.impute(pa.table({"species": ["cat"]}), draws=0), ConfigError, "draws"),
        (
            lambda e: e.impute(pa.table({"species": ["cat"]}), draws=2, estimate="mean"),
            ConfigError,
            "contradict",
        ),
        (lambda e: e.log_prob(pa.table({"mass_kg": [1.0, float("nan")]})), TableError, "row 1"),
        (lambda e: e.log_prob(pa.table({"species": [["cat"]]})), TableError, "'species'"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    estimator: DensityEstimator, call: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call(estimator)  # type: ignore[operator]


def test_what_is_not_fitted_says_so() -> None:
    with pytest.raises(ModelsError, match="not fitted"):
        DensityEstimator().log_prob(pa.table({"a": [1]}))


def test_it_shows_what_it_is(estimator: DensityEstimator, tmp_path: Path) -> None:
    assert repr(DensityEstimator()) == "DensityEstimator(preset='balanced'), not fitted"
    assert "not fitted" in DensityEstimator("fast")._repr_html_()
    lines = repr(estimator).splitlines()
    metrics = estimator.metrics
    assert lines[0].startswith(f"DensityEstimator(config=...), fitted on {metrics['train_rows']:,}")
    assert f"{metrics['valid_nats']:.3f} nats a row" in lines[0]
    assert lines[1].split() == ["species", "categorical", "cat,", "dog,", "hen"]
    assert lines[-1] == "  not modelled: planet"
    assert all(column in estimator._repr_html_() for column in ("species", "mass_kg", "planet"))
    estimator.save(tmp_path / "1")
    assert repr(DensityEstimator.load(tmp_path / "1")) == repr(estimator)


def test_what_it_shows_is_bounded_and_escaped() -> None:
    names = [f"<b>{place}</b>" + "x" * 200 for place in range(60)]
    values = np.random.default_rng(0).normal(size=(40, 60))
    member = MemberConfig("m", NetworkConfig((8,)), training=TrainingConfig(max_epochs=1))
    config = FitConfig((member,))
    fitted = DensityEstimator(config=config).fit(values, names=names)
    assert "<b>0" not in fitted._repr_html_()
    assert "&lt;b&gt;0" in fitted._repr_html_()
    assert len(repr(fitted).splitlines()) < 40
    assert "and 30 more" in repr(fitted)
    assert max(map(len, repr(fitted).splitlines())) < 120


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "fsat"}, "no preset is called 'fsat'.*did you mean 'fast'"),
        ({"preset": 3}, "no preset is called 3; expected one of 'fast', 'balanced', 'best'"),
        ({"config": "fast"}, "expected to be a FitConfig, got 'fast'"),
        ({"device": "gpuu"}, "no device is called 'gpuu'"),
        ({"seed": -1}, "seed is expected to be a whole number from 0, got -1"),
        ({"seed": 0.5}, "seed is expected to be a whole number"),
    ],
)
def test_wrong_settings_are_refused_at_once(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DensityEstimator(**arguments)


def test_a_preset_and_a_config_contradict_each_other() -> None:
    with pytest.raises(ConfigError, match="not both"):
        DensityEstimator(preset="fast", config=FitConfig((MemberConfig("a"),)))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"a": pa.array([], pa.float64())}), "row"),
        (pa.table({"a": [1.5], "b": ["x"]}), "row|constant"),
        (pa.table({"a": ["x"] * 9, "b": [None] * 9}), "every column is excluded"),
    ],
    ids=["no rows", "one row", "nothing to model"],
)
def test_a_table_that_cannot_be_learned_says_why(table: pa.Table, message: str) -> None:
    with pytest.raises((TrainingError, SchemaError), match=message):
        DensityEstimator(preset="fast").fit(table)
