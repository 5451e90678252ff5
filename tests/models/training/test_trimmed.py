"""Trimmed fits: noise spreads what repeats, and what is unlikely is not learned from."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from madeira.models import DensityEstimator
from madeira.models.arrays import Float64
from madeira.models.columns.layout import Layout
from madeira.models.errors import ConfigError
from madeira.models.made import MaskConfig, NetworkConfig
from madeira.models.schema.schema import Schema
from madeira.models.training import FitConfig, MemberConfig, TrainingConfig, fit
from madeira.models.training.trimmed import (
    fit_trimmed,
    likeliest,
    smooth_columns,
    smoothed,
    spacing,
)

NETWORK = NetworkConfig(hidden=(16,))
ANY_ORDER = MaskConfig("sampled", "even", count=None, ensemble=2)
TRAINING = TrainingConfig(max_epochs=2, patience_epochs=2, batch_rows=256)
CONFIG = FitConfig((MemberConfig("one", NETWORK, ANY_ORDER, TRAINING),))


def mixed(rows: int) -> pa.Table:
    """Half of the widths are 2, counts are whole numbers, a tenth of the weights is missing."""
    rng = np.random.default_rng(0)
    width = np.where(rng.random(rows) < 0.5, 2.0, rng.normal(5.0, 3.0, rows))
    weight = rng.normal(-1.0, 0.5, rows)
    return pa.table(
        {
            "width": width,
            "count": rng.poisson(40.0, rows),
            "weight": pa.array(weight, mask=rng.random(rows) < 0.1),
            "grade": rng.choice(["a", "b", "c"], rows, p=[0.7, 0.2, 0.1]),
        }
    )


def test_smoothed_rows_spread_by_the_noise_and_keep_grids_shares_and_gaps() -> None:
    table = mixed(2_000)
    schema = Schema.infer(table, {"width": "continuous"})
    assert schema.columns[0].describe()["kind"] == "continuous"
    values = schema.encode(table)
    columns = smooth_columns(schema.columns, values)
    copies = smoothed(values, columns, 1.0, np.random.default_rng(1))
    assert len(copies) >= 10 * len(values)
    spread = np.nanstd(copies, axis=0) / np.nanstd(values, axis=0)
    assert spread[:3] == pytest.approx(np.sqrt(2), abs=0.03)
    assert np.array_equal(copies[:, 1], np.round(copies[:, 1]))
    assert np.isnan(copies[:, 2]).mean() == pytest.approx(np.isnan(values[:, 2]).mean(), abs=0.01)
    grades = [np.bincount(rows[:, 3].astype(int)) / len(rows) for rows in (values, copies)]
    assert grades[1] == pytest.approx(grades[0], abs=0.02)


def test_the_likelihood_of_a_spike_is_bounded_by_the_kernel() -> None:
    table = pa.table({"x": np.append(np.full(500, 3.0), np.linspace(-5.0, 5.0, 500))})
    smooth = DensityEstimator(config=replace(CONFIG, smoothing=0.5)).fit(table)
    plain = DensityEstimator(config=CONFIG).fit(table)
    spike = pa.table({"x": [3.0]})
    assert plain.schema.columns[0].atoms == (3.0,)  # type: ignore[attr-defined]
    assert smooth.schema.columns[0].atoms == ()  # type: ignore[attr-defined]
    kernel = 1 / (np.sqrt(2 * np.pi) * 0.5 * np.std(table["x"].to_numpy()))
    assert np.exp(smooth.log_prob(spike))[0] < 1.2 * kernel
    assert smooth.metrics["smoothing"] == 0.5
    assert smooth.metrics["train_rows"] + smooth.metrics["valid_rows"] == 1_000


def test_a_tight_cluster_among_the_training_rows_is_set_aside() -> None:
    rng = np.random.default_rng(3)
    usual = rng.normal(size=(950, 2)) @ np.array([[1.0, 0.8], [0.0, 0.6]])
    cluster = np.array([4.0, -4.0]) + 0.001 * rng.normal(size=(50, 2))
    rows = np.concatenate([usual, cluster])
    table = pa.table({"x": rows[:, 0], "y": rows[:, 1]})
    schema = Schema.infer(table)
    config = replace(CONFIG, contamination=0.1)
    kept = likeliest(schema.encode(table), schema.columns, config, rng, seed=0)
    assert len(kept) == 900
    inside = schema.encode(table)[950:]
    assert not (kept[:, None] == inside).all(axis=2).any()
    estimator = DensityEstimator(config=replace(config, smoothing=0.2)).fit(table)
    assert estimator.metrics["set_aside_rows"] == 100
    assert (estimator.anomaly_score(table)[950:] > 0.99).all()


def test_without_either_setting_a_fit_is_what_it_was() -> None:
    table = mixed(300)
    schema = Schema.infer(table)
    values = schema.encode(table)
    trimmed = fit_trimmed(values, schema.columns, CONFIG, seed=4)
    plain = fit(values, Layout(schema.columns), CONFIG, seed=4)
    assert np.array_equal(trimmed.fitted.density.score(values), plain.density.score(values))
    assert trimmed.columns == schema.columns


def test_automatic_smoothing_follows_the_distance_between_rows() -> None:
    rng = np.random.default_rng(0)
    for variables in (1, 4, 12):
        few, many = (rng.random((rows, variables)) for rows in (100, 3_200))

        def nearest(rows: Float64) -> float:
            distances = np.linalg.norm(rows[:, None, :] - rows[None, :100, :], axis=2)
            np.fill_diagonal(distances, np.inf)
            return float(np.median(distances.min(axis=0)))

        assert spacing(many) / spacing(few) == pytest.approx(nearest(many) / nearest(few), rel=0.3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("smoothing", -0.1),
        ("smoothing", np.inf),
        ("smoothing", "much"),
        ("contamination", 0.6),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        replace(CONFIG, **{name: value})  # type: ignore[arg-type]
