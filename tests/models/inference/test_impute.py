"""Imputation: draws, point estimates, and the spread of both."""

from collections.abc import Callable

import numpy as np
import pytest

from madeira.models.columns.layout import Layout
from madeira.models.columns.numeric import Numeric
from madeira.models.errors import ConfigError
from madeira.models.inference import Density, Imputation, draw_noise, impute, noise_generator

MakeLayout = Callable[[str], Layout]
MakeDensity = Callable[..., Density]


@pytest.fixture
def density(make_layout: MakeLayout, make_density: MakeDensity) -> Density:
    return make_density(make_layout("bcx"))


def run(density: Density, rows: list[list[float]], draws: int, estimate: str) -> Imputation:
    noise = draw_noise(len(rows) * draws, density.noise_width, noise_generator(7))
    noise = noise.reshape(len(rows), draws, density.noise_width)
    return impute(density, np.array(rows), noise, draws, estimate)  # type: ignore[arg-type]


ROWS = [[1.0, np.nan, np.nan], [0.0, 2.0, 0.5], [np.nan, np.nan, np.nan]]


@pytest.mark.parametrize("estimate", ["draw", "mean", "median", "mode"])
def test_observed_cells_survive_and_nothing_stays_missing(density: Density, estimate: str) -> None:
    filled = run(density, ROWS, 1, estimate).draws[0]
    known = ~np.isnan(ROWS)
    assert np.array_equal(filled[known], np.array(ROWS)[known])
    assert not np.isnan(filled).any()
    assert set(filled[:, 0]) <= {0.0, 1.0}
    assert set(filled[:, 1]) <= {0.0, 1.0, 2.0}


def test_uncertainty_is_given_for_filled_cells_alone(density: Density) -> None:
    result = run(density, ROWS, 1, "draw")
    missing = np.isnan(ROWS)
    discrete = np.array([True, True, False])
    assert np.array_equal(~np.isnan(result.probability), missing & discrete)
    assert np.array_equal(~np.isnan(result.lower), missing & ~discrete)
    assert (result.lower[0, 2] <= result.upper[0, 2]).all()


def test_several_draws_differ_where_the_table_was_missing(density: Density) -> None:
    draws = run(density, ROWS, 5, "draw").draws
    assert draws.shape == (5, 3, 3)
    assert len(set(draws[:, 0, 2])) == 5
    assert len(set(draws[:, 1, 2])) == 1


def test_the_mode_is_the_most_frequent_draw_and_its_probability_their_share(
    density: Density,
) -> None:
    row = [1.0, np.nan, 0.0]
    noise = draw_noise(4000, density.noise_width, noise_generator(7))
    drawn = density.sample(np.tile(row, (4000, 1)), noise)[:, 1].astype(int)
    shares = np.bincount(drawn, minlength=3) / 4000
    result = run(density, [row], 1, "mode")
    assert result.draws[0, 0, 1] == shares.argmax()
    assert result.probability[0, 1] == pytest.approx(shares.max(), abs=0.02)


def test_a_draw_has_the_probability_of_its_own_value(density: Density) -> None:
    row = [1.0, np.nan, 0.0]
    noise = draw_noise(200, density.noise_width, noise_generator(7)).reshape(200, 1, -1)
    result = impute(density, np.tile(row, (200, 1)), noise, 1)
    codes = result.draws[0, :, 1].astype(int)
    of = {code: result.probability[codes == code, 1] for code in range(3)}
    assert all(np.ptp(each) < 1e-6 for each in of.values())
    assert sum(each[0] for each in of.values()) == pytest.approx(1.0, abs=1e-5)


def test_mean_median_and_interval_are_those_of_many_draws(density: Density) -> None:
    row = [1.0, 2.0, np.nan]
    noise = draw_noise(20_000, density.noise_width, noise_generator(2))
    drawn = density.sample(np.tile(row, (20_000, 1)), noise)[:, 2]
    spread = drawn.std()
    mean, median = run(density, [row], 1, "mean"), run(density, [row], 1, "median")
    assert mean.draws[0, 0, 2] == pytest.approx(drawn.mean(), abs=0.05 * spread)
    assert median.draws[0, 0, 2] == pytest.approx(np.median(drawn), abs=0.05 * spread)
    inside = (drawn >= mean.lower[0, 2]) & (drawn <= mean.upper[0, 2])
    assert inside.mean() == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("estimate", ["draw", "mean", "mode"])
def test_a_table_is_filled_the_same_however_it_is_cut(density: Density, estimate: str) -> None:
    whole = run(density, ROWS, 1, estimate)
    noise = draw_noise(3, density.noise_width, noise_generator(7)).reshape(3, 1, -1)
    for row in range(3):
        one = slice(row, row + 1)
        part = impute(density, np.array(ROWS)[one], noise[one], 1, estimate)  # type: ignore[arg-type]
        np.testing.assert_array_equal(part.draws[0], whole.draws[0, one])
        np.testing.assert_array_equal(part.lower, whole.lower[one])
        np.testing.assert_array_equal(part.probability, whole.probability[one])


def test_estimates_within_range_lie_between_the_ends_seen_in_training(density: Density) -> None:
    column = density.layout.columns[2]
    assert isinstance(column, Numeric)
    low, high = column.codes(np.array([column.minimum, column.maximum]))
    noise = draw_noise(1, density.noise_width, noise_generator(7)).reshape(1, 1, -1)
    row = np.array([[1.0, 2.0, np.nan]])
    free = impute(density, row, noise, 1, "mean")
    bound = impute(density, row, noise, 1, "mean", within_range=True)
    assert free.lower[0, 2] < low or free.upper[0, 2] > high
    assert low <= bound.lower[0, 2] < bound.draws[0, 0, 2] < bound.upper[0, 2] <= high


def test_a_complete_table_comes_back_as_it_was(density: Density) -> None:
    result = run(density, [[1.0, 2.0, 0.5]], 3, "draw")
    assert (result.draws == [1.0, 2.0, 0.5]).all()


def test_an_empty_table_gives_an_empty_one(density: Density) -> None:
    noise = np.empty((0, 1, density.noise_width))
    assert impute(density, np.empty((0, 3)), noise, 1).draws.shape == (1, 0, 3)


@pytest.mark.parametrize(
    ("draws", "estimate", "message"),
    [
        (3, "mean", "3 draws contradict a point estimate"),
        (1, "average", "estimate must be draw, mean, median or mode"),
        (0, "draw", "draws must be between 1"),
    ],
)
def test_contradictory_options_are_refused(
    density: Density, draws: int, estimate: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        run(density, ROWS, draws, estimate)
