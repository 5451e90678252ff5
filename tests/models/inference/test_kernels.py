"""Compiled kernels say what the heads of their kinds say."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from madeira.models.columns.base import Column
from madeira.models.columns.binary import Binary
from madeira.models.columns.kernels import KERNELS, kernel_of
from madeira.models.columns.kinds import KINDS
from madeira.models.columns.numeric import Numeric
from madeira.models.columns.support import Support
from madeira.models.schema.schema import Schema

SKEWED = np.append(np.zeros(6), np.exp(np.linspace(-3.0, 5.0, 12)))  # zero is an atom
TABLE = pa.table(
    {
        "binary": [True, False] * 9,
        "categorical": ["p", "q", "r"] * 6,
        "factorised": [*"abcdefghijklmn", *"aabf"],
        "integer": np.rint(SKEWED * 100) / 4,
        "continuous": SKEWED,
        "datetime": pa.array(np.rint(SKEWED * 1e6).astype("M8[s]")),
        "time": pa.array(np.rint(SKEWED * 100).astype("m8[s]"))
        .cast(pa.int64())
        .cast(pa.time64("us")),
        "duration": pa.array(np.rint(SKEWED * 1e6).astype("m8[s]")),
    }
)
SCHEMA = Schema.infer(TABLE, {name: name for name in TABLE.column_names})
COLUMNS = {column.kind: column for column in SCHEMA.columns}
assert all(column.one_hot for column in SCHEMA.columns if isinstance(column, Binary | Numeric))
ONE_UNIT: list[Any] = [
    replace(COLUMNS[kind], one_hot=False)  # type: ignore[call-arg]
    for kind in ("binary", "integer", "continuous")
]
CUT = [
    replace(column, support=Support(low, high, 0.01), null_outcome=low < 0)
    for column, low, high in zip(
        SCHEMA.columns[-3:], (0.0, -1.0, -np.inf), (4000.0, np.inf, 3e8), strict=True
    )
    if isinstance(column, Numeric)
]


def any_value(column: Column, data: st.DataObject) -> float:
    if column.discrete:
        return float(data.draw(st.integers(0, int(column.unknown_code or 1))))
    assert isinstance(column, Numeric)
    value = data.draw(
        st.floats(-1e7, 1e7) | st.floats(-4, 4) | st.sampled_from(column.atom_codes.tolist())
    )
    value = data.draw(st.sampled_from([*column.special_codes, value]))
    if value not in column.special_codes:
        value = min(max(value, column.support_codes[0]), column.support_codes[1])
    return float(np.rint(value)) if column.cell else value


def test_every_kind_has_a_kernel() -> None:
    assert set(KINDS) == set(COLUMNS)
    assert set(KERNELS) == {column.head_type for column in SCHEMA.columns}


@pytest.mark.parametrize("column", [*COLUMNS.values(), *ONE_UNIT, *CUT], ids=lambda one: one.kind)
@given(data=st.data())
def test_a_kernel_agrees_with_its_head(column: Column, data: st.DataObject) -> None:
    _, kernel = kernel_of(column)
    head = column.head_type([column])
    seed = data.draw(st.integers(0, 10_000))
    generator = np.random.default_rng(seed)
    scale = data.draw(st.sampled_from([0.1, 1.0, 5.0]))
    parameters = (generator.normal(size=column.outputs) * scale).astype(np.float32)
    noise = generator.random(column.noise)
    value = any_value(column, data)
    temperature = data.draw(st.sampled_from([0.3, 1.0, 4.0]))
    within_range = data.draw(st.booleans())
    # The column's constants stand behind those of another.
    constants, at = np.concatenate([[np.nan], kernel.constants(column)]), 1

    units = np.zeros(column.inputs, dtype=np.float32)
    kernel.features(value, units, constants, at)
    z = torch.tensor([[value]], dtype=torch.float64)
    expected = head.features(z, torch.ones(1, 1, dtype=torch.bool))
    np.testing.assert_allclose(units, expected[0], rtol=1e-6)

    given_parameters = torch.as_tensor(parameters)[None]
    score = kernel.log_prob(parameters.copy(), len(parameters), value, constants, at)
    exact = head.log_prob(given_parameters.double(), z)
    assert score == pytest.approx(exact.item(), rel=1e-5, abs=1e-5)

    drawn = kernel.draw(
        parameters.copy(),
        len(parameters),
        noise.copy(),
        temperature,
        within_range,
        constants,
        at,
    )
    uniforms = torch.as_tensor(noise)[None]
    exact = head.sample(given_parameters.double(), uniforms, temperature, within_range)
    assert drawn == pytest.approx(exact.item(), rel=1e-5, abs=1e-5)
