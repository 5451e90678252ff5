"""Kinds are inferred as a person would; the awkward columns stand in `awkward.py`."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from madeira.models.errors import TableError
from madeira.models.schema import Schema
from madeira.models.schema.infer import infer
from tests.models.columns.awkward import AWKWARD


@pytest.mark.parametrize(
    ("name", "array", "kind", "reason"), AWKWARD, ids=[case[0] or "unnamed" for case in AWKWARD]
)
def test_a_column_gets_the_kind_a_person_would_give_it(
    name: str, array: pa.Array, kind: str, reason: str
) -> None:
    verdict = infer(name, pa.chunked_array([array.slice(0, 77), array.slice(77)]))
    assert verdict.kind == kind
    assert reason in verdict.reason


def test_a_wide_awkward_table_is_learned_and_comes_back() -> None:
    table = pa.table({name: array for name, array, _, _ in AWKWARD})
    # Values in cycles of one length decide which of each other are null.
    nulls = [name for name in table.column_names if table[name].null_count]
    schema = Schema.infer(table, {name: {"null": "unknown"} for name in nulls})
    assert {column.name: column.kind for column in schema.columns} == {
        name: kind for name, _, kind, _ in AWKWARD if kind != "left_out"
    }
    assert {left.name for left in schema.left_out} == {
        name for name, _, kind, _ in AWKWARD if kind == "left_out"
    }
    decoded = schema.decode(schema.encode(table))
    assert decoded.schema.names == list(schema.names)
    for column in schema.columns:
        came, went = table.column(column.name), decoded.column(column.name)
        assert went.null_count == came.null_count + (column.name == "no_date")
        if column.kind != "continuous" and column.name not in ("blanks", "iso_zoned", "no_date"):
            assert went.to_pylist() == came.to_pylist()
            assert went.type == came.type
    assert decoded["blanks"].to_pylist() == [text.strip() for text in table["blanks"].to_pylist()]
    assert decoded["iso_zoned"][0].as_py().endswith("T06:30:00Z")
    assert Schema.from_json(json.loads(json.dumps(schema.to_json(), allow_nan=False))) == schema
    for described in schema.describe():
        example = pa.table({described["name"]: [described["example"]]})
        assert not np.isnan(schema.encode(example)).all()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 3, 4], "integer"),
        ([0.1, 1 / 3, 0.5, 0.7], "continuous"),
        ([1, 2, 2, 1, 3, 3], "categorical"),
        (["a", "b"], "categorical"),
    ],
    ids=str,
)
def test_small_tables_are_modelled_all_the_same(values: list[Any], kind: str) -> None:
    assert infer("v", pa.chunked_array([pa.array(values)])).kind == kind


def test_nan_is_refused_and_its_row_named() -> None:
    with pytest.raises(TableError, match=r"row 1, column 'v'.*use null for missing"):
        infer("v", pa.chunked_array([pa.array([1.0, float("nan"), 2.0])]))
