"""Integer columns: masses that sum to 1, draws that follow them."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from madeira.models.arrays import Float64
from madeira.models.columns import Integer
from madeira.models.columns.integer import IntegerHead

GENERATOR = np.random.default_rng(0)
ZEROS = np.append(np.zeros(920), np.rint(GENERATOR.lognormal(8, 1, 80)))
HOURS = np.append(np.rint(GENERATOR.normal(40, 12, 500)).clip(1, 99), [40] * 500)
COLUMNS = {
    "ages": GENERATOR.integers(17, 90, 500),
    "zeros": ZEROS,
    "hours": HOURS,
    "cents": np.rint(GENERATOR.lognormal(3, 1, 500) * 100) / 100,
    "counts": GENERATOR.poisson(2, 500),
    "cap": np.minimum(np.rint(GENERATOR.lognormal(4, 1, 500)), 90),
    "two": np.array([0, 5] * 50),
}


def fit(name: str) -> Integer:
    return Integer.fit(name, pa.array(COLUMNS[name]))


def masses(column: Integer, parameters: Float64, codes: Float64) -> Float64:
    """Probabilities of codes, (codes,), by the head in float64."""
    units = torch.tensor(parameters).expand(len(codes), -1)
    values = torch.tensor(codes, dtype=torch.float64)[:, None]
    mass: Float64 = IntegerHead([column]).log_prob(units, values)[:, 0].exp().numpy()
    return mass


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("seed", range(3))
def test_masses_of_the_whole_grid_sum_to_one(name: str, seed: int) -> None:
    column = fit(name)
    parameters = np.random.default_rng(seed).normal(size=column.outputs)
    parameters[16:24] -= 2.0  # logistics of 1/7 of a deviation, so that the sum is finite
    total = masses(column, parameters, np.arange(-200_000.0, 200_000.0)).sum()
    assert total == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", COLUMNS)
def test_initial_parameters_reproduce_the_marginal(name: str) -> None:
    column = fit(name)
    codes = column.encode(pa.array(COLUMNS[name]))
    distinct, counts = np.unique(codes, return_counts=True)
    parameters = column.initial_parameters(np.append(codes, np.nan))
    assert np.isfinite(parameters).all()
    mass = masses(column, parameters, distinct)
    shares = counts / len(codes)
    for atom in column.atom_codes:
        assert mass[distinct == atom] == pytest.approx(shares[distinct == atom], abs=0.015)
    cumulated = np.abs(mass_below(column, parameters, distinct) - shares.cumsum())
    assert cumulated.max() < 0.04


def mass_below(column: Integer, parameters: Float64, codes: Float64) -> Float64:
    """Distribution function at codes, (codes,), by summation over the grid."""
    grid = np.arange(codes.min() - 20_000, codes.max() + 1)
    sums = masses(column, parameters, grid).cumsum()
    below: Float64 = sums[np.searchsorted(grid, codes)]
    return below


@pytest.mark.parametrize("name", COLUMNS)
def test_draws_follow_the_masses_and_stay_on_the_grid(name: str, device: torch.device) -> None:
    column = fit(name)
    head = IntegerHead([column, fit("hours")]).to(device)
    generator = torch.Generator().manual_seed(1)
    parameters = torch.randn(1, head.outputs, generator=generator, dtype=torch.float64)
    noise = torch.rand(20_000, 4, generator=generator, dtype=torch.float64)
    units = parameters.expand(20_000, -1).to(device)
    draws = head.sample(units, noise.to(device))[:, 0].cpu().numpy()
    assert (draws == np.rint(draws)).all()
    others = head.sample(units, noise.flip(0).roll(1, 1).to(device))[:, 0].cpu().numpy()
    edges = np.unique(np.quantile(others, np.linspace(0.01, 0.99, 40)))
    observed = np.histogram(draws, edges)[0]
    grid = np.arange(np.floor(edges[0]), edges[-1] + 1)
    mass = masses(column, parameters[0, : column.outputs].numpy(), grid)
    expected = np.histogram(grid, edges, weights=mass)[0]
    observed = np.append(observed, len(draws) - observed.sum())
    expected = np.append(expected, 1 - expected.sum()) * len(draws)
    assert stats.chisquare(observed, expected).pvalue > 1e-3


def test_zeros_come_back_as_often_as_they_were() -> None:
    column = fit("zeros")
    codes = column.encode(pa.array(ZEROS))
    parameters = torch.tensor(column.initial_parameters(codes)).expand(50_000, -1)
    noise = torch.rand(50_000, 2, dtype=torch.float64)
    drawn = column.decode(IntegerHead([column]).sample(parameters, noise)[:, 0].numpy()).to_numpy()
    assert (drawn == 0).mean() == pytest.approx(0.92, abs=0.004)
    assert ((drawn != 0) & (np.abs(drawn) < 20)).mean() < 0.004


@pytest.mark.parametrize("name", COLUMNS)
def test_float32_agrees_with_float64(name: str, device: torch.device) -> None:
    column = fit(name)
    head = IntegerHead([column] * 3).to(device)
    generator = torch.Generator().manual_seed(0)
    parameters = torch.randn(200, head.outputs, generator=generator, dtype=torch.float64)
    noise = torch.rand(200, head.noise, generator=generator, dtype=torch.float64)
    parameters, noise = parameters.to(device), noise.to(device)
    values = head.sample(parameters, noise)
    exact = head.log_prob(parameters, values)
    rounded = head.log_prob(parameters.float(), values.float())
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded.double(), exact, rtol=1e-3, atol=2e-3)


@given(
    name=st.sampled_from(sorted(COLUMNS)),
    size=st.sampled_from([0.1, 1.0, 10.0, 100.0, 1e4]),
    value=st.sampled_from([0.0, 1.0, -8.0, 1e6, -1e12, 2.0**53, -(2.0**70), 2.0**100, np.nan]),
    seed=st.integers(0, 9),
)
def test_log_masses_and_gradients_of_extremes_are_finite(
    name: str, size: float, value: float, seed: int
) -> None:
    head = IntegerHead([fit(name)])
    generator = torch.Generator().manual_seed(seed)
    parameters = (torch.randn(4, head.outputs, generator=generator) * size).requires_grad_()
    log_prob = head.log_prob(parameters, torch.full((4, 1), value))
    (gradient,) = torch.autograd.grad(log_prob.sum(), parameters)
    assert log_prob.isfinite().all()
    assert (log_prob <= 1e-5).all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("value", [1.7e308, -1.7e308, 1e12, 5e-324])
def test_every_finite_number_has_a_finite_mass(value: float) -> None:
    column = Integer.fit("n", pa.array([0.0, 1.0, 7.0]))
    code = torch.tensor(column.encode(pa.array([value])), dtype=torch.float32)
    assert IntegerHead([column]).log_prob(torch.zeros(1, 24), code[None]).isfinite().all()


def test_the_finest_cells_have_their_width() -> None:
    """A grid of a billion points: the ends of a cell are equal in float32."""
    column = Integer.fit("n", pa.array(np.random.default_rng(0).integers(0, 10**9, 400)))
    parameters = np.random.default_rng(1).normal(size=(1, column.outputs))
    codes = np.linspace(-1e8, 1e8, 2001)[:, None].round()
    units = torch.tensor(parameters, dtype=torch.float32).expand(2001, -1)
    log_prob = IntegerHead([column]).log_prob(units, torch.tensor(codes, dtype=torch.float32))
    exact = IntegerHead([column]).log_prob(units.double(), torch.tensor(codes))
    torch.testing.assert_close(log_prob.double(), exact, rtol=1e-3, atol=1e-3)
    assert log_prob.diff(dim=0).abs().max() < 0.1


def test_features_give_place_and_atom(device: torch.device) -> None:
    head = IntegerHead([fit("hours"), fit("ages"), fit("zeros")]).to(device)
    hours = fit("hours").encode(pa.array([40, 41, None])).tolist()
    zeros = fit("zeros").encode(pa.array([1234, 0, None])).tolist()
    values = torch.tensor([hours, [1.0, 1e9, 0.0], zeros], device=device).T
    units = head.features(values, ~values.isnan())
    at_40, at_zero = fit("hours").atoms.index(40.0) + 4, fit("zeros").atoms.index(0.0)
    assert units.shape == (3, head.inputs)
    assert units[:, at_40].tolist() == [1.0, 0.0, 0.0]
    last = fit("zeros").inputs - 4
    assert units[:, head.inputs - last + at_zero].tolist() == [0.0, 1.0, 0.0]
    assert units.abs().max() <= 8
    assert not units[2, : fit("hours").inputs].any()


def test_cold_draws_are_the_likeliest_outcome() -> None:
    column = fit("zeros")
    head = IntegerHead([column])
    parameters = torch.zeros(1, column.outputs)
    parameters[0, 24 + column.atoms.index(0.0)] = 1.0
    noise = torch.tensor([[0.99, 0.9]])
    assert column.decode(head.sample(parameters, noise, 1e-6)[:, 0].numpy()).to_pylist() == [0.0]
