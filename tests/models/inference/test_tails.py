"""Tail probabilities: of each kind against brute force, of rows against uniform numbers."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy import stats
from scipy.special import expit

from madeira.models.arrays import Float32, Float64
from madeira.models.columns.base import Column
from madeira.models.columns.integer import Integer
from madeira.models.columns.kernels.numeric_tails import WINDOW
from madeira.models.columns.layout import Layout
from madeira.models.columns.numeric import Numeric
from madeira.models.columns.support import Support
from madeira.models.columns.transform import stack, transform
from madeira.models.inference.density import Density
from madeira.models.inference.noise import draw_noise, noise_generator
from madeira.models.inference.walk.cpu_walk import CpuWalk
from madeira.models.inference.walk.tail_kernel import cell_tails, tail_layout
from madeira.models.inference.walk.torch_walk import TorchWalk
from madeira.models.inference.weights.sorted import sort_units
from madeira.models.made import MADE, MaskConfig, MaskSource, NetworkConfig
from madeira.models.schema.schema import Schema

MakeLayout = Callable[[Sequence[str]], Layout]
MakeDensity = Callable[..., Density]

SKEWED = np.append(np.zeros(60), np.exp(np.random.default_rng(0).normal(size=400) * 1.5))
TERMS = np.where(np.arange(460) % 3, 36.0, 60.0)
TERMS[:2] = 59.0, 37.0  # whole months
SCHEMA = Schema.infer(
    pa.table(
        {
            "yes": [True, False] * 230,
            "few": list("abcd") * 115,
            "many": [f"v{place % 40}" for place in range(460)],
            "amount": np.rint(SKEWED * 20),
            "term": TERMS,
            "length": SKEWED,
        }
    ),
    {"many": "factorised", "amount": "integer", "term": "integer", "length": "continuous"},
)
COLUMNS = {  # brute force goes beyond all ends
    column.name: replace(column, support=Support()) if isinstance(column, Numeric) else column
    for column in SCHEMA.columns
}
TIE = 1e-6


def tail(columns: Sequence[Column], codes: Float64, parameters: Float32) -> Float64:
    """Tail probabilities of codes of the first column, `(cells,)`."""
    rows = np.arange(len(codes))
    every = np.broadcast_to(parameters, (len(codes), len(parameters)))[:, None]
    tables = tail_layout(Layout(columns))
    variable = np.zeros(len(codes), np.int64)
    return cell_tails(tables, rows, variable, codes, every, np.ones((len(codes), 1)))


def of_masses(masses: Float64, own: float) -> float:
    """Share of what is rarer, and half of what is as rare."""
    tied = np.abs(masses - own) <= TIE * own
    return float(masses[(masses < own) & ~tied].sum() + masses[tied].sum() / 2)


def assert_close(found: Float64, expected: Float64) -> None:
    """Check that what is rare is found to be as rare, and what is common to be common."""
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.1)
    rare = np.array(expected) < 0.05
    np.testing.assert_allclose(found[rare], np.array(expected)[rare], rtol=0.15, atol=1e-9)


def mixture(column: Numeric, parameters: Float32) -> tuple[Float64, Float64, Float64, Float64]:
    m = column.components
    logits = np.append(parameters[:m], parameters[3 * m :]).astype(float)
    shares = np.exp(logits - np.logaddexp.reduce(logits))
    scales = np.exp(7 * np.tanh(parameters[2 * m : 3 * m].astype(float) / 7))
    return shares[:m], parameters[m : 2 * m].astype(float), scales, shares[m:]


def windows(column: Numeric, parameters: Float32, low: Float64, high: Float64) -> Float64:
    """Mass of the logistics between points of the scale of T, `(points,)`."""
    shares, means, scales, _ = mixture(column, parameters)
    a, b = ((end[:, None] - means) / scales for end in (low, high))
    masses = np.where(a > 0, expit(-a) - expit(-b), expit(b) - expit(a)) @ shares
    return np.asarray(masses)


def points(column: Numeric, codes: Float64) -> Float64:
    """T of codes, `(codes,)`."""
    return transform(torch.as_tensor(codes)[:, None], stack([column.transform])).numpy()[:, 0]


def some_parameters(column: Column, seed: int) -> Float32:
    generator = np.random.default_rng(seed)
    parameters = generator.normal(size=column.outputs) * generator.choice([0.3, 1.0, 2.0])
    if isinstance(column, Numeric):
        m = column.components
        parameters[2 * m : 3 * m] -= generator.choice([0.0, 1.0, 2.0])
    return np.asarray(parameters, dtype=np.float32)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["yes", "few", "many"])
def test_a_choice_among_a_few_is_summed_exactly(name: str, seed: int) -> None:
    column = COLUMNS[name]
    parameters = some_parameters(column, seed)
    codes = np.arange(2.0 if column.unknown_code is None else column.unknown_code + 1)
    given = torch.as_tensor(parameters).double().expand(len(codes), -1)
    masses = column.head_type([column]).log_prob(given, torch.as_tensor(codes)[:, None])
    q = np.exp(masses[:, 0].numpy())
    expected = [of_masses(q, own) for own in q]
    np.testing.assert_allclose(tail([column], codes, parameters), expected, rtol=1e-5)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["amount", "term"])
def test_a_number_on_a_grid_is_compared_with_every_other(name: str, seed: int) -> None:
    column = COLUMNS[name]
    assert isinstance(column, Numeric)
    parameters = some_parameters(column, seed)
    grid = np.arange(-9_000.0, 9_000.0)
    q = windows(column, parameters, points(column, grid - 0.5), points(column, grid + 0.5))
    for code, spike in zip(column.atom_codes, mixture(column, parameters)[3], strict=True):
        q[grid == code] += spike
    codes = np.array([-300.0, -3.0, 0.0, 1.0, 7.0, 24.0, 36.0, 48.0, 60.0, 200.0])
    expected = np.array([of_masses(q, float(q[grid == code][0])) for code in codes])
    inside = expected > 100 * (1 - q.sum())
    assert_close(tail([column], codes, parameters)[inside], expected[inside])


@pytest.mark.parametrize("seed", range(6))
def test_a_number_of_a_continuum_is_compared_by_its_window(seed: int) -> None:
    column = COLUMNS["length"]
    assert isinstance(column, Numeric)
    parameters = some_parameters(column, seed)
    spikes = mixture(column, parameters)[3]
    edges = np.linspace(-60.0, 60.0, 60_001)
    middles = (edges[1:] + edges[:-1]) / 2
    masses = windows(column, parameters, edges[:-1], edges[1:])
    q = windows(column, parameters, middles - WINDOW / 2, middles + WINDOW / 2)
    codes = np.append(np.array([-1.0, -0.4, -0.1, 0.3, 1.0, 3.0]), column.atom_codes)
    own = windows(
        column, parameters, points(column, codes) - WINDOW / 2, points(column, codes) + WINDOW / 2
    )
    own[len(codes) - len(spikes) :] = spikes
    rarer = [masses[q < mine].sum() + spikes[spikes < mine].sum() for mine in own]
    expected = np.array(rarer)
    expected[len(codes) - len(spikes) :] += spikes / 2
    assert_close(tail([column], codes, parameters), expected)


SCORES = np.rint(np.random.default_rng(1).normal(30, 9, 460)).clip(0, 70)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["score", "length"])
def test_a_number_is_compared_with_all_of_its_support_and_with_what_is_no_number(
    name: str, seed: int
) -> None:
    column = Integer.fit("score", pa.array(SCORES)) if name == "score" else COLUMNS[name]
    assert isinstance(column, Numeric)
    column = replace(column, support=Support(0.0, 70.0, 0.01), null_outcome=True)
    parameters = some_parameters(column, seed)
    parameters[8:16] += (-3.0, 0.0, 40.0)[seed % 3]
    low, high = column.support_codes
    if column.cell:
        grid = np.arange(low, high + 1)
        codes = np.append(grid, column.special_codes)
        given = torch.as_tensor(parameters).double().expand(len(codes), -1)
        head = column.head_type([column])
        q = head.log_prob(given, torch.as_tensor(codes)[:, None]).exp()[:, 0].numpy()
        assert q.sum() == pytest.approx(1.0, abs=1e-6)
        outside = q[-1]  # nothing is rarer
        expected = np.array([of_masses(q[:-1], own) + outside for own in q])
        expected[-1] = outside / 2
        some = np.unique(np.linspace(0, len(q) - 1, 30).astype(int))
        found = tail([column], codes[some], parameters)
        np.testing.assert_allclose(found, expected[some], rtol=0.3, atol=0.1)
        rare = expected[some] < 0.05
        np.testing.assert_allclose(found[rare], expected[some][rare], rtol=0.3, atol=1e-9)
        return
    head = column.head_type([column])
    codes = np.append(np.linspace(low, high, 9), column.special_codes)
    noise = torch.rand(20_000, 2, generator=torch.Generator().manual_seed(seed)).double()
    given = torch.as_tensor(parameters).double().expand(20_000, -1)
    drawn = head.sample(given, noise)[:, 0].numpy()
    special = torch.as_tensor(np.array(column.special_codes))[:, None]
    null, outside = head.log_prob(given[:2], special)[:, 0].exp().tolist()
    of_null, of_outside = tail([column], np.array(column.special_codes), parameters)
    assert of_outside == pytest.approx(outside / 2)
    rarer = (tail([column], drawn, parameters) < of_null).mean() * (1 - outside)
    assert of_null == pytest.approx(outside + rarer + null / 2, abs=0.08)


def test_a_value_that_is_impossible_between_two_common_ones_is_surprising() -> None:
    column = COLUMNS["term"]
    assert isinstance(column, Numeric)
    parameters = column.initial_parameters(column.codes(TERMS)).astype(np.float32)
    low, between, high = tail([column], column.codes(np.array([36.0, 48.0, 60.0])), parameters)
    assert min(low, high) > 0.1
    assert between < 0.001


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3, 1e9])
def test_units_change_no_tail_probability(factor: float) -> None:
    column = COLUMNS["length"]
    assert isinstance(column, Numeric)
    other = Schema.infer(pa.table({"length": SKEWED * factor}), {"length": "continuous"}).columns[0]
    assert isinstance(other, Numeric)
    other = replace(other, support=Support())
    parameters = some_parameters(column, 3)
    values = np.array([0.0, 0.01, 0.5, 2.0, 30.0, 1e4, -3.0])
    np.testing.assert_allclose(
        tail([column], column.codes(values), parameters),
        tail([other], other.codes(values * factor), parameters),
        rtol=1e-3,
    )


def test_equal_masses_are_equal_whatever_the_last_bit() -> None:
    column = COLUMNS["few"]
    parameters = np.array([1.0, np.nextafter(np.float32(1.0), np.float32(2.0)), 1.0, 1.0, -9.0])
    found = tail([column], np.arange(4.0), parameters.astype(np.float32))
    np.testing.assert_allclose(found, 0.5, atol=1e-4)


def draw(density: Density, rows: int) -> Float64:
    noise = draw_noise(rows, density.noise_width, noise_generator(5))
    return density.sample(np.full((rows, density.variables), np.nan), noise)


@pytest.mark.parametrize("cut", [False, True])
def test_rows_of_the_model_have_uniform_tail_probabilities(
    make_layout: MakeLayout, make_density: MakeDensity, cut: bool
) -> None:
    """Cut where an ordering is: untrained orderings are densities that do not agree.

    Without supports: what lies outside is never drawn, and untrained it is not rare.
    """
    columns = [replace(column, support=Support()) for column in make_layout("xtxnxx").columns]  # type: ignore[call-arg]
    density = make_density(Layout(columns).to(make_layout("x").device), ensemble=1)
    rows = draw(density, 3_000)
    if cut:
        kept = np.random.default_rng(0).integers(1, 7, len(rows))
        rows[kept[:, None] < density.components[0].mask.positions] = np.nan
    scores = density.anomaly_score(rows)
    assert stats.kstest(scores, "uniform").statistic < 0.07
    for share in (0.01, 0.05, 0.2):
        assert share / 1.6 < (scores > 1 - share).mean() < share * 1.6


@pytest.mark.parametrize("kinds", ["bbbbbb", "bbnxbt"])
def test_no_more_rows_of_the_model_are_flagged_than_asked(
    make_layout: MakeLayout, make_density: MakeDensity, kinds: str
) -> None:
    density = make_density(make_layout(kinds), ensemble=1)
    scores = density.anomaly_score(draw(density, 3_000))
    for share in (0.01, 0.05, 0.2):
        assert (scores > 1 - share).mean() < share * 1.6


def test_the_commonest_value_alone_is_unremarkable(
    make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    density = make_density(make_layout("bbcc"))
    for code in (0.0, 1.0):
        row = np.array([[code, np.nan, np.nan, np.nan]])
        if density.score(row)[0] > np.log(0.4):
            assert density.anomaly_score(row)[0] < 0.9


def test_nothing_observed_is_not_rare_and_far_away_is(
    make_layout: MakeLayout, make_density: MakeDensity
) -> None:
    density = make_density(make_layout("xx"))
    found = density.anomaly_score(np.array([[np.nan, np.nan], [1e5, -1e5]]))
    assert found.tolist() == pytest.approx([0.0, 1.0], abs=1e-5)


def test_both_walks_give_the_same_parameters(
    make_layout: MakeLayout, make_network: Callable[..., MADE]
) -> None:
    layout, config = make_layout("bcfxnt"), NetworkConfig(hidden=(12, 12), residual=True)
    masks = MaskSource(config, MaskConfig("sampled", "even", count=None, ensemble=1), 6, 0)
    network = sort_units(make_network(layout, config), masks.answering[0].degrees)
    generator = np.random.default_rng(0)
    orders = np.stack([generator.permutation(6) for _ in range(20)])
    values, stops = np.ones((20, 6)), generator.integers(1, 7, 20)
    compiled, walk = CpuWalk(network, layout), TorchWalk(network, layout)
    for last in (False, True):
        totals, parameters = compiled.conditionals(values, orders, stops, last)
        expected, others = walk.conditionals(values, orders, stops, last)
        np.testing.assert_allclose(totals, expected, rtol=1e-4, atol=1e-4)
        for row, (order, stop) in enumerate(zip(orders, stops, strict=True)):
            for variable in order[stop - 1 if last else 0 : stop].tolist():
                own = layout.single(variable)[2]
                own = slice(0, own.stop - own.start) if last else own
                np.testing.assert_allclose(
                    parameters[row, own], others[row, own], rtol=1e-3, atol=1e-4
                )
