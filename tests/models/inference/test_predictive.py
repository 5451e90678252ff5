"""The distribution of one missing variable given the evidence, against walks and draws."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
import torch

from madeira.models.columns.continuous import Continuous
from madeira.models.columns.integer import Integer
from madeira.models.columns.layout import Layout
from madeira.models.inference import Density, draw_noise, noise_generator
from madeira.models.inference.engine import Engine
from madeira.models.inference.member import Member
from madeira.models.inference.predictive import Point, read
from madeira.models.inference.walk.cpu_walk import CpuWalk
from madeira.models.inference.walk.torch_walk import TorchWalk
from madeira.models.inference.weights.sorted import sort_units
from madeira.models.made import MADE, MaskConfig, MaskSource, NetworkConfig
from tests.oracles.full_passes import FullPasses

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


@pytest.mark.parametrize("fixed", [False, True])
def test_the_most_probable_value_of_a_choice_is_the_best_of_all_its_values(
    make_layout: MakeLayout, make_density: MakeDensity, fixed: bool
) -> None:
    density = make_density(make_layout("bcfxn"), fixed=fixed)
    oracle = FullPasses(density.members, density.layout, density.log_weights)
    values = gappy(density, 12)
    seen = 0
    for cells in density.predictive(values):
        column = density.layout.columns[cells.variable]
        if not column.discrete:
            continue
        codes = np.arange(column.unknown_code or 2.0)
        best, probability = cells.most_probable()
        each = np.array([cells.probability(np.full(len(cells.rows), code)) for code in codes])
        np.testing.assert_allclose(each.sum(axis=0), 1.0, atol=1e-12)
        assert np.array_equal(best, each.argmax(axis=0))
        assert np.array_equal(probability, each.max(axis=0))
        for place, row in enumerate(cells.rows):
            expected = oracle.conditional(values[row], cells.variable, codes)
            np.testing.assert_allclose(each[:, place], expected, atol=1e-4)
            seen += 1
    assert seen > 15


@pytest.mark.parametrize("within_range", [False, True])
def test_estimates_of_a_number_on_a_grid_are_sums_over_all_its_values(
    make_layout: MakeLayout, make_density: MakeDensity, within_range: bool
) -> None:
    density = make_density(make_layout("nbn"))
    oracle = FullPasses(density.members, density.layout, density.log_weights)
    column = density.layout.columns[0]
    assert isinstance(column, Integer)
    low, high = column.range_codes if within_range else column.support_codes
    codes = np.arange(low, high + 1)
    values = np.array([[NAN, 1.0, 3.0], [NAN, 0.0, NAN], [NAN, NAN, NAN], [NAN, NAN, 0.0]])
    cells = next(iter(density.predictive(values, within_range)))
    ends, mode = cells.quantiles((0.05, 0.5, 0.95), "mode")
    _, mean = cells.quantiles((), "mean")
    _, median = cells.quantiles((), "median")
    assert np.array_equal(median, ends[1])
    for place in range(len(values)):
        masses = _cut(oracle, values[place], codes)  # each network's own share of it is made 1
        assert masses.sum() == pytest.approx(1.0, abs=1e-3)
        assert mode[place] == codes[masses.argmax()]
        below = masses.cumsum()
        for end, share in zip(ends[:, place], (0.05, 0.5, 0.95), strict=True):
            at = int(end - low)
            assert below[at] >= share - 1e-4
            assert at == 0 or below[at - 1] < share + 1e-4
        assert mean[place] == pytest.approx(codes @ masses, abs=1e-3)


def _cut(oracle: FullPasses, row: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Masses within a range: those of each component, normalised there, by its posterior."""
    total = np.zeros(len(codes))
    scores, masses = [], []
    for index, component in enumerate(oracle.components):
        alone = FullPasses([oracle.members[component.member]], oracle.layout, np.zeros(1))
        alone.components = (component,)
        scores.append(alone.score(row[None])[0] + oracle.log_weights[index])
        masses.append(alone.conditional(row, 0, codes))
    posterior = np.exp(np.array(scores) - np.logaddexp.reduce(scores))
    for share, mass in zip(posterior, masses, strict=True):
        total += share * mass / mass.sum()
    return total


@pytest.mark.parametrize("within_range", [False, True])
def test_estimates_of_a_number_on_a_continuum_are_integrals_of_its_density(
    make_layout: MakeLayout, make_density: MakeDensity, within_range: bool
) -> None:
    density = make_density(make_layout("xbx"))
    oracle = FullPasses(density.members, density.layout, density.log_weights)
    column = density.layout.columns[0]
    assert isinstance(column, Continuous)
    assert not column.atoms
    ends = column.range_codes if within_range else column.support_codes
    codes = np.linspace(*ends, 4001)
    row = np.array([NAN, 1.0, 0.25])
    (cells,) = density.predictive(row[None], within_range)
    quantiles, _ = cells.quantiles((0.05, 0.5, 0.95), None)
    _, median = cells.quantiles((), "median")
    _, mode = cells.quantiles((), "mode")
    assert median[0] == mode[0] == quantiles[1, 0]
    _, mean = cells.quantiles((), "mean")
    weights = _cut(oracle, row, codes)
    below = np.interp(quantiles[:, 0], codes, weights.cumsum() - weights / 2)
    np.testing.assert_allclose(below, (0.05, 0.5, 0.95), atol=2e-3)
    spread = float(np.sqrt(weights @ (codes - weights @ codes) ** 2))
    assert mean[0] == pytest.approx(weights @ codes, abs=2e-3 * spread)


