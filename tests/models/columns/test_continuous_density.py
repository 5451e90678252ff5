"""Continuous columns: densities that integrate to 1, draws that follow them."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, logsumexp

from madeira.models.arrays import Float64
from madeira.models.columns import Continuous
from madeira.models.columns.continuous import ContinuousHead
from madeira.models.columns.transform import Transform, stack, transform, untransform


def mixture(parameters: Float64) -> tuple[Float64, Float64, Float64]:
    """Weights, means and scales, (M,) each, of the units of one column, (3 M,)."""
    logits, means, raw = parameters.reshape(3, -1)
    return np.exp(logits - logsumexp(logits)), means, np.exp(7 * np.tanh(raw / 7))


def cumulative(z: Float64, parameters: Float64) -> Float64:
    """Return the distribution function of the mixture, (points,) to (points,)."""
    weights, means, scales = mixture(parameters)
    shares: Float64 = expit((z[:, None] - means) / scales) @ weights
    return shares


STRAIGHT = Transform(0.0, 1.0, 0.0, 0.0, 0.0, 1.0)  # T(z) = z


def column_of(*values: float) -> Continuous:
    """Return a column whose mixture stands on z itself."""
    column = Continuous.fit("x", pa.array(values, pa.float64()))
    return replace(column, transform=STRAIGHT, atoms=())


def bent_column(*atoms: float) -> Continuous:
    """Return a skewed column with some atoms."""
    values = np.exp(1.5 * np.random.default_rng(1).normal(size=300))
    column = Continuous.fit("x", pa.array([*values, *atoms * 30]))
    assert column.atoms == atoms
    return column


def transformed(column: Continuous, z: Float64) -> Float64:
    """T(z), (points,) to (points,)."""
    bent: Float64 = transform(torch.tensor(z)[:, None], stack([column.transform])).numpy()
    return bent[:, 0]


def test_features_are_clipped_and_zero_where_missing(device: torch.device) -> None:
    head = ContinuousHead([column_of(0.0, 1.0)] * 4).to(device)
    values = torch.tensor([[0.5, torch.nan, 1e6, -1e6]], device=device)
    units = head.features(values, ~values.isnan()).reshape(4, 4).cpu()
    assert units[:, 0].tolist() == [0.5, 0.0, 8.0, -8.0]
    steps = [np.tanh(3.0), np.tanh(1.0), np.tanh(-1.0)]
    np.testing.assert_allclose(units[:, 1:], [steps, [0] * 3, [1] * 3, [-1] * 3], rtol=1e-6)
    nothing = head.features(values, torch.zeros_like(values, dtype=torch.bool))
    assert nothing.tolist() == [[0.0] * 16]


def test_features_tell_atoms_apart(device: torch.device) -> None:
    two, none = replace(bent_column(0.0, 7.25), one_hot=False), column_of(0.0, 1.0)
    one = replace(bent_column(2.0), one_hot=False)
    head = ContinuousHead([two, none, one, replace(one, one_hot=True)]).to(device)
    zero, other = two.atom_codes[0], one.atom_codes[0]
    values = torch.tensor(
        [[zero, 0.5, torch.nan, torch.nan], [1.0, 0.5, 1.0, 1.0], [1.0, 0.5, other, other]],
        dtype=torch.float64,
        device=device,
    )
    units = head.features(values, ~values.isnan())
    assert units[:, 4:6].tolist() == [[1, 0], [0, 0], [0, 0]]
    assert units[:, 6].tolist() == [0.5] * 3
    assert units[0, 10:].tolist() == [0.0] * 11
    assert units[1:, 14].tolist() == [0, 1]  # nothing says that a value is no atom
    assert units[1:, 19:].tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("spread", [1e-6, 1e-2, 1.0, 1e5])
@pytest.mark.parametrize("seed", range(5))
def test_density_integrates_to_one_in_original_units(spread: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    column = column_of(*(3.0 + spread * generator.normal(size=50)))
    parameters = generator.normal(size=24) * np.repeat([2.0, 3.0, 4.0], 8)
    _, means, scales = mixture(parameters)
    quantiles = np.linspace(-25, 25, 3001)[:, None]  # of the standard logistic, as log-odds
    z = np.unique(means + scales * quantiles)
    x = column.shift + column.scale * z
    units = torch.tensor(parameters).expand(len(z), -1)
    log_prob = ContinuousHead([column]).log_prob(units, torch.tensor(z)[:, None])
    # Integrated over x - shift: at 3.0 float64 cannot tell points 1e-9 of a spread of 1e-6 apart.
    assert np.trapezoid(log_prob[:, 0].exp().numpy(), x - column.shift) == pytest.approx(
        1, abs=2e-3
    )


def test_density_is_the_derivative_of_the_distribution_function() -> None:
    generator = np.random.default_rng(0)
    column = column_of(10.0, 30.0)
    parameters = generator.normal(size=24)
    z = np.linspace(-6, 6, 101)
    step = 1e-5
    slope = (cumulative(z + step, parameters) - cumulative(z - step, parameters)) / (2 * step)
    units = torch.tensor(parameters).expand(101, -1)
    log_prob = ContinuousHead([column]).log_prob(units, torch.tensor(z)[:, None])
    np.testing.assert_allclose(log_prob[:, 0].exp(), slope / column.scale, rtol=1e-6)


@pytest.mark.parametrize("atoms", [(), (0.0,), (-5.0, 0.0, 7.25)], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_density_and_atoms_together_are_one(atoms: tuple[float, ...], seed: int) -> None:
    generator = np.random.default_rng(seed)
    column = bent_column(*atoms)
    parameters = generator.normal(size=column.outputs)
    _, means, scales = mixture(parameters[:24])
    line = np.unique(means + scales * np.linspace(-25, 25, 4001)[:, None])
    numbers = stack([column.transform])
    z = untransform(torch.tensor(line)[:, None], numbers).numpy()[:, 0]
    z = np.append(z[~np.isin(z, column.atom_codes)], column.atom_codes)
    units = torch.tensor(parameters).expand(len(z), -1)
    log_prob = ContinuousHead([column]).log_prob(units, torch.tensor(z)[:, None])
    mass = log_prob[:, 0].exp().numpy()
    smooth = slice(0, len(z) - len(atoms))
    density = np.trapezoid(mass[smooth], column.scale * z[smooth])
    assert density + mass[smooth.stop :].sum() == pytest.approx(1, abs=2e-3)


def test_a_value_beside_an_atom_has_a_density() -> None:
    column = bent_column(0.0, 7.25)
    z = column.encode(pa.array([7.25, 7.25 + 1e-9, 7.25 + 1e-3]))
    units = torch.zeros(3, 26, dtype=torch.float64)
    atom, near, beside = ContinuousHead([column]).log_prob(units, torch.tensor(z)[:, None])[:, 0]
    assert atom.exp() == pytest.approx(1 / 10)
    assert near == pytest.approx(beside.item(), abs=1e-3)


def test_draws_hit_atoms_exactly_and_as_often_as_scored(device: torch.device) -> None:
    columns = [column_of(1.0, 2.0), bent_column(0.0, 7.25), bent_column(0.0)]
    head = ContinuousHead(columns).to(device)
    generator = torch.Generator().manual_seed(0)
    parameters = torch.randn(1, head.outputs, generator=generator, dtype=torch.float64)
    noise = torch.rand(20_000, head.noise, generator=generator, dtype=torch.float64)
    units = parameters.expand(len(noise), -1).to(device)
    draws = head.sample(units, noise.to(device))
    for place, value in [(1, 0.0), (1, 7.25), (2, 0.0)]:
        codes = torch.zeros(1, 3, dtype=torch.float64)
        codes[0, place] = columns[place].encode(pa.array([value])).item()
        chance = head.log_prob(units[:1], codes.to(device))[0, place].exp().item()
        hits = int((draws[:, place].cpu() == codes[0, place]).sum())
        assert stats.binomtest(hits, len(noise), chance).pvalue > 1e-3
        assert columns[place].decode(codes[:, place].numpy()).to_pylist() == [value]
    shares = cumulative(
        transformed(columns[2], draws[:, 2].cpu().numpy()), parameters[0, 50:74].numpy()
    )
    smooth = ~np.isin(draws[:, 2].cpu().numpy(), columns[2].atom_codes)
    assert stats.kstest(shares[smooth], "uniform").pvalue > 1e-3


def test_float32_agrees_with_float64(device: torch.device) -> None:
    head = ContinuousHead([column_of(0.0, 1.0)] * 5).to(device)
    parameters = torch.randn(100, 120, dtype=torch.float64, device=device) * 2
    values = torch.randn(100, 5, dtype=torch.float64, device=device) * 3
    exact = head.log_prob(parameters, values)
    rounded = head.log_prob(parameters.float(), values.float())
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded.double(), exact, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_parameters_are_evaluated_in_float32(dtype: torch.dtype) -> None:
    head = ContinuousHead([column_of(0.0, 1.0)])
    log_prob = head.log_prob(torch.zeros(1, 24, dtype=dtype), torch.tensor([[1e6]]))
    assert log_prob.dtype == torch.float32
    assert log_prob.isfinite().all()


@given(
    size=st.sampled_from([0.1, 1.0, 10.0, 100.0, 1e4]),
    value=st.sampled_from([0.0, -1e-6, 3.0, -8.0, 1e3, -1e6, 1e6, float("nan")]),
    seed=st.integers(0, 9),
)
def test_log_densities_and_gradients_of_extremes_are_finite(
    size: float, value: float, seed: int
) -> None:
    head = ContinuousHead([column_of(0.0, 1.0)])
    generator = torch.Generator().manual_seed(seed)
    parameters = (torch.randn(4, 24, generator=generator) * size).requires_grad_()
    log_prob = head.log_prob(parameters, torch.full((4, 1), value))
    (gradient,) = torch.autograd.grad(log_prob.sum(), parameters)
    assert log_prob.isfinite().all()
    assert gradient.isfinite().all()


def test_density_of_a_spike_is_bounded() -> None:
    column = column_of(0.0, 1.0)
    parameters = torch.cat([torch.zeros(16), torch.full((8,), -1e9)])[None]
    peak = ContinuousHead([column]).log_prob(parameters, torch.zeros(1, 1)).item()
    assert peak == pytest.approx(7 - np.log(4) - np.log(column.scale), abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_draws_follow_the_distribution_function(seed: int, device: torch.device) -> None:
    generator = torch.Generator().manual_seed(seed)
    parameters = torch.randn(1, 48, generator=generator, dtype=torch.float64) * 1.5
    noise = torch.rand(5_000, 4, generator=generator, dtype=torch.float64).to(device)
    head = ContinuousHead([column_of(0.0, 1.0), column_of(5.0, 7.0)]).to(device)
    draws = head.sample(parameters.expand(5_000, -1).to(device), noise).cpu().numpy()
    for place in (0, 1):
        shares = cumulative(draws[:, place], parameters[0, 24 * place :][:24].numpy())
        assert stats.kstest(shares, "uniform").pvalue > 1e-3


def test_draws_rise_with_the_second_uniform_and_keep_the_dtype_of_the_noise() -> None:
    head = ContinuousHead([column_of(0.0, 1.0)])
    which = torch.full((99,), 0.4, dtype=torch.float64)
    where = torch.linspace(1e-300, 1 - 2**-53, 99, dtype=torch.float64)
    draws = head.sample(torch.randn(1, 24).expand(99, -1), torch.stack([which, where], 1))
    assert draws.dtype == torch.float64
    assert (draws.diff(dim=0) > 0).all()
    assert draws.isfinite().all()


def test_draws_at_the_edge_of_float32_are_finite() -> None:
    head = ContinuousHead([column_of(0.0, 1.0)])
    noise = torch.tensor([[0.5, 1e-45], [1.0, 1.0], [1e-45, 1 - 2**-24]])
    assert head.sample(torch.full((3, 24), 9.0), noise).isfinite().all()


def test_cold_draws_are_the_mean_of_the_likeliest_component() -> None:
    head = ContinuousHead([column_of(0.0, 1.0)])
    parameters = torch.zeros(1, 24)
    parameters[0, 3] = 5.0
    parameters[0, 8 + 3] = -2.0
    noise = torch.tensor([[0.99, 0.9]])
    assert head.sample(parameters, noise, 1e-6).item() == pytest.approx(-2, abs=1e-4)


def test_temperature_widens_the_logistics() -> None:
    head = ContinuousHead([column_of(0.0, 1.0)])
    noise = torch.tensor([[0.99, 0.9], [0.99, 0.1]])
    high, low = head.sample(torch.zeros(2, 24), noise, 2.0)[:, 0].tolist()
    assert high - low == pytest.approx(2 * 2 * np.log(9), rel=1e-4)


NORMAL = np.random.default_rng(0).normal(size=3000)
MARGINALS = {
    "normal": 5 + 2 * NORMAL,
    "uniform": stats.norm.cdf(NORMAL),
    "log-normal": np.exp(NORMAL),
    "two peaks": np.append(NORMAL[:1000] / 10, NORMAL[1000:] + 9),
}


@pytest.mark.parametrize("values", MARGINALS.values(), ids=MARGINALS.keys())
def test_initial_mixture_follows_the_marginal(values: Float64) -> None:
    column = Continuous.fit("x", pa.array(values))
    codes = column.encode(pa.array(values))
    parameters = column.initial_parameters(np.append(codes, np.nan))
    shares = cumulative(transformed(column, codes), parameters)
    assert stats.kstest(shares, "uniform").statistic < 0.03


@pytest.mark.parametrize(
    "codes", [[np.nan], [0.0], [0.0] * 99 + [9.9], [-1.0, 1.0] * 20, [1e6, -1e6]], ids=str
)
def test_initial_parameters_of_awkward_columns_are_finite(codes: list[float]) -> None:
    parameters = column_of(0.0, 1.0).initial_parameters(np.array(codes))
    assert parameters.shape == (24,)
    assert np.isfinite(parameters).all()


def test_initial_parameters_give_atoms_their_share() -> None:
    values = np.append(np.zeros(900), np.random.default_rng(0).lognormal(size=100))
    column = Continuous.fit("x", pa.array(values))
    codes = column.encode(pa.array(values))
    units = torch.tensor(column.initial_parameters(codes))[None]
    zero = torch.tensor(column.atom_codes)[None]
    assert ContinuousHead([column]).log_prob(units, zero).exp().item() == pytest.approx(
        0.9, rel=1e-3
    )
