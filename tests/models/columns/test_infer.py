"""Kinds are inferred as a person would."""

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from models.columns import Schema
from models.columns.infer import infer
from models.errors import TableError

ROWS = 200
_GENERATOR = np.random.default_rng(0)
_PEOPLE = [f"Person {number}" for number in range(ROWS)]


def _cycle(*values: Any) -> list[Any]:
    return [values[row % len(values)] for row in range(ROWS)]


# One awkward column a line: what it is called, what it holds, what it is to be and why.
AWKWARD: list[tuple[str, pa.Array, str, str]] = [
    ("flag", pa.array(_cycle(True, False, None)), "binary", "booleans"),
    ("zero_one", pa.array(_cycle(0, 1)), "binary", "only 0 and 1"),
    ("zero_one_float", pa.array(_cycle(0.0, 1.0, None)), "binary", "only 0 and 1"),
    ("one_two", pa.array(_cycle(1, 2)), "categorical", "2 distinct numbers"),
    ("half_or_two", pa.array(_cycle(0.5, 2.25)), "categorical", "2 distinct numbers"),
    ("grade", pa.array(_cycle(1, 2, 3, 4, 5), pa.int8()), "categorical", "5 distinct numbers"),
    ("grade_float", pa.array(_cycle(1.0, 2.0, 3.0, None)), "categorical", "3 distinct numbers"),
    ("grade_decimal", pa.array(_cycle(Decimal(1), Decimal(2), Decimal(3))), "categorical", "3 dis"),
    ("ratio", pa.array(_cycle(0.1, 0.2, 0.3)), "integer", "steps of 0.1"),
    ("age", pa.array(_GENERATOR.integers(0, 90, ROWS)), "integer", "steps of 1"),
    ("year", pa.array(_GENERATOR.integers(1990, 2024, ROWS)), "integer", "steps of 1"),
    ("price", pa.array(_GENERATOR.lognormal(size=ROWS).round(2)), "integer", "steps of 0.01"),
    ("income", pa.array(_GENERATOR.lognormal(size=ROWS)), "continuous", "no common resolution"),
    ("third", pa.array(_GENERATOR.random(ROWS), pa.float32()), "continuous", "no common"),
    ("hundreds", pa.array(_GENERATOR.integers(1, 90, ROWS) * 100.0), "integer", "steps of 100"),
    ("sorted", pa.array(np.sort(_GENERATOR.choice(9999, ROWS, False))), "integer", "steps"),
    ("money", pa.array([Decimal(row * 7) / 4 for row in range(ROWS)]), "integer", "steps of 1.75"),
    ("half", pa.array(np.arange(ROWS).astype(np.float16) / 8), "continuous", "numbers"),
    (
        "day",
        pa.array([dt.date(2020, 1, 1 + row % 28) for row in range(ROWS)]),
        "datetime",
        "inst",
    ),
    ("time", pa.array(np.arange(ROWS).astype("M8[us]")), "datetime", "instants"),
    ("yes_no", pa.array(_cycle("yes", "no")), "categorical", "text"),
    ("mixed_case", pa.array(_cycle("N/A", "n/a", "", None)), "categorical", "text"),
    ("percent", pa.array(_cycle("12%", "50%", "7.5%")), "categorical", "text"),
    ("zip", pa.array(_cycle("01234", "99999", "00001")), "categorical", "text"),
    ("pandas", pa.array(_cycle("a", "b")).dictionary_encode(), "categorical", "text"),
    ("levels", pa.array(_cycle(1.5, 2.5, 7.5)).dictionary_encode(), "categorical", "dictionary"),
    ("id", pa.array(_GENERATOR.permutation(ROWS) * 3), "left_out", "key: named like one"),
    ("PassengerId", pa.array(_GENERATOR.permutation(ROWS) * 3), "left_out", "key: named like one"),
    ("order_id", pa.array(_GENERATOR.permutation(ROWS) * 3.0), "left_out", "key: named like one"),
    ("region_id", pa.array(_cycle(*range(40))), "integer", "steps of 1"),
    ("humid", pa.array(_GENERATOR.permutation(ROWS) * 3), "integer", "steps of 3"),
    ("", pa.array(range(5, 5 + ROWS)), "left_out", "key: counts the rows"),
    ("name", pa.array(_PEOPLE), "left_out", "key: 200 distinct in 200 rows"),
    ("ticket", pa.array([text[:9] for text in _PEOPLE[:140]] + ["x"] * 60), "left_out", "hardly"),
    ("note", pa.array([f"it was about {row} o'clock" for row in range(ROWS)]), "left_out", "free"),
    ("constant", pa.array(_cycle("same")), "left_out", "constant"),
    ("constant_or_null", pa.array(_cycle(7, None)), "left_out", "constant"),
    ("all_null", pa.nulls(ROWS), "left_out", "no values"),
    ("all_null_text", pa.nulls(ROWS, pa.string()), "left_out", "no values"),
    ("list", pa.array([[row] for row in range(ROWS)]), "left_out", "list<"),
    ("struct", pa.array([{"a": row} for row in range(ROWS)]), "left_out", "struct<"),
    (
        "bytes",
        pa.array([b"%d" % row for row in range(ROWS)]),
        "left_out",
        "binary are not modelled",
    ),
    ("clock", pa.array([dt.time(row % 24) for row in range(ROWS)]), "left_out", "time64"),
    ("lag", pa.array([dt.timedelta(row) for row in range(ROWS)]), "left_out", "duration"),
]


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
    schema = Schema.infer(table)
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
        if column.kind not in ("continuous", "datetime"):
            assert went.to_pylist() == came.to_pylist()
            assert went.type == came.type
        assert went.null_count == came.null_count


def test_more_than_a_thousand_texts_are_set_aside() -> None:
    texts = pa.array([f"city {row % 1001}" for row in range(5005)])
    verdict = infer("city", pa.chunked_array([texts]))
    assert verdict.reason == "1001 distinct texts: more than 1000"
    numbers = pa.array(np.arange(5005) % 1001 + 0.5).dictionary_encode()
    assert infer("code", pa.chunked_array([numbers])).kind == "integer"


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
