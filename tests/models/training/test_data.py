"""The split, minibatches, and the replacement that teaches the unknown outcome its mass."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from madeira.models.columns.layout import Layout
from madeira.models.errors import TrainingError
from madeira.models.schema.schema import Schema
from madeira.models.training.data import Rows, UnknownReplacement, split_rows

CPU = torch.device("cpu")


def test_the_split_keeps_every_row_once() -> None:
    values = np.arange(40.0)[:, None]
    train, valid = split_rows(values, 0.1, 100, np.random.default_rng(0))
    assert (len(train), len(valid)) == (36, 4)
    assert sorted(np.concatenate([train, valid]).ravel()) == list(range(40))


@pytest.mark.parametrize(("rows", "expected"), [(2, 1), (3, 1), (1000, 50)])
def test_rows_held_out_are_at_least_one_and_at_most_the_limit(rows: int, expected: int) -> None:
    _, valid = split_rows(np.zeros((rows, 1)), 0.1, 50, np.random.default_rng(0))
    assert len(valid) == expected


@pytest.mark.parametrize(
    ("rows", "message"), [(0, "a table of 0 rows cannot"), (1, "a table of 1 row cannot")]
)
def test_a_table_of_no_or_one_row_is_refused(rows: int, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        split_rows(np.zeros((rows, 3)), 0.1, 50, np.random.default_rng(0))


def test_shuffled_minibatches_hold_every_row_once() -> None:
    schema = Schema.infer(pa.table({"a": np.linspace(0.0, 1.0, 25) ** 3}))
    rows = Rows(np.arange(25.0)[:, None], Layout(schema.columns))
    generator = torch.Generator().manual_seed(0)
    batches = [values.ravel().tolist() for values, _ in rows.batches(10, generator)]
    assert [len(batch) for batch in batches] == [10, 10, 5]
    together = [value for batch in batches for value in batch]
    assert sorted(together) == list(range(25))
    assert together != list(range(25))


def test_values_turn_unknown_at_their_columns_rate_and_missing_ones_stay_missing() -> None:
    names = [f"name {index}" for index in range(60)] + ["common"] * 140
    schema = Schema.infer(pa.table({"a": names}), {"a": "categorical"})
    layout = Layout(schema.columns)
    column = schema.columns[0]
    replacement = UnknownReplacement.of(layout, CPU)
    assert replacement is not None
    values = torch.zeros(200_000, 1)
    values[::2] = torch.nan
    replaced = replacement(values, ~values.isnan(), torch.Generator().manual_seed(0))
    assert replaced[::2].isnan().all()
    share = torch.eq(replaced[1::2], column.unknown_code or 0).float().mean().item()
    assert share == pytest.approx(column.unknown_rate, rel=0.05)


def test_binary_columns_need_no_replacement() -> None:
    schema = Schema.infer(pa.table({"a": [True, False] * 5}))
    assert UnknownReplacement.of(Layout(schema.columns), CPU) is None
