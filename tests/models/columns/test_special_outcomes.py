"""Outcomes of numeric columns that are no number: null, and what lies outside the support."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from madeira.models.arrays import Float64
from madeira.models.columns import Continuous, Datetime, Integer
from madeira.models.columns.numeric import NULL_CODE, OUTSIDE_CODE, SCALAR_UNITS, Numeric
from madeira.models.columns.support import Support
from madeira.models.columns.transform import stack, untransform
from madeira.models.errors import SchemaError
from madeira.models.schema.schema import Schema
from madeira.models.values.json_record import Record

GENERATOR = np.random.default_rng(0)
AMOUNTS = np.append(GENERATOR.lognormal(size=400), np.zeros(60))
SUPPORTS = {
    "everywhere": Support(),
    "both": Support(0.0, 90.0, 0.01),
    "low": Support(low=0.0, outside_mass=0.01),
    "high": Support(high=90.0, outside_mass=0.01),
}


def columns(support: str, null: bool = True) -> list[Numeric]:
    fitted: list[Numeric] = [
        Continuous.fit("real", pa.array(AMOUNTS)),
        Integer.fit("whole", pa.array(np.rint(AMOUNTS * 4))),
    ]
    return [replace(c, support=SUPPORTS[support], null_outcome=null) for c in fitted]


def parameters(column: Numeric, rows: int, seed: int = 0, size: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    units = torch.randn(1, column.outputs, generator=generator, dtype=torch.float64) * size
    return units.expand(rows, -1)


def masses(column: Numeric, units: torch.Tensor, codes: Float64) -> Float64:
    head = column.head_type([column])
    values = torch.tensor(codes)[:, None]
    return np.asarray(head.log_prob(units[:1].expand(len(codes), -1), values)[:, 0].exp())


def in_all(column: Numeric, units: torch.Tensor) -> float:
    """Mass of all numbers of the support, on a grid or by quadrature, and of what is no number."""
    low, high = (max(min(end, 4e4), -4e4) for end in column.support_codes)
    if column.cell:
        numbers = masses(column, units, np.arange(low, high + 1)).sum()
    else:
        first, last = column.support_points
        points = np.linspace(max(first, -60.0), min(last, 60.0), 200_001)[1:-1]
        codes = untransform(torch.tensor(points)[:, None], stack([column.transform]))
        grid = column.values_of(codes[:, 0].numpy())
        steps = np.diff(grid)
        density = masses(column, units, column.codes(grid))
        numbers = ((density[1:] + density[:-1]) / 2 * steps).sum()
        numbers += masses(column, units, column.atom_codes).sum()
    return float(numbers + masses(column, units, np.array(column.special_codes)).sum())


@pytest.mark.parametrize("support", ["both", "low", "high"])
@pytest.mark.parametrize("seed", range(4))
def test_masses_in_the_support_and_of_what_is_no_number_are_one(support: str, seed: int) -> None:
    for column in columns(support):
        units = parameters(column, 1, seed).clone()
        units[:, 16:24] -= 1.0
        assert in_all(column, units) == pytest.approx(1.0, abs=2e-3), column.name


@pytest.mark.parametrize("mean", [-80.0, -3.0, 3.0, 80.0])
def test_a_logistic_far_outside_is_an_exponential_inside(mean: float) -> None:
    for column in columns("both"):
        units = parameters(column, 1).clone()
        units[:, 8:16], units[:, 16:24] = mean, -0.5
        assert in_all(column, units) == pytest.approx(1.0, abs=2e-3), column.name


def test_values_become_codes_and_codes_become_values() -> None:
    for column in columns("both"):
        values = [0.0, 90.0, -0.6, 1e300, -1e300, None]
        codes = column.encode(pa.array(values, pa.float64()))
        assert codes[2:].tolist() == [OUTSIDE_CODE] * 3 + [NULL_CODE]
        assert column.is_code(codes).all()
        assert not column.is_code(column.codes(np.array([-0.6, 91.0, np.nan]))).any()
        assert column.decode(codes).to_pylist() == pytest.approx([0.0, 90.0, *[None] * 4])
        read = column.cell_encoder()
        assert [read(value) for value in values[:3]] == codes[:3].tolist()
        assert column.unknown_code == OUTSIDE_CODE
        assert column.unknown_rate == 0.01
    for column in columns("everywhere", null=False):
        codes = column.encode(pa.array([-1e300, None]))
        assert column.special_codes == ()
        assert column.unknown_code is None
        assert np.isnan(codes[1])


def test_features_of_what_is_no_number_are_its_atom_alone() -> None:
    for column in columns("both"):
        head = column.head_type([column])
        values = torch.tensor([[NULL_CODE], [OUTSIDE_CODE], [0.0]], dtype=torch.float64)
        units = head.features(values, torch.ones(3, 1, dtype=torch.bool))
        assert units.shape == (3, column.inputs)
        assert units[0].nonzero().flatten().tolist() == [SCALAR_UNITS + len(column.atoms)]
        assert units[1].nonzero().flatten().tolist() == [SCALAR_UNITS + len(column.atoms) + 1]
        assert not units[2, SCALAR_UNITS + len(column.atoms) :][:2].any()


def test_null_is_drawn_as_often_as_scored_and_outside_never() -> None:
    rows = 40_000
    noise = torch.rand(rows, 2, generator=torch.Generator().manual_seed(4)).double()
    for column in columns("both"):
        units = parameters(column, rows)
        null, outside = masses(column, units, np.array([NULL_CODE, OUTSIDE_CODE]))
        head = column.head_type([column])
        for within_range in (False, True):
            drawn = head.sample(units, noise, within_range=within_range)[:, 0].numpy()
            assert column.is_code(drawn).all()
            assert not (drawn == OUTSIDE_CODE).any()
            if not within_range:
                share = (drawn == NULL_CODE).mean()
                assert share == pytest.approx(null / (1 - outside), abs=0.01)
            values = column.encode(column.decode(drawn))
            assert not (values == OUTSIDE_CODE).any()


def test_first_units_give_what_is_no_number_its_share() -> None:
    for column in columns("both"):
        table = pa.array([*np.rint(AMOUNTS), *[None] * 140])
        codes = column.encode(table)
        units = torch.tensor(column.initial_parameters(codes))[None]
        null, outside = masses(column, units, np.array([NULL_CODE, OUTSIDE_CODE]))
        assert null == pytest.approx(140 / 600, abs=0.01)
        assert outside == pytest.approx(max(0.01, (codes == OUTSIDE_CODE).mean()), rel=0.05)
        raised = column.outcomes(codes)
        assert (raised[codes == NULL_CODE].argmax(1) == column.outputs - 2).all()


@pytest.mark.parametrize("size", [0.1, 10.0, 1e4])
@pytest.mark.parametrize("support", SUPPORTS)
def test_log_masses_and_gradients_are_finite(support: str, size: float) -> None:
    for column in columns(support):
        head = column.head_type([column, columns("everywhere", null=False)[column.cell > 0]])
        generator = torch.Generator().manual_seed(1)
        units = (torch.randn(6, head.outputs, generator=generator) * size).requires_grad_()
        codes = column.encode(pa.array([0.0, 90.0, 45.5, -3.0, None, 1e200]))
        values = torch.tensor(codes)[:, None].expand(-1, 2).clone()
        values[:, 1] = 0.3
        log_prob = head.log_prob(units, values)
        (gradient,) = torch.autograd.grad(log_prob.sum(), units)
        assert log_prob.isfinite().all()
        assert gradient.isfinite().all()


def test_a_schema_keeps_support_and_meaning_of_null() -> None:
    instants = np.arange(40).astype("M8[D]").astype("M8[s]")
    when = replace(Datetime.fit("when", pa.array(instants)), support=Support(0.0, 1e7, 0.1))
    for column in [*columns("low"), when]:
        content = column.to_json()
        assert type(column).from_json(Record.of("c", content)) == column
        old = {
            name: value
            for name, value in content.items()
            if name not in ("low", "high", "outside_mass", "null")
        }
        before = type(column).from_json(Record.of("c", old))
        assert before == replace(column, support=Support(), null_outcome=False)
    for wrong in ({"low": 3, "high": 3}, {"null": "nothing"}, {"low": "three"}):
        with pytest.raises(SchemaError):
            Integer.from_json(Record.of("c", columns("both")[1].to_json() | wrong))


def test_a_schema_with_such_outcomes_encodes_and_decodes_tables() -> None:
    schema = Schema(tuple(columns("both")))
    codes = schema.encode(pa.table({"real": [1.5, None, -1.0], "whole": [None, 7, 400]}))
    assert codes.tolist()[1][0] == codes.tolist()[0][1] == NULL_CODE
    decoded = schema.decode(codes)
    assert decoded["real"].to_pylist() == pytest.approx([1.5, None, None])
    assert decoded["whole"].to_pylist() == pytest.approx([None, 7, None])
