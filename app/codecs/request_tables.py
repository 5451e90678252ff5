"""Tables as callers send them: what the questions need of them, whichever format they came in."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from madeira.app.codecs.json_values import json_values
from madeira.app.codecs.unknown_columns import unknown_columns
from madeira.app.errors import CELL_ERRORS_LIMIT, BodyTooLargeError, InvalidInputError
from madeira.models.arrays import Float64
from madeira.models.columns.base import Column
from madeira.models.errors import CellError, TableError
from madeira.models.schema.schema import Schema
from madeira.models.values.arrow_types import Family, family

__all__ = [
    "ArrowTable",
    "RequestTable",
    "check_given",
    "columns_to_read",
    "encode_arrow",
    "row_objects",
]


class RequestTable(Protocol):
    """A table that was sent, not yet checked against a model."""

    def __len__(self) -> int:
        """Rows."""

    def encode(self, schema: Schema) -> Float64:
        """Codes, `(rows, D)`, NaN where missing; raises InvalidInputError for cells."""

    def cell(self, row: int, name: str) -> object:
        """One value, as it was sent."""

    def without(self, cells: Sequence[CellError]) -> Self:
        """Return the table in which these cells are missing, each with its row and column."""

    def check_objects(self) -> None:
        """Raise InvalidInputError or BodyTooLargeError where `objects` has no or too long text."""

    def objects(self, start: int, stop: int) -> list[dict[str, Any]]:
        """Return some rows as JSON objects, cells as they were sent."""

    def arrow(self, schema: Schema) -> pa.Table:
        """Return the columns as Arrow has them, once `encode` has accepted them."""


@dataclass(frozen=True, slots=True)
class ArrowTable:
    """A table that was read as Arrow.

    Attributes:
        columns: Its columns.
        text_limit_bytes: Most bytes of text that may be written out as JSON.
    """

    columns: pa.Table
    text_limit_bytes: int

    def __len__(self) -> int:
        rows: int = self.columns.num_rows
        return rows

    def encode(self, schema: Schema) -> Float64:
        """See `RequestTable`."""
        return encode_arrow(self.columns, schema)

    def cell(self, row: int, name: str) -> object:
        """See `RequestTable`."""
        value: object = self.columns.column(name)[row].as_py()
        return value

    def without(self, cells: Sequence[CellError]) -> Self:
        """See `RequestTable`."""
        table = self.columns
        for name in {cell.column for cell in cells}:
            kept = np.ones(table.num_rows, np.bool_)
            kept[[cell.row or 0 for cell in cells if cell.column == name]] = False
            column = table.column(name)
            if pa.types.is_string_view(column.type):  # of which Arrow cannot take rows
                column = column.cast(pa.string())
            places = pa.array(np.arange(table.num_rows), mask=~kept)
            place = table.column_names.index(name)
            table = table.set_column(place, name, column.take(places))
        return replace(self, columns=table)

    def check_objects(self) -> None:
        """See `RequestTable`."""
        _check_row_objects(self.columns, self.text_limit_bytes)

    def objects(self, start: int, stop: int) -> list[dict[str, Any]]:
        """See `RequestTable`."""
        return row_objects(self.columns.slice(start, stop - start), self.text_limit_bytes)

    def arrow(self, schema: Schema) -> pa.Table:
        """See `RequestTable`."""
        return self.columns


def check_given(rows: int) -> None:
    """Check that a table of what is given to a sample is one row; raises InvalidInputError."""
    if rows != 1:
        raise InvalidInputError(
            "The body gives no row: send a table of one row, whose values every row is to have, or "
            "no body."
        )


def columns_to_read(schema: Schema, *, left_out: bool) -> Callable[[Sequence[str]], Sequence[int]]:
    """Say which columns of a sent table are read.

    Args:
        schema: The columns of the model.
        left_out: Whether columns that the model excludes are among them.

    Returns:
        A function from names to places; it raises InvalidInputError for a column that the model
        does not know, or that is there twice.
    """
    modelled = set(schema.names)
    known = modelled | {left.name for left in schema.left_out}

    def places(names: Sequence[str]) -> Sequence[int]:
        strange = ((None, name) for name in names if name not in known)
        if unknown := list(islice(strange, CELL_ERRORS_LIMIT)):
            raise InvalidInputError.of_cells(unknown_columns(unknown, known))
        counts = Counter(names)
        if len(counts) < len(names):
            twice = (name for name, count in counts.items() if count > 1)
            raise InvalidInputError.of_cells(
                [
                    CellError(None, name, "the table has two columns of this name")
                    for name in islice(twice, CELL_ERRORS_LIMIT)
                ]
            )
        return [place for place, name in enumerate(names) if left_out or name in modelled]

    return places


def encode_arrow(table: pa.Table, schema: Schema) -> Float64:
    """Check a table against a schema and encode it.

    A dictionary is encoded, not the cells that refer to it: many cells may show one long text.

    Args:
        table: Of known columns; columns that the model excludes have no effect.
        schema: The columns of the model.

    Returns:
        `(rows, D)`, NaN where missing.

    Raises:
        InvalidInputError: Names the cells that do not fit.
    """
    errors: list[CellError] = []
    values = np.full((table.num_rows, len(schema.columns)), np.nan)
    sent = dict(zip(table.column_names, table.columns, strict=True))
    for place, column in enumerate(schema.columns):
        if column.name not in sent:
            continue
        start = 0
        for chunk in sent[column.name].chunks:
            try:
                values[start : start + len(chunk), place] = _codes(column, chunk)
            except TableError as error:
                errors += [
                    CellError(start + (cell.row or 0), cell.column, cell.message)
                    for cell in error.cells
                ]
                break  # one chunk is enough to find the error of the column
            start += len(chunk)
    if errors:
        errors.sort(key=lambda cell: cell.row or 0)
        raise InvalidInputError.of_cells(errors[:CELL_ERRORS_LIMIT])
    return values


def _codes(column: Column, array: pa.Array) -> Float64:
    if not isinstance(array, pa.DictionaryArray):
        return column.encode(array)
    valid = array.indices.is_valid().to_numpy(zero_copy_only=False)
    indices = array.indices.fill_null(0).to_numpy(zero_copy_only=False)
    used = np.unique(indices[valid])
    distinct = array.dictionary.take(pa.array(used))
    codes = np.full(len(array), np.nan if column.null_code is None else column.null_code)
    try:
        distinct_codes = column.encode(distinct)
    except TableError as error:
        reasons = {int(used[cell.row or 0]): cell.message for cell in error.cells}
        bad = np.flatnonzero(valid & np.isin(indices, list(reasons)))[:CELL_ERRORS_LIMIT]
        raise TableError(
            [CellError(int(row), column.name, reasons[int(indices[row])]) for row in bad]
        ) from error
    codes[valid] = distinct_codes[np.searchsorted(used, indices[valid])]
    return codes


def row_objects(table: pa.Table, limit_bytes: int) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON objects.

    Args:
        table: Any columns of types that JSON has.
        limit_bytes: Most bytes of text that they may hold, written out.

    Raises:
        InvalidInputError: A column is of a type that JSON does not have.
        BodyTooLargeError: Its texts are too long together.
    """
    _check_row_objects(table, limit_bytes)
    columns = [json_values(column) for column in table.columns]
    if not columns:
        return [{} for _ in range(table.num_rows)]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _check_row_objects(table: pa.Table, limit_bytes: int) -> None:
    """Check that `row_objects` can write a table; arguments and errors are the same."""
    size = 0
    for field, column in zip(table.schema, table.columns, strict=True):
        if family(field.type) is Family.OTHER:
            message = f"values of type {field.type} cannot be answered as text; accept Arrow"
            raise InvalidInputError.of_cells([CellError(None, field.name, message)])
        size += _text_bytes(column)
        if size > limit_bytes:
            raise BodyTooLargeError(limit_bytes)


def _text_bytes(column: pa.ChunkedArray) -> int:
    """Bytes of all texts of a column, those of a dictionary as often as they are shown."""
    if family(column.type) is not Family.TEXT:
        return 0
    if not isinstance(column.type, pa.DictionaryType):
        return int(pc.sum(pc.binary_length(column)).as_py() or 0)
    total = 0
    for chunk in column.chunks:
        lengths = pc.binary_length(chunk.dictionary.cast(pa.large_string()))
        total += int(pc.sum(lengths.take(chunk.indices).cast(pa.int64())).as_py() or 0)
    return total
