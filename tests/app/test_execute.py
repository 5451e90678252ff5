"""Jobs are pure functions of themselves: cut, repeated or alone, they give the same."""

from typing import get_args

import numpy as np
import pytest

from madeira.app.jobs import ImputeJob, Job, ModelKey, SampleJob, ScoreJob
from madeira.app.workers.execute import execute
from madeira.models import DensityEstimator
from madeira.models.estimate_names import Estimate
from madeira.models.inference.noise import draw_noise, noise_generator

KEY = ModelKey("shop", "1")


@pytest.fixture(scope="module")
def values(estimator: DensityEstimator, shop_table: object) -> np.ndarray:
    encoded: np.ndarray = estimator.schema.encode(shop_table)[:40]
    return encoded


def test_rows_are_scored_alone_as_together(estimator: DensityEstimator, values: np.ndarray) -> None:
    density = estimator.density
    whole = execute(ScoreJob(KEY, values, contributions=True), density)
    parts = [execute(ScoreJob(KEY, values[i : i + 7], True), density) for i in range(0, 40, 7)]
    joined = np.concatenate([part.log_likelihood for part in parts])
    np.testing.assert_array_equal(whole.log_likelihood, joined)
    assert whole.contributions is not None
    pieces = [part.contributions for part in parts if part.contributions is not None]
    np.testing.assert_array_equal(whole.contributions, np.concatenate(pieces))
    assert execute(ScoreJob(KEY, values, contributions=False), density).contributions is None


def test_rows_are_drawn_alone_as_together(estimator: DensityEstimator, values: np.ndarray) -> None:
    density = estimator.density
    noise = draw_noise(40, density.noise_width, noise_generator(0))
    whole = execute(SampleJob(KEY, values, noise, 1.0, True), density)
    parts = [
        execute(SampleJob(KEY, values[i : i + 9], noise[i : i + 9], 1.0, True), density)
        for i in range(0, 40, 9)
    ]
    joined = np.concatenate([part.values for part in parts])
    np.testing.assert_array_equal(whole.values, joined)
    observed = ~np.isnan(values)
    np.testing.assert_array_equal(whole.values[observed], values[observed])
    assert not np.isnan(whole.values).any()
    assert whole.log_likelihood is not None
    np.testing.assert_array_equal(whole.log_likelihood, density.score(whole.values))


@pytest.mark.parametrize("estimate", get_args(Estimate))
def test_gaps_are_filled_alone_as_together(
    estimator: DensityEstimator, values: np.ndarray, estimate: Estimate
) -> None:
    density = estimator.density
    noise = draw_noise(40 * 12, density.noise_width, noise_generator(1)).reshape(40, 12, -1)
    whole = execute(ImputeJob(KEY, values, noise, 1, estimate), density)
    half = [
        execute(ImputeJob(KEY, values[part], noise[part], 1, estimate), density)
        for part in (slice(0, 20), slice(20, 40))
    ]
    tables = np.concatenate([one.tables for one in half], axis=1)
    np.testing.assert_array_equal(whole.tables, tables)
    observed = ~np.isnan(values)
    np.testing.assert_array_equal(whole.tables[0][observed], values[observed])
    assert np.isnan(whole.probability[observed]).all()
    assert np.isnan(whole.lower[observed]).all()


def test_no_rows_are_computed_too(estimator: DensityEstimator) -> None:
    density = estimator.density
    nothing = np.empty((0, density.variables))
    assert execute(ScoreJob(KEY, nothing, True), density).log_likelihood.shape == (0,)
    noise = np.empty((0, density.noise_width))
    assert execute(SampleJob(KEY, nothing, noise, 1.0, True), density).values.shape == nothing.shape
    filled = execute(ImputeJob(KEY, nothing, noise[:, None], 1, "draw"), density)
    assert filled.tables.shape == (1, *nothing.shape)


def test_what_is_no_job_is_refused(estimator: DensityEstimator) -> None:
    with pytest.raises(TypeError, match="Job"):
        execute(Job(KEY, np.empty((0, 1))), estimator.density)