@pytest.mark.parametrize("kinds", ["xn", "tx", "nb"])
def test_quantiles_and_mean_are_those_of_draws_where_one_value_is_missing(
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
    wanted = tuple(np.linspace(0.05, 0.95, 19))
    quantiles, _ = cells.quantiles(wanted, None)
    upto = (drawn <= quantiles).mean(axis=1)
    below = (drawn < quantiles).mean(axis=1)
    assert (upto > np.array(wanted) - 0.03).all()
    assert (below < np.array(wanted) + 0.03).all()
    within = density.predictive(whole, within_range=True)
    (cells,) = within
    drawn = density.sample(np.tile(whole, (4000, 1)), noise, within_range=True)[:, 0]
    _, mean = cells.quantiles((), "mean")
    assert mean[0] == pytest.approx(drawn.mean(), abs=5 * drawn.std() / np.sqrt(len(drawn)))


def test_an_atom_is_its_own_quantile() -> None:
    values = pa.array([0.0] * 40 + np.exp(np.linspace(-3, 3, 60)).tolist())
    column = Continuous.fit("x", values)
    assert column.atoms == (0.0,)
    parameters = column.initial_parameters(column.encode(values)).astype(np.float32)
    layout = Layout([column])
    (cells,) = read(layout, np.array([[NAN]]), parameters[None, None], np.ones((1, 1)), False)
    quantiles, _ = cells.quantiles((0.05, 0.2, 0.39, 0.45), None)
    (atom,) = column.atom_codes
    assert (quantiles[1:3, 0] == atom).all()
    assert quantiles[3, 0] > atom


@pytest.mark.parametrize("wide", [False, True])
def test_the_mode_of_a_grid_is_found_wherever_it_is(wide: bool) -> None:
    """A narrow logistic far from the middle of a wide one; the head says what each value has."""
    values = pa.array((np.exp(np.linspace(0, 12 if wide else 6, 400))).astype(np.int64))
    column = Integer.fit("n", values)
    parameters = column.initial_parameters(column.encode(values)).astype(np.float32)
    generator = np.random.default_rng(0)
    head = column.head_type([column])
    codes = np.arange(-3000, 200_000 if wide else 3000, dtype=np.float64)
    layout = Layout([column])
    for _ in range(5):
        own = parameters + generator.normal(size=len(parameters)).astype(np.float32) * 0.7
        given = torch.as_tensor(own)[None]
        (cells,) = read(layout, np.array([[NAN]]), own[None, None], np.ones((1, 1)), False)
        _, mode = cells.quantiles((), "mode")
        masses = head.log_prob(
            given.double().expand(len(codes), -1), torch.as_tensor(codes)[:, None]
        )
        best = masses.max().item()
        found = head.log_prob(given.double(), torch.as_tensor(mode)[:, None]).item()
        assert found == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("residual", [False, True])
def test_conditionals_are_the_same_compiled_and_in_pytorch(
    make_layout: MakeLayout, make_network: Callable[..., MADE], residual: bool
) -> None:
    layout = make_layout("bcxnbf")
    config = NetworkConfig(hidden=(20, 20) if residual else (20, 9), residual=residual)
    network = make_network(layout, config)
    masks = MaskSource(config, MaskConfig("sampled", "sampled", ensemble=1), 6, 0).answering
    density = Density([Member("m", network, masks, True)], layout, np.zeros(1))
    values = gappy(density, 40)
    observed = ~np.isnan(values)
    orders = density.components[0].orders(observed)
    units = sort_units(network, masks[0].degrees)
    compiled, torched = (
        walk(units, layout).predictive(values, orders) for walk in (CpuWalk, TorchWalk)
    )
    meant = ~observed[:, layout.variable_of_output.cpu().numpy()]
    np.testing.assert_allclose(compiled[meant], torched[meant], rtol=1e-4, atol=1e-4)


def test_every_gap_comes_once(make_layout: MakeLayout, make_density: MakeDensity) -> None:
    density = make_density(make_layout("bcxn"))
    values = gappy(density, 30)
    met = np.zeros(values.shape, dtype=int)
    for cells in density.predictive(values):
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
        best, probability = cells.most_probable()
        assert set(best) <= set(codes)
        assert np.array_equal(probability, cells.probability(best))


@pytest.mark.parametrize("point", ["mean", "median", "mode", None])
def test_estimates_from_draws_are_those_of_the_draws(
    make_layout: MakeLayout, make_network: Callable[..., object], point: Point | None
) -> None:
    layout, config = make_layout("xn"), NetworkConfig(hidden=(12,))
    network = make_network(layout, config)
    masks = MaskSource(config, MaskConfig("natural", "even", count=1), 2, 0).answering
    density = Density([Member("m", network, masks, False)], layout, np.zeros(1))  # type: ignore[arg-type]
    for cells in density.predictive(np.array([[0.5, NAN], [NAN, NAN]])):
        ends, points = cells.quantiles((0.05, 0.95), point)
        assert (ends[0] <= ends[1]).all()
        assert np.isnan(points).all() == (point is None)
        if point == "mode" and density.layout.columns[cells.variable].kind == "integer":
            assert np.array_equal(points, np.rint(points))
