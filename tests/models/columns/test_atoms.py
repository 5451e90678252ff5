"""Atoms are the values that a smooth distribution would not explain."""

import numpy as np
import pytest

from madeira.models.arrays import Float64
from madeira.models.columns.atoms import MAX_ATOMS, find_atoms

GENERATOR = np.random.default_rng(0)
BELL = np.rint(GENERATOR.normal(50, 12, 5000))


@pytest.mark.parametrize(
    ("values", "atoms"),
    [
        (BELL, []),
        (np.append(BELL, [40] * 2000), [40]),
        (np.append(BELL, [0] * 40), [0]),
        (np.append(BELL, [999] * 40), [999]),
        (np.append(np.rint(GENERATOR.lognormal(8, 1, 400)), [0] * 4600), [0]),
        (GENERATOR.poisson(3, 5000), []),
        (GENERATOR.integers(0, 60, 3000), []),
        (np.append(BELL, [999] * 4), []),
    ],
    ids=["bell", "inflated", "zeros", "cap", "mostly zeros", "counts", "even", "too few rows"],
)
def test_values_that_stand_out_are_atoms(values: Float64, atoms: list[float]) -> None:
    assert find_atoms(values.astype(np.float64), 1.0).tolist() == atoms


def test_multiples_that_people_prefer_are_atoms() -> None:
    fine = np.rint(GENERATOR.normal(50, 5, 1000) * 10) / 10
    coarse = np.rint(GENERATOR.normal(50, 5, 3000))
    found = find_atoms(np.append(fine, coarse), 0.1)
    assert {48.0, 49.0, 50.0, 51.0, 52.0} <= set(found.tolist())
    assert (found == np.rint(found)).all()


def test_on_a_continuum_every_value_that_repeats_is_an_atom() -> None:
    values = np.append(GENERATOR.normal(size=500), [0.25] * 6 + [0.75] * 4)
    assert find_atoms(values, 0.0).tolist() == [0.25]


def test_the_most_frequent_are_taken_where_there_are_too_many() -> None:
    values = np.repeat(np.arange(50) + 0.5, np.arange(50) + 10)
    assert find_atoms(values, 0.0).tolist() == (np.arange(50) + 0.5)[-MAX_ATOMS:].tolist()


def test_values_of_a_grid_that_is_hardly_held_are_atoms_side_by_side() -> None:
    days = np.random.default_rng(3).choice(np.arange(600, 5000), 100, replace=False)
    rates = np.append(np.repeat(days, 20), np.repeat([4957, 4958, 4959, 4960], 300)) / 1000
    assert find_atoms(rates, 0.001).tolist() == np.unique(rates).tolist()
