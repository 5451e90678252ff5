"""Factorised columns: very many categories, a softmax of groups and one within each."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy import stats

from madeira.models.columns import Categorical, Factorised, Layout
from madeira.models.columns.factorised import FactorisedHead
from madeira.models.errors import SchemaError
from madeira.models.made import MADE, NetworkConfig
from madeira.models.schema import Schema
from madeira.models.schema.infer import infer

SIZE = 23  # groups of 5, the last of 3


def column_of(size: int = SIZE, dimensions: int = 3, seed: int = 0) -> Factorised:
    """Return a column with random coordinates and categories of unequal frequency."""
    texts = [f"text {code:03}" for code in range(size)]
    array = pa.array([text for code, text in enumerate(texts) for _ in range(1 + code % 4)])
    points = np.random.default_rng(seed).normal(size=(size, dimensions))
    return Factorised.fit("c", array).with_category_order(np.arange(size), points)


@pytest.fixture
def head(device: torch.device) -> FactorisedHead:
    return FactorisedHead([column_of(), column_of(seed=1)]).to(device)


def test_groups_and_members_are_about_the_root_of_the_categories() -> None:
    column = column_of()
    assert (column.groups, column.group_size, column.dimensions) == (5, 5, 3)
    assert column.inputs == column.outputs == 5 + 1 + 3


@pytest.mark.parametrize("dimensions", [0, 1, 3])
def test_probabilities_with_unknown_sum_to_one(dimensions: int, device: torch.device) -> None:
    head = FactorisedHead([column_of(dimensions=dimensions)] * 2).to(device)
    parameters = torch.randn(20, head.outputs, device=device) * 4
    codes = torch.arange(SIZE + 1.0, device=device)
    scores = [head.log_prob(parameters, code.expand(20, 2)) for code in codes]
    total = torch.stack(scores).exp().sum(0)
    torch.testing.assert_close(total, torch.ones_like(total))


def test_the_marginal_is_exact_before_anything_is_learned() -> None:
    column = column_of()
    texts = [f"text {c:03}" for c in range(SIZE) for _ in range(1 + c % 4)]
    values = column.encode(pa.array(texts))
    parameters = torch.tensor(column.initial_parameters(values))[None]
    head = FactorisedHead([column])
    codes = torch.arange(SIZE + 1.0)[:, None]
    masses = head.log_prob(parameters.expand(SIZE + 1, -1), codes)[:, 0].exp().numpy()
    counts = np.array([1 + c % 4 for c in range(SIZE)])
    expected = counts / counts.sum() * (1 - column.unseen_mass)
    np.testing.assert_allclose(masses[:-1], expected, rtol=0.05)  # one row is spread over all
    assert masses[-1] == pytest.approx(column.unseen_mass)


def test_features_are_group_and_coordinates_and_zero_where_missing(head: FactorisedHead) -> None:
    device = head._points.device
    values = torch.tensor([[7.0, SIZE], [torch.nan, 22.0]], device=device)
    features = head.features(values, ~values.isnan()).reshape(2, 2, 9).cpu()
    assert features[0, 0, :6].tolist() == [0, 1, 0, 0, 0, 0]
    assert features[0, 0, 6:].tolist() == column_of().points[1, 2].tolist()
    assert features[0, 1].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0]
    assert not features[1, 0].any()
    assert features[1, 1, :6].tolist() == [0, 0, 0, 0, 1, 0]
    assert features[1, 1, 6:].tolist() == column_of(seed=1).points[4, 2].tolist()


def test_draws_have_the_probabilities_and_never_the_unknown(head: FactorisedHead) -> None:
    device, rows = head._points.device, 50_000
    generator = torch.Generator().manual_seed(1)
    parameters = torch.randn(1, head.outputs, generator=generator).to(device)
    noise = torch.rand(rows, head.noise, generator=generator).double().to(device)
    drawn = head.sample(parameters.expand(rows, -1), noise)
    codes = torch.arange(float(SIZE), device=device)[:, None].expand(-1, 2)
    masses = head.log_prob(parameters.expand(SIZE, -1), codes).double().exp().cpu().numpy()
    for place in range(2):
        counts = np.bincount(drawn[:, place].long().cpu(), minlength=SIZE)
        assert len(counts) == SIZE
        expected = masses[:, place] / masses[:, place].sum() * rows
        assert stats.chisquare(counts, expected).pvalue > 1e-4


def test_a_cold_temperature_draws_the_likeliest_member_of_the_likeliest_group() -> None:
    column = column_of()
    head = FactorisedHead([column])
    parameters = torch.randn(1, head.outputs, generator=torch.Generator().manual_seed(3))
    noise = torch.rand(50, 2).double()
    drawn = head.sample(parameters.expand(50, -1), noise, 1e-4)
    group = int(parameters[0, :5].argmax())
    codes = torch.arange(5.0 * group, min(5 * group + 5, SIZE))[:, None]
    scores = head.log_prob(parameters.expand(len(codes), -1), codes)[:, 0]
    assert set(drawn.flatten().tolist()) == {5 * group + int(scores.argmax())}


@pytest.mark.parametrize(
    ("values", "arrow_type"),
    [
        (["b", "a", None, "ß", ""], pa.large_string()),
        (["b", "a", None, "b"], pa.dictionary(pa.int32(), pa.string())),
        ([2**60 + 1, 2**60, None, -(2**62)], pa.int64()),
        ([7, 5, None, 7], pa.int32()),
    ],
    ids=str,
)
def test_values_of_every_type_come_back(values: list[Any], arrow_type: pa.DataType) -> None:
    array = pa.array(values, arrow_type)
    column = Factorised.fit("c", array)
    order = np.arange(len(column.vocabulary))[::-1].copy()
    column = column.with_category_order(order, np.zeros((len(order), 1)))
    decoded = column.decode(column.encode(array))
    assert decoded.type == arrow_type
    assert decoded.to_pylist() == array.to_pylist()


def test_what_training_never_showed_is_the_unknown_outcome() -> None:
    column = column_of()
    assert column.encode(pa.array(["text 004", "new", None])).tolist()[:2] == [4.0, SIZE]
    assert column.decode(np.array([SIZE, 4.0, np.nan])).to_pylist() == [None, "text 004", None]


def test_a_file_holds_the_whole_column() -> None:
    schema = Schema((column_of(),))
    again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert again == schema
    assert len(schema.describe()[0]["categories"]) == SIZE
    described = Schema((column_of(size=200),)).describe()[0]
    assert (len(described["categories"]), described["category_count"]) == (50, 200)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("counts", [1], "a whole number for each of the 23 categories"),
        ("counts", [-1] * SIZE, "a whole number for each"),
        ("coordinates", [[1, 2, 3]], "equally many whole numbers for each"),
        ("coordinates", [[1.5]] * SIZE, "equally many whole numbers for each"),
        ("group_size", 0, "group_size"),
        ("categories", [], "at least one value"),
    ],
)
def test_a_broken_file_is_refused(field: str, value: object, message: str) -> None:
    content = Schema((column_of(),)).to_json()
    content["columns"][0][field] = value
    with pytest.raises(SchemaError, match=message):
        Schema.from_json(content)


def test_a_hundred_thousand_categories_take_few_parameters() -> None:
    size = 100_000
    texts = pa.array([f"{code:06}" for code in range(size)])
    column = Factorised.fit("c", texts)
    column = column.with_category_order(np.arange(size), np.zeros((size, 8)))
    others = Schema.infer(pa.table({"a": [0.5, 1.25, 7.125] * 9, "b": ["p", "q", "r"] * 9}))
    network = MADE(NetworkConfig(hidden=(256, 256)), Layout([column, *others.columns]))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    assert parameters < 500_000 < size * 256
    assert len(json.dumps(column.to_json())) < 5_000_000


def test_what_is_many_and_what_is_too_many() -> None:
    texts = {
        size: pa.array([f"city {row % size}x" for row in range(3 * size)]) for size in (200, 201)
    }
    verdicts = {size: infer("city", pa.chunked_array([array])) for size, array in texts.items()}
    assert verdicts[200].kind == Categorical.kind
    assert verdicts[201].kind == Factorised.kind
    assert verdicts[201].reason == "text, 201 distinct"
    numbers = pa.array(np.arange(3300) % 1100 + 0.5)
    assert infer("level", pa.chunked_array([numbers])).kind == "integer"
    assert infer("level", pa.chunked_array([numbers.dictionary_encode()])).kind == Factorised.kind
    many = pa.array([f"{row % 100_001:x}x" for row in range(200_002)])
    verdict = infer("city", pa.chunked_array([many]))
    assert verdict.kind == "left_out"
    assert verdict.reason.startswith("100001 distinct texts: more than 100000")


def test_a_softmax_over_very_many_categories_is_refused() -> None:
    texts = pa.array([f"{code:05}" for code in range(10_001)])
    with pytest.raises(
        SchemaError, match=r"10001 distinct values: too many for categorical.*factor"
    ):
        Categorical.fit("c", texts)
