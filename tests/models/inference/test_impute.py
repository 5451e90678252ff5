"""Imputation: draws, point estimates, and the spread of both."""

from collections.abc import Callable

import numpy as np
import pytest

from models.columns.layout import Layout
from models.errors import ConfigError
from models.inference import Density, Imputation, draw_noise, impute, noise_generator
from models.inference.impute import UNCERTAINTY_DRAWS

MakeLayout = Callable[[str], Layout]
MakeDensity = Callable[..., Density]


@pytest.fixture
def density(make_layout: MakeLayout, make_density: MakeDensity) -> Density:
    return make_density(make_layout("bcx"))


def run(density: Density, rows: list[list[float]], draws: int, estimate: str) -> Imputation:
    tables = draws + UNCERTAINTY_DRAWS
    noise = draw_noise(len(rows) * tables, density.noise_width, noise_generator(7))
    noise = noise.reshape(len(rows), tables, -1)
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


def test_the_mode_is_the_most_frequent_value_and_its_probability_the_share(
    density: Density,
) -> None:
    row = [1.0, np.nan, 0.0]
    tables = 400
    noise = draw_noise(tables, density.noise_width, noise_generator(7)).reshape(1, tables, -1)
    drawn = density.sample(np.tile(row, (tables, 1)), noise[0])[:, 1].astype(int)
    counts = np.bincount(drawn, minlength=3)
    result = impute(density, np.array([row]), noise, 1, "mode")
    assert result.draws[0, 0, 1] == counts.argmax()
    assert result.probability[0, 1] == pytest.approx(counts.max() / tables)


def test_the_interval_holds_nine_tenths_of_further_draws(density: Density) -> None:
    tables = 2000
    noise = draw_noise(tables, density.noise_width, noise_generator(1)).reshape(1, tables, -1)
    row = np.array([[1.0, 2.0, np.nan]])
    result = impute(density, row, noise, 1)
    further = draw_noise(5000, density.noise_width, noise_generator(2))
    drawn = density.sample(np.tile(row, (5000, 1)), further)[:, 2]
    inside = (drawn >= result.lower[0, 2]) & (drawn <= result.upper[0, 2])
    assert inside.mean() == pytest.approx(0.9, abs=0.03)


def test_a_complete_table_comes_back_as_it_was(density: Density) -> None:
    result = run(density, [[1.0, 2.0, 0.5]], 3, "draw")
    assert (result.draws == [1.0, 2.0, 0.5]).all()


def test_an_empty_table_gives_an_empty_one(density: Density) -> None:
    noise = np.empty((0, 51, density.noise_width))
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
