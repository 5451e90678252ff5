"""A few rows are encoded cell by cell: exactly as Arrow would have encoded them, or not at all."""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madeira.app.codecs.json.table import MAX_PLAIN_ROWS, JsonTable, encode_table
from madeira.app.errors import InvalidInputError
from madeira.models.arrays import Float64
from madeira.models.schema.schema import Schema
from tests.models.columns.awkward import AWKWARD

SCHEMA = Schema.infer(pa.table({name: array for name, array, _, _ in AWKWARD}))
HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["1", "1.5", "true", "2020-02-30", "2020-02-28T12:00:00Z", "12.5%", -0.0]),
    st.just([1]),
)


def _json(value: object) -> object:
    """Return a value as a caller would send it."""
    if isinstance(value, dt.date | dt.datetime | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    return value if isinstance(value, str | int | float | None) else float(str(value))


def _through_arrow(row: dict[str, Any]) -> Float64 | None:
    """Return what many such rows are encoded as; None where they are refused."""
    many = [row] * (MAX_PLAIN_ROWS + 1)
    try:
        codes: Float64 = encode_table(JsonTable(many, None, []), SCHEMA)[:1]
        return codes
    except InvalidInputError:
        return None


NEVER_PLAIN = {"grade_decimal", "snowflakes", "compact_numbers"}
"""Columns of which Arrow alone reads any value: numbers beyond 2**53, or such as 20240131."""

CELLS = {
    name: [_json(value) for value in dict.fromkeys(array.to_pylist())]
    for name, array, _, _ in AWKWARD
    if name in SCHEMA.names
}


@pytest.mark.parametrize("name", CELLS)
def test_values_of_a_column_are_encoded_as_arrow_encodes_them(name: str) -> None:
    plain = 0
    for value in CELLS[name]:
        codes = SCHEMA.row_encoder.encode([{name: value}])
        if codes is not None:
            plain += value is not None
            np.testing.assert_array_equal(codes, _through_arrow({name: value}))
    assert bool(plain) == (name not in NEVER_PLAIN)


@given(st.dictionaries(st.sampled_from(list(CELLS)), HOSTILE, max_size=8))
def test_whatever_is_in_a_row_it_is_encoded_as_arrow_encodes_it(row: dict[str, Any]) -> None:
    codes = SCHEMA.row_encoder.encode([row])
    if codes is not None:
        np.testing.assert_array_equal(codes, _through_arrow(row))


def test_a_cell_that_is_not_plain_leaves_the_rows_to_arrow() -> None:
    assert SCHEMA.row_encoder.encode([{"age": 5}, {"age": "5"}]) is None
    assert encode_table(JsonTable([{"age": 5}, {"age": "5"}], None, []), SCHEMA).shape[0] == 2


def test_columns_that_are_left_out_are_ignored_and_unknown_ones_refused() -> None:
    left_out = SCHEMA.left_out[0].name
    codes = SCHEMA.row_encoder.encode([{left_out: ["anything"], "age": None}])
    assert codes is not None
    assert np.isnan(codes).all()
    assert SCHEMA.row_encoder.encode([{"agee": 5}]) is None
