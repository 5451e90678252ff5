"""Draws within the range: the part of the distribution that lies there, to its ends."""

import math

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from madeira.models.columns import Continuous, Datetime, Integer
from madeira.models.columns.numeric import Numeric
from madeira.models.columns.truncation import log_mass_between, quantile_between
from madeira.models.values.json_record import Record
from madeira.models.values.numbers import to_numbers

ends = st.floats(-40, 40)


@given(low=ends, width=st.floats(1e-3, 60), uniform=st.floats(1e-9, 1 - 1e-9))
def test_mass_and_quantiles_are_those_of_the_logistic(
    low: float, width: float, uniform: float
) -> None:
    side = -1 if low + width / 2 > 0 else 1  # on the left SciPy has digits left
    a, b = sorted((side * low, side * (low + width)))
    p, q = stats.logistic.cdf([a, b])
    low_end, high_end, u = (torch.tensor(x, dtype=torch.float64) for x in (a, b, uniform))
    assert log_mass_between(low_end, high_end).item() == pytest.approx(math.log(q - p), rel=1e-6)
    mirrored = log_mass_between(-high_end, -low_end)
    assert mirrored.item() == pytest.approx(math.log(q - p), rel=1e-6)
    expected = stats.logistic.ppf(p + uniform * (q - p))
    drawn = quantile_between(low_end, high_end, u).item()
    assert drawn == pytest.approx(expected, rel=1e-6, abs=1e-6)
    mirrored = -quantile_between(-high_end, -low_end, 1 - u)
    assert mirrored.item() == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(side=st.sampled_from([-1, 1]), low=st.floats(1e3, 1e9), width=st.floats(1e-6, 1e3))
def test_far_tails_keep_a_finite_mass_and_quantiles_inside(
    side: int, low: float, width: float
) -> None:
    a, b = sorted((side * low, side * (low + width)))
    low_end, high_end = torch.tensor([a]).double(), torch.tensor([b]).double()
    assert torch.isfinite(log_mass_between(low_end, high_end)).all()
    uniforms = torch.linspace(0.001, 0.999, 9).double()
    drawn = quantile_between(low_end.expand(9), high_end.expand(9), uniforms)
    assert ((drawn >= a - 1e-6 * abs(a)) & (drawn <= b + 1e-6 * abs(b))).all()


def _columns() -> list[Numeric]:
    generator = np.random.default_rng(0)
    skewed = np.append(generator.lognormal(size=300), np.zeros(60))
    instants = (generator.random(300) * 1e6 + 1.6e9).astype("M8[s]")
    return [
        Integer.fit("whole", pa.array(generator.integers(3, 17, 400))),
        Integer.fit("cents", pa.array(skewed.round(2))),
        Continuous.fit("real", pa.array(skewed)),
        Continuous.fit("narrow", pa.array(1e6 + generator.random(300))),
        Continuous.fit("float32", pa.array(skewed.astype(np.float32))),
        Datetime.fit("when", pa.array(instants)),
        Datetime.fit("day", pa.array(instants.astype("M8[D]"))),
    ]


@pytest.mark.parametrize("column", _columns(), ids=lambda column: column.name)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_draws_lie_within_the_range_whatever_the_parameters(
    column: Numeric, temperature: float, device: torch.device
) -> None:
    head = column.head_type([column]).to(device)
    generator = np.random.default_rng(1)
    rows = 4000
    parameters = torch.tensor(generator.normal(size=(rows, column.outputs)) * 6, device=device)
    noise = torch.tensor(generator.random((rows, 2)), device=device)
    free = head.sample(parameters, noise, temperature)[:, 0].cpu().numpy()
    drawn = head.sample(parameters, noise, temperature, within_range=True)[:, 0].cpu().numpy()
    amounts, unbound = column.values_of(drawn), column.values_of(free)
    assert ((unbound < column.minimum) | (unbound > column.maximum)).mean() > 0.1
    assert amounts.min() >= column.minimum
    assert amounts.max() <= column.maximum
    if column.kind != "datetime":
        decoded = to_numbers("", column.decode(drawn), column.arrow_type)
        assert column.minimum <= decoded.min() <= decoded.max() <= column.maximum


