"""Categorical columns: a softmax over what was seen, and `unknown`."""

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from madeira.models.columns import Categorical
from madeira.models.columns.categorical import CategoricalHead
from madeira.models.errors import SchemaError, TableError

SIZES = (1, 2, 3, 7, 12)

COLUMNS: list[tuple[list[Any], pa.DataType]] = [
    (["b", "a", None, "b", ""], pa.string()),
    (["b", "a", None, "b", "ß"], pa.large_string()),
    (["b", "a", None, "b"], pa.string_view()),
    (["b", "a", None, "b"], pa.dictionary(pa.int8(), pa.string())),
    (["b", "a", None, "b"], pa.dictionary(pa.int64(), pa.large_string(), ordered=True)),
    ([3, 1, None, -2], pa.dictionary(pa.int16(), pa.int32())),
    ([3, 1, None, -2], pa.int8()),
    ([2**63 + 1, 2**63, None, 0], pa.uint64()),
    ([2**60 + 1, 2**60, None, -(2**62)], pa.int64()),
    ([0.1, -0.1, None, 1e300], pa.float64()),
    ([0.1, -0.1, None, 1e30], pa.float32()),
    ([0.1, -0.1, None, 3.0], pa.float16()),
    ([Decimal("0.10"), Decimal("-0.10"), None, Decimal(3)], pa.decimal128(5, 2)),
    ([True, False, None], pa.bool_()),
    ([dt.date(2020, 1, 1), None, dt.date(1960, 1, 1)], pa.date32()),
    ([dt.datetime(2020, 1, 1, 3), None, dt.datetime(1960, 1, 1)], pa.timestamp("ns")),
    ([dt.datetime(2020, 1, 1, 3), None], pa.timestamp("s", tz="Europe/Berlin")),
]


def array_of(values: list[Any], arrow_type: pa.DataType) -> pa.Array:
    """Return an array of any type; not every pyarrow makes all dictionaries from values."""
    if not pa.types.is_dictionary(arrow_type):
        return pa.array(values, arrow_type)
    found = pa.array(values, arrow_type.value_type).dictionary_encode()
    indices = found.indices.cast(arrow_type.index_type)
    return pa.DictionaryArray.from_arrays(indices, found.dictionary, ordered=arrow_type.ordered)


@pytest.fixture
def head(device: torch.device) -> CategoricalHead:
    """Columns of different sizes, so that the head gathers and pads."""
    texts = [str(code) for code in range(max(SIZES))]
    columns = [Categorical.fit(f"c{size}", pa.array(texts[:size])) for size in SIZES]
    return CategoricalHead(columns).to(device)


@pytest.mark.parametrize(("values", "arrow_type"), COLUMNS, ids=str)
def test_values_of_every_type_come_back(values: list[Any], arrow_type: pa.DataType) -> None:
    array = array_of(values, arrow_type)
    column = Categorical.fit("c", array)
    codes = column.encode(pa.chunked_array([array.slice(0, 2), array.slice(2)]))
    decoded = column.decode(codes)
    assert decoded.type == arrow_type
    assert decoded.to_pylist() == array.to_pylist()
    assert sorted({*codes[~np.isnan(codes)]}) == list(range(len(column.vocabulary)))


def test_codes_follow_the_order_of_the_values_or_of_the_dictionary() -> None:
    texts = pa.array(["mid", "low", "high", "low"])
    assert Categorical.fit("c", texts).vocabulary.values == ("high", "low", "mid")
    grades = pa.DictionaryArray.from_arrays(
        [1, 0, 3, 0], ["low", "mid", "never", "high"], ordered=True
    )
    assert Categorical.fit("c", grades).vocabulary.values == ("low", "mid", "high")
    assert Categorical.fit("c", pa.array([10, 9, -1])).vocabulary.values == (-1, 9, 10)


def test_a_value_not_seen_in_training_is_the_unknown_outcome() -> None:
    column = Categorical.fit("c", pa.array(["a", "b"]))
    codes = column.encode(pa.array(["z", "b", None, "A"]))
    np.testing.assert_array_equal(codes, [2.0, 1.0, np.nan, 2.0])
    assert column.unknown_code == 2.0
    assert column.decode(codes).to_pylist() == [None, "b", None, None]


