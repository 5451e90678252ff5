"""The distribution of one missing variable given the evidence, against walks and draws."""

from collections.abc import Callable

import numpy as np
import pytest

from models.columns.layout import Layout
from models.inference import Density, draw_noise, noise_generator
from models.inference.engine import Engine
from models.inference.member import Member
from models.inference.predictive import lattice
from models.made import MaskConfig, MaskSource, NetworkConfig

MakeLayout = Callable[[str], Layout]
MakeDensity = Callable[..., Density]

NAN = np.nan


def gappy(density: Density, rows: int, seed: int = 0) -> np.ndarray:
    """Rows of the density with gaps everywhere, one of them all gaps."""
    noise = draw_noise(rows, density.noise_width, noise_generator(seed))
    values = density.sample(np.full((rows, density.variables), NAN), noise)
    values[np.random.default_rng(seed).uniform(size=values.shape) < 0.5] = NAN
    values[0] = NAN
    return values


@pytest.mark.parametrize("fixed", [False, True])
def test_the_probability_is_the_walks_with_the_variable_right_after_the_evidence(
    make_layout: MakeLayout, make_density: MakeDensity, fixed: bool
) -> None:
    density = make_density(make_layout("bcxnbc"), fixed=fixed)
    engine = Engine(density.members, density.layout)
    values = gappy(density, 40)
    able = [k for k, component in enumerate(density.components) if component.any_order]
    seen = 0
    for cells in density.predictive(values):
        if not density.layout.columns[cells.variable].discrete:
            continue
        rows = values[cells.rows]
        observed = ~np.isnan(rows)
        evidence = np.tile(density.log_weights[able], (len(rows), 1))
        filled, known = rows.copy(), observed.copy()
        filled[:, cells.variable], known[:, cells.variable] = 1.0, True
        unknown = density.layout.columns[cells.variable].unknown_code
        last = np.full(len(rows), cells.variable)
        some = observed.any(axis=1)
        terms, reserved = np.empty(evidence.shape), np.zeros(evidence.shape)
        for place, k in enumerate(able):
            component = density.components[k]
            scores = engine.score_evidence(component, rows[some], observed[some])
            evidence[some, place] += scores[:, 0]
            terms[:, place] = engine.score_evidence(component, filled, known, last)[:, 1]
            if unknown is not None:
                other = filled.copy()
                other[:, cells.variable] = unknown
                masses = engine.score_evidence(component, other, known, last)[:, 1]
                reserved[:, place] = np.exp(masses)
        posterior = np.exp(evidence - np.logaddexp.reduce(evidence, axis=1, keepdims=True))
        expected = (posterior * np.exp(terms) / (1 - reserved)).sum(axis=1)
        given = cells.probability(np.ones(len(rows)))
        np.testing.assert_allclose(given, expected, atol=1e-5)
        seen += len(rows)
    assert seen > 40


@pytest.mark.parametrize("kinds", ["xn", "tx", "nb", "ct"])
def test_points_spread_as_draws_do_where_one_value_is_missing(
    make_layout: MakeLayout, make_density: MakeDensity, kinds: str
) -> None:
    density = make_density(make_layout(kinds))
    whole = density.sample(
        np.full((1, 2), NAN), draw_noise(1, density.noise_width, noise_generator(3))
    )
    whole[0, 0] = NAN
    (cells,) = density.predictive(whole)
    noise = draw_noise(4000, density.noise_width, noise_generator(4))
    drawn = density.sample(np.tile(whole, (4000, 1)), noise)[:, 0]
    places = np.concatenate([drawn, cells.points[:, 0]])
    below_drawn = np.searchsorted(np.sort(drawn), places, side="right") / len(drawn)
    points = np.sort(cells.points[:, 0])
    below = np.searchsorted(points, places, side="right") / len(points)
    assert np.abs(below - below_drawn).max() < 0.05


def test_every_gap_comes_once(make_layout: MakeLayout, make_density: MakeDensity) -> None:
    density = make_density(make_layout("bcxn"))
    values = gappy(density, 30)
    met = np.zeros(values.shape, dtype=int)
    for cells in density.predictive(values):
        assert cells.points.shape[1] == len(cells.rows)
        met[cells.rows, cells.variable] += 1
    assert np.array_equal(met, np.isnan(values))


def test_a_density_of_fixed_orderings_alone_gives_draws(
    make_layout: MakeLayout, make_network: Callable[..., object]
) -> None:
    layout, config = make_layout("bc"), NetworkConfig(hidden=(12,))
    network = make_network(layout, config)
    masks = MaskSource(config, MaskConfig("natural", "even", count=1), 2, 0).answering
    density = Density([Member("m", network, masks, False)], layout, np.zeros(1))  # type: ignore[arg-type]
    values = np.array([[1.0, NAN], [NAN, NAN], [0.0, 2.0]])
    for cells in density.predictive(values):
        codes = np.arange(3.0 if cells.variable else 2.0)
        total = sum(cells.probability(np.full(len(cells.rows), code)) for code in codes)
        np.testing.assert_allclose(total, 1.0)
        assert set(np.unique(cells.points)) <= set(codes)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_the_lattice_fills_every_box_of_the_cube_alike(dimensions: int) -> None:
    points = lattice(256, dimensions)
    assert ((points > 0) & (points < 1)).all()
    counts, _ = np.histogramdd(points, bins=4, range=[(0, 1)] * dimensions)
    expected = 256 / 4**dimensions
    assert np.abs(counts - expected).max() <= max(2.0, expected / 2)