def test_masses_within_the_range_are_shares_of_the_whole() -> None:
    column = Integer.fit("c", pa.array([*range(12), *[4] * 30]))
    head = column.head_type([column])
    parameters = torch.randn(1, column.outputs, generator=torch.Generator().manual_seed(3)).double()
    codes = torch.tensor(column.codes(np.arange(12.0)))
    masses = head.log_prob(parameters.expand(12, -1), codes[:, None])[:, 0].exp().numpy()
    assert masses.sum() < 0.9
    rows = 200_000
    noise = torch.rand(rows, 2, generator=torch.Generator().manual_seed(4)).double()
    drawn = head.sample(parameters.expand(rows, -1), noise, within_range=True)[:, 0]
    counts = [(drawn == code).sum().item() for code in codes]
    assert sum(counts) == rows
    assert stats.chisquare(counts, masses / masses.sum() * rows).pvalue > 1e-4


def test_densities_within_the_range_are_shares_of_the_whole() -> None:
    values = np.append(np.linspace(-1, 2, 80), np.zeros(10))
    column = Continuous.fit("c", pa.array(values))
    assert column.atoms == (0.0,)
    head = column.head_type([column])
    parameters = torch.randn(1, column.outputs, generator=torch.Generator().manual_seed(3)).double()
    grid = np.linspace(-1, 2, 20_001)
    codes = torch.tensor(column.codes(grid + 1e-7))[:, None]
    density = head.log_prob(parameters.expand(len(grid), -1), codes)[:, 0].exp().numpy()
    smooth = np.append(0, (density[1:] + density[:-1]) / 2 * (grid[1] - grid[0])).cumsum()
    at_atom = head.log_prob(parameters, torch.tensor(column.codes(np.zeros(1)))[:, None])
    atom = at_atom.exp().item()
    rows = 100_000
    noise = torch.rand(rows, 2, generator=torch.Generator().manual_seed(4)).double()
    drawn = head.sample(parameters.expand(rows, -1), noise, within_range=True)[:, 0]
    amounts = column.values_of(drawn.numpy())
    hits = drawn == column.atom_codes[0]
    share = atom / (atom + smooth[-1])
    assert hits.double().mean().item() == pytest.approx(share, abs=5 * (share / rows) ** 0.5)
    elsewhere = amounts[~hits.numpy()]
    test = stats.kstest(elsewhere, lambda x: np.interp(x, grid, smooth / smooth[-1]))
    assert test.pvalue > 1e-4


def test_atoms_that_a_person_put_beyond_the_range_are_not_drawn() -> None:
    column = Integer.fit("c", pa.array([*range(12), *[4] * 30]))
    content = column.to_json() | {"minimum": 6}
    edited = Integer.from_json(Record.of("c", content))
    head = edited.head_type([edited])
    rows = 2000
    noise = torch.rand(rows, 2, generator=torch.Generator().manual_seed(4)).double()
    parameters = torch.zeros(rows, edited.outputs, dtype=torch.float64)
    drawn = edited.values_of(head.sample(parameters, noise, within_range=True)[:, 0].numpy())
    assert drawn.min() == 6
    assert drawn.max() == 11


def test_a_range_of_one_value_gives_that_value() -> None:
    column = Continuous.fit("c", pa.array([2.5, 2.5]))
    head = column.head_type([column])
    noise = torch.rand(50, 2, generator=torch.Generator().manual_seed(4)).double()
    drawn = head.sample(torch.zeros(50, column.outputs).double(), noise, within_range=True)
    assert set(column.decode(drawn[:, 0].numpy()).to_pylist()) == {2.5}