@pytest.mark.parametrize(
    "array", [pa.array([2**64 - 1], pa.uint64()), pa.array([-(2**63)]), pa.array([9.0])], ids=str
)
@pytest.mark.parametrize("arrow_type", [pa.int8(), pa.int64(), pa.uint64()], ids=str)
def test_whole_numbers_beyond_the_type_are_unknown(
    array: pa.Array, arrow_type: pa.DataType
) -> None:
    column = Categorical.fit("c", pa.array([1, 2], arrow_type))
    assert column.encode(array).tolist() == [2.0]
    if arrow_type != pa.int8():
        column = Categorical.fit("c", pa.array([1, 2**62 + 1], arrow_type))
        assert column.encode(array).tolist() == [2.0]


def test_numbers_are_compared_as_the_column_holds_them() -> None:
    column = Categorical.fit("c", pa.array([0.1, 0.7], pa.float32()))
    assert column.vocabulary.values == (0.1, 0.7)
    assert column.encode(pa.array([0.7, 0.1], pa.float64())).tolist() == [1.0, 0.0]
    assert Categorical.fit("c", pa.array([-0.0, 0.0, 1.0])).vocabulary.values == (0.0, 1.0)


@pytest.mark.parametrize(
    ("learned", "given_values", "message"),
    [
        (["a", "b"], [None, [3]], "row 1, column 'c': expected text, got [3]"),
        ([1, 2], ["1", "one"], "row 1, column 'c': expected a number, got 'one'"),
        ([0.5, 2.0], [float("nan")], "row 0, column 'c': expected a finite number, got nan"),
        ([True, False], [1, 2], "row 1, column 'c': expected true or false, got 2"),
        ([True, False], ["no"], "row 0, column 'c': expected true or false, got 'no'"),
    ],
)
def test_a_value_of_another_family_is_refused(
    learned: list[Any], given_values: list[Any], message: str
) -> None:
    column = Categorical.fit("c", pa.array(learned))
    with pytest.raises(TableError) as caught:
        column.encode(pa.array(given_values))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("learned", "given_values", "codes"),
    [
        (["a", "5", "true"], [5, 7, None], [0, 3, np.nan]),
        (["a", "5", "true"], [5.0], [0]),
        (["a", "5", "true"], [True, False], [2, 3]),
        ([1, 2], ["1", "2.0", "3"], [0, 1, 2]),
        ([1, 2], [1.0, 1.5], [0, 2]),
        ([0, 1], [True, False], [1, 0]),
        ([True, False], [1.0, 0.0, None], [1, 0, np.nan]),
        ([True, False], ["TRUE", "false"], [1, 0]),
    ],
)
def test_a_value_of_another_family_is_what_it_plainly_says_or_unknown(
    learned: list[Any], given_values: list[Any], codes: list[float]
) -> None:
    column = Categorical.fit("c", pa.array(learned))
    np.testing.assert_array_equal(column.encode(pa.array(given_values)), codes)


@pytest.mark.parametrize("array", [pa.nulls(3), pa.nulls(3, pa.string()), pa.array([[1], [2]])])
def test_what_holds_no_comparable_value_is_refused_at_fit(array: pa.Array) -> None:
    with pytest.raises(SchemaError, match="'c'"):
        Categorical.fit("c", array)


@pytest.mark.parametrize(
    ("values", "rate"),
    [(["a"] * 98, 0.01), (["a"] * 97 + ["b", "c", "d"], 0.03), (list("abcd"), 0.05)],
)
def test_unknown_rate_is_the_share_of_singletons_within_bounds(
    values: list[str], rate: float
) -> None:
    assert Categorical.fit("c", pa.array(values)).unknown_rate == pytest.approx(rate)


def test_features_are_one_hot_and_zero_where_missing(
    head: CategoricalHead, device: torch.device
) -> None:
    values = torch.tensor([[0.0, 2.0, torch.nan, 6.0, 12.0]], device=device)
    features = head.features(values, ~values.isnan())
    units = [1, 0, 0, 0, 1, 0, 0, 0, 0, *[0] * 6, 1, 0, *[0] * 12, 1]
    assert features.tolist() == [[float(unit) for unit in units]]
    nothing = head.features(values, torch.zeros_like(values, dtype=torch.bool))
    assert not nothing.any()


