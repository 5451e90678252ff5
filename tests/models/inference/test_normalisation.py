"""Probabilities of all rows of small tables sum to 1, whatever the kinds, orderings and nulls."""

import math
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest

from madeira.models.arrays import Bool, Float64
from madeira.models.columns import Continuous
from madeira.models.columns.base import Column
from madeira.models.columns.layout import Layout
from madeira.models.inference.density import Density

MakeLayout = Callable[[str], Layout]
MakeDensity = Callable[..., Density]
OUTCOMES = {"b": 2, "c": 4}  # three categories and the unknown one
NODES = 16_001


def grid(kind: str, column: Column, nodes: int = NODES) -> tuple[Float64, Float64]:
    """Return encoded values of a kind, and the weight of each in a sum or an integral."""
    if kind in OUTCOMES:
        codes = np.arange(OUTCOMES[kind], dtype=np.float64)
        return codes, np.ones_like(codes)
    assert isinstance(column, Continuous)
    low, high = column.support_codes
    z = low + (high - low) * (np.arange(nodes) + 0.5) / nodes
    # What lies outside is one outcome. It has a mass, not a density: dx / dz is no factor of it.
    weights = np.append(np.full(nodes, (high - low) / nodes), 1 / column.scale)
    return np.append(z, column.special_codes), weights


def total(density: Density, kinds: str, observed: Bool) -> float:
    """Sum or integral of the likelihood over all values of the observed variables."""
    axes = [grid(kind, column) if seen else (np.array([np.nan]), np.ones(1))
            for kind, column, seen
            in zip(kinds, density.layout.columns, observed, strict=True)]  # fmt: skip
    values = np.array(list(product(*(nodes for nodes, _ in axes))))
    weights = np.prod(list(product(*(weight for _, weight in axes))), axis=1)
    seen_columns = [c for c, seen in zip(density.layout.columns, observed, strict=True) if seen]
    return float((np.exp(density.score(values)) * weights).sum() * scale_of(seen_columns))


def scale_of(columns: Sequence[Column]) -> float:
    """Product of the scales of the continuous columns: dx / dz."""
    return math.prod(column.scale for column in columns if isinstance(column, Continuous))


@pytest.mark.parametrize("fixed", [False, True], ids=["any-order", "with a fixed ordering"])
@pytest.mark.parametrize("kinds", ["b", "c", "x", "bb", "bcb", "cc", "bx", "xc", "bcbb"])
def test_probabilities_of_all_rows_sum_to_one_with_nulls_in_any_place(
    kinds: str, fixed: bool, make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    density = make_density(make_layout(kinds), fixed=fixed)
    for observed in product([True, False], repeat=len(kinds)):
        assert total(density, kinds, np.array(observed)) == pytest.approx(1.0, abs=2e-3)


def test_a_continuous_pair_integrates_to_one(
    make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    density = make_density(make_layout("xx"))
    nodes, weights = grid("x", density.layout.columns[0], 500)
    values = np.array(list(product(nodes, nodes)))
    mass = np.exp(density.score(values)) * np.outer(weights, weights).ravel()
    assert mass.sum() * scale_of(density.layout.columns) == pytest.approx(1.0, abs=2e-2)


def test_a_row_of_which_nothing_is_observed_has_likelihood_one(
    make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    assert make_density(make_layout("bc")).score(np.full((2, 2), np.nan)).tolist() == [0.0, 0.0]
