"""Rows of an answer and of a table, compared cell by cell."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

__all__ = ["as_rows", "assert_rows_alike"]


def as_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return a table as the rows of a JSON body; instants as ISO 8601 text."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) or pa.types.is_date(field.type):
            text = table.column(place).cast(pa.string())
            table = table.set_column(place, field.name, text)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def assert_rows_alike(rows: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> None:
    """Check that two lists of rows hold the same, instants however they are written."""
    assert len(rows) == len(others)
    for row, other in zip(rows, others, strict=True):
        assert list(row) == list(other)
        for name, value in row.items():
            if name in ("joined", "born"):
                assert datetime.fromisoformat(value) == datetime.fromisoformat(other[name])
            else:
                assert value == other[name]