def test_probabilities_with_unknown_sum_to_one(head: CategoricalHead, device: torch.device) -> None:
    parameters = torch.randn(20, head.outputs, device=device) * 10
    for place, size in enumerate(SIZES):
        total = torch.zeros(20, device=device)
        for code in range(size + 1):
            values = torch.zeros(20, len(SIZES), device=device)
            values[:, place] = code
            total += head.log_prob(parameters, values)[:, place].exp()
        torch.testing.assert_close(total, torch.ones_like(total))


@given(
    logits=st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=4, max_size=4),
    code=st.sampled_from([0.0, 1.0, 2.0, 3.0, float("nan")]),
)
def test_log_probabilities_of_extreme_logits_are_finite(logits: list[float], code: float) -> None:
    head = CategoricalHead([Categorical.fit("c", pa.array(["a", "b", "c"]))])
    parameters = torch.tensor([logits], requires_grad=True)
    log_prob = head.log_prob(parameters, torch.tensor([[code]]))
    (gradient,) = torch.autograd.grad(log_prob.sum(), parameters)
    assert log_prob.isfinite().all()
    assert gradient.isfinite().all()


def test_gradients_are_those_of_the_softmax_padding_or_not(
    head: CategoricalHead, device: torch.device
) -> None:
    parameters = torch.randn(3, head.outputs, device=device, requires_grad=True)
    values = torch.tensor([[0.0, 1.0, torch.nan, 6.0, 12.0]], device=device).expand(3, -1)
    log_prob = head.log_prob(parameters, values)
    (got,) = torch.autograd.grad(log_prob.nansum(), parameters)
    widths = [size + 1 for size in SIZES]
    parts = zip(torch.split(parameters, widths, dim=1), values.nan_to_num(0).long().T, strict=True)
    terms = [part.log_softmax(1).gather(1, codes[:, None]) for part, codes in parts]
    (expected,) = torch.autograd.grad(torch.cat(terms).sum(), parameters)
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(log_prob, torch.cat(terms, dim=1))


def test_sampled_frequencies_are_the_probabilities_without_unknown(
    head: CategoricalHead, device: torch.device
) -> None:
    parameters = torch.randn(1, head.outputs, device=device)
    noise = torch.rand(20_000, len(SIZES), dtype=torch.float64, device=device)
    draws = head.sample(parameters.expand(20_000, -1), noise)
    assert draws.dtype == torch.float64
    columns = torch.split(parameters, [size + 1 for size in SIZES], dim=1)
    for place, size in enumerate(SIZES):
        counts = torch.bincount(draws[:, place].long(), minlength=size).cpu().numpy()
        assert len(counts) == size
        expected = columns[place][0, :size].double().softmax(0).cpu().numpy() * 20_000
        assert size == 1 or stats.chisquare(counts, expected).pvalue > 1e-3


def test_unknown_is_never_drawn_however_likely(head: CategoricalHead, device: torch.device) -> None:
    columns = [torch.tensor([[-9.0] * size + [50.0]], device=device) for size in SIZES]
    parameters = torch.cat(columns, dim=1).expand(200, -1)
    noise = torch.linspace(1e-12, 1 - 1e-12, 200, dtype=torch.float64, device=device)
    draws = head.sample(parameters, noise[:, None].expand(200, len(SIZES)))
    assert (draws.max(0).values.cpu() == torch.tensor(SIZES) - 1).all()
    assert (draws.diff(dim=0) >= 0).all()


def test_initial_logits_give_the_shares_and_the_unknown_rate() -> None:
    values = pa.array(["a"] * 700 + ["b"] * 280 + [None] * 5 + ["once", "twice"] * 1)
    column = Categorical.fit("c", values)
    masses = np.exp(column.initial_parameters(column.encode(values)))
    assert masses.sum() == pytest.approx(1)
    assert masses[-1] == pytest.approx(column.unknown_rate)
    np.testing.assert_allclose(masses[:-1], np.array([700, 280, 1, 1]) / 982, atol=1e-2)
    assert np.isfinite(column.initial_parameters(np.array([np.nan, 4.0]))).all()


def test_true_is_a_number_only_where_one_is_a_category() -> None:
    years = Categorical.fit("year", pa.array([2007, 2008, 2009]))
    with pytest.raises(TableError) as caught:
        years.encode(pa.array([None, True, False]))
    assert [cell.row for cell in caught.value.cells] == [1, 2]
    counts = Categorical.fit("count", pa.array([0, 1, 2]))
    np.testing.assert_array_equal(counts.encode(pa.array([True, False])), [1, 0])
