"""Binary columns: two values, one logit."""

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from madeira.models.columns import Binary
from madeira.models.columns.binary import BinaryHead
from madeira.models.errors import SchemaError, TableError
from madeira.models.schema.schema import Schema

PAIRS: list[tuple[list[Any], pa.DataType]] = [
    ([False, True], pa.bool_()),
    ([0, 1], pa.int8()),
    ([3, 7], pa.uint64()),
    ([2**60, 2**60 + 1], pa.int64()),
    ([0.1, 0.2], pa.float32()),
    ([0.1, 0.2], pa.float16()),
    (["no", "yes"], pa.string()),
    (["no", "yes"], pa.large_string()),
    (["no", "yes"], pa.dictionary(pa.int8(), pa.string())),
    ([dt.date(2020, 1, 1), dt.date(2020, 1, 2)], pa.date32()),
]


@pytest.fixture
def head(device: torch.device) -> BinaryHead:
    columns = [Binary.fit(name, pa.array([False, True])) for name in "abc"]
    return BinaryHead(columns).to(device)


@pytest.mark.parametrize(("pair", "arrow_type"), PAIRS, ids=str)
def test_values_of_every_type_come_back(pair: list[Any], arrow_type: pa.DataType) -> None:
    array = pa.array([pair[1], None, pair[0], pair[1]]).cast(arrow_type)
    column = Binary.fit("b", array)
    codes = column.encode(pa.chunked_array([array]))
    np.testing.assert_array_equal(codes[1:], [np.nan, *(1 - codes[:1]), *codes[:1]])
    assert column.decode(codes).equals(array)
    assert column.decode(codes).type == arrow_type


def test_codes_follow_the_order_of_the_values() -> None:
    assert Binary.fit("b", pa.array(["yes", "no"])).vocabulary.values == ("no", "yes")
    assert Binary.fit("b", pa.array([True, False])).vocabulary.values == (False, True)


@pytest.mark.parametrize("values", [["a"], ["a", "b", "c"], [None]])
def test_other_than_two_values_are_refused_at_fit(values: list[str | None]) -> None:
    with pytest.raises(SchemaError, match="'b'"):
        Binary.fit("b", pa.array(values, pa.string()))


def test_a_third_value_is_refused_with_its_row() -> None:
    column = Binary.fit("smoker", pa.array(["no", "yes"]))
    with pytest.raises(TableError) as caught:
        column.encode(pa.array(["no", None, "maybe", "yes", "never"]))
    assert [str(cell) for cell in caught.value.cells] == [
        "row 2, column 'smoker': expected 'no' or 'yes', got 'maybe'",
        "row 4, column 'smoker': expected 'no' or 'yes', got 'never'",
    ]


def test_features_are_the_codes_and_zero_where_missing(
    head: BinaryHead, device: torch.device
) -> None:
    values = torch.tensor([[1.0, torch.nan, 0.0]], device=device)
    assert head.features(values, ~values.isnan()).tolist() == [[1.0, 0.0, 0.0]]
    assert head.features(values, torch.zeros_like(values, dtype=torch.bool)).tolist() == [[0.0] * 3]


def test_each_value_may_have_an_input_unit(device: torch.device) -> None:
    columns = [replace(Binary.fit(name, pa.array([False, True])), one_hot=True) for name in "ab"]
    two = BinaryHead(columns).to(device)
    values = torch.tensor([[1.0, 0.0], [torch.nan, 1.0]], device=device)
    assert two.features(values, ~values.isnan()).tolist() == [[0, 1, 1, 0], [0, 0, 0, 1]]
    read = Schema.from_json(Schema(tuple(columns)).to_json())
    assert read.columns == tuple(columns)


def test_values_have_units_of_their_own_beside_other_kinds() -> None:
    bits = {"a": [0, 1, 1, 0], "b": [True, False, True, False]}
    alone = Schema.infer(pa.table(bits))
    beside = Schema.infer(pa.table(bits | {"town": ["x", "y", "x", "z"]}))
    assert [column.inputs for column in alone.columns] == [1, 1]
    assert [column.inputs for column in beside.columns] == [2, 2, 4]


def test_probabilities_sum_to_one(head: BinaryHead, device: torch.device) -> None:
    logits = torch.randn(50, 3, device=device) * 20
    chances = [head.log_prob(logits, torch.full_like(logits, code)).exp() for code in (0, 1)]
    torch.testing.assert_close(chances[0] + chances[1], torch.ones_like(logits))


@given(logit=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_log_probabilities_of_extreme_logits_are_finite(logit: float) -> None:
    head = BinaryHead([Binary.fit("b", pa.array([False, True]))])
    logits = torch.full((3, 1), logit, requires_grad=True)
    log_prob = head.log_prob(logits, torch.tensor([[0.0], [1.0], [torch.nan]]))
    (gradient,) = torch.autograd.grad(log_prob.sum(), logits)
    assert log_prob.isfinite().all()
    assert gradient.isfinite().all()


def test_sampled_frequencies_are_the_probabilities(head: BinaryHead, device: torch.device) -> None:
    logits = torch.tensor([[-3.0, 0.2, 1.5]], device=device)
    noise = torch.rand(20_000, 3, dtype=torch.float64, device=device)
    ones = head.sample(logits.expand(20_000, 3), noise).sum(0).cpu().numpy()
    for count, chance in zip(ones, torch.sigmoid(logits)[0].tolist(), strict=True):
        assert stats.binomtest(int(count), 20_000, chance).pvalue > 1e-3


def test_draws_fall_as_the_noise_rises_and_keep_its_dtype(
    head: BinaryHead, device: torch.device
) -> None:
    noise = torch.linspace(0.01, 0.99, 20, dtype=torch.float64, device=device)[:, None]
    draws = head.sample(torch.zeros(20, 3, device=device), noise.expand(20, 3))
    assert draws.dtype == torch.float64
    assert (draws.diff(dim=0) <= 0).all()


@pytest.mark.parametrize("temperature", [1e-300, 0.1])
def test_cold_draws_are_the_likelier_value(
    head: BinaryHead, device: torch.device, temperature: float
) -> None:
    logits = torch.tensor([[-2.0, 3.0, 2.0]], device=device)
    draws = head.sample(logits, torch.full_like(logits, 0.9), temperature)
    assert draws.tolist() == [[0.0, 1.0, 1.0]]


def test_initial_logit_gives_the_share_of_ones() -> None:
    column = Binary.fit("b", pa.array([False, True]))
    logit = column.initial_parameters(np.array([1.0] * 300 + [0.0] * 700 + [np.nan] * 50))
    assert 1 / (1 + np.exp(-logit)) == pytest.approx(0.3, abs=1e-3)
    assert np.isfinite(column.initial_parameters(np.array([np.nan]))).all()
    assert np.isfinite(column.initial_parameters(np.ones(10))).all()
