"""Anomaly scores under many patterns of missing values: bounded work, and no row sways another."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from madeira.models.arrays import Float64
from madeira.models.columns.layout import Layout
from madeira.models.inference.calibration import Reference
from madeira.models.inference.density import Density

MakeLayout = Callable[[Sequence[str]], Layout]
MakeDensity = Callable[..., Density]

VARIABLES = 12


def standard_normal(values: Float64) -> Float64:
    """Log-likelihood of what is observed of rows of independent standard normals."""
    return np.asarray(-0.5 * np.nansum(values**2 + np.log(2 * np.pi), axis=1))


def gappy(rows: int, scale: float = 1.0, seed: int = 0) -> Float64:
    """Rows that nearly all miss other variables."""
    rng = np.random.default_rng(seed)
    values = scale * rng.normal(size=(rows, VARIABLES))
    values[rng.random(values.shape) < 0.4] = np.nan
    return values


def reference() -> Reference:
    return Reference(np.random.default_rng(1).normal(size=(2_000, VARIABLES)))


def test_most_rows_of_thousands_of_patterns_are_compared_with_a_hundred_reference_rows() -> None:
    scored = 0

    def score(values: Float64) -> Float64:
        nonlocal scored
        scored += len(values)
        assert len(values) <= 10_000
        return standard_normal(values)

    values = gappy(3_000)
    patterns = len(np.unique(np.isnan(values), axis=0))
    reference().rarity(score, values, standard_normal(values))
    assert patterns > 1_000
    assert scored / patterns < 400


def test_scores_follow_the_distribution_and_are_sharp_where_rows_are_rare() -> None:
    values = gappy(3_000, scale=1.3)
    log_likelihood = standard_normal(values)
    found = reference().rarity(standard_normal, values, log_likelihood)
    draws = np.random.default_rng(2).normal(size=(4_000, VARIABLES))
    exact = np.array(
        [
            (standard_normal(np.where(np.isnan(row), np.nan, draws)) >= nats).mean()
            for row, nats in zip(values[:300], log_likelihood[:300], strict=True)
        ]
    )
    error = np.abs(found[:300] - exact)
    assert error.max() < 0.2
    assert error[exact > 0.9].max() < 0.04
    assert (exact > 0.9).sum() > 30


def test_a_score_depends_on_nothing_but_its_row(
    make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    density = make_density(make_layout("xxbcnx")).calibrated(1_200, np.random.default_rng(0))
    rows = density.sample(
        np.full((200, 6), np.nan), np.random.default_rng(3).random((200, density.noise_width))
    )
    rows[:40, 0] += 30.0
    rows[np.random.default_rng(4).random(rows.shape) < 0.3] = np.nan
    together = density.anomaly_score(rows, density.score(rows))
    for row in (0, 17, 60, 199):
        fresh = Density(
            density.members,
            density.layout,
            density.log_weights,
            Reference(density.reference.values),  # type: ignore[union-attr]
        )
        alone = fresh.anomaly_score(rows[[row]], fresh.score(rows[[row]]))
        assert alone[0] == pytest.approx(together[row], abs=0.011)


def test_less_likely_rows_of_one_pattern_never_have_a_lower_score() -> None:
    values = np.full((400, VARIABLES), np.nan)
    values[:, :5] = np.linspace(0.0, 3.0, 400)[:, None]
    found = reference().rarity(standard_normal, values, standard_normal(values))
    assert (np.diff(found) >= 0).all()
    assert found[-1] == 1.0


def test_a_row_of_which_nothing_is_observed_is_not_rare() -> None:
    nothing = np.full((1, VARIABLES), np.nan)
    assert reference().rarity(standard_normal, nothing, np.zeros(1)).tolist() == [0.0]
