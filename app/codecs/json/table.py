"""From decoded JSON to Arrow columns, with every bad cell named.

The fast path converts whole tables without a Python loop; only where it fails are cells looked
at one by one, to say which of them are wrong.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain, islice
from typing import Any, Self

import numpy as np
import orjson
import pyarrow as pa

from madeira.app.codecs.json.blanked import BlankedRows
from madeira.app.codecs.json.coerce import coerce_cells
from madeira.app.codecs.json.slices import SlicedRows
from madeira.app.codecs.json.text import kind_of
from madeira.app.codecs.unknown_columns import unknown_columns
from madeira.app.errors import CELL_ERRORS_LIMIT, InvalidInputError
from madeira.models.arrays import Float64
from madeira.models.errors import CellError, TableError
from madeira.models.schema.schema import Schema
from madeira.models.values.arrow_types import Family, family

__all__ = [
    "JsonTable",
    "column_array",
    "encode_given",
    "encode_table",
    "json_table",
]

MAX_PLAIN_ROWS = 64
"""Up to about so many rows, one cell after the other is faster than Arrow."""

SLICE_CELLS = 65_536
MIN_SLICE_ROWS = 256
"""Many rows are encoded in slices of so many cells, some milliseconds; at least so many rows."""

MAX_EXACT = 2.0**53
"""A float holds every whole number below it."""

Rows = list[Any] | SlicedRows | BlankedRows

_NONE = type(None)
_FORMS = {
    Family.NUMBER: (pa.float64(), frozenset({int, float, _NONE})),
    Family.TEXT: (pa.string(), frozenset({str, _NONE})),
    Family.BOOLEAN: (pa.bool_(), frozenset({bool, _NONE})),
    Family.INSTANT: (pa.string(), frozenset({str, _NONE})),  # ISO 8601; the schema parses it
    Family.TIME: (pa.string(), frozenset({str, _NONE})),
    Family.DURATION: (pa.float64(), frozenset({int, float, _NONE})),  # seconds
}
"""How the values of a family travel in JSON: the Arrow type they are read as, and their types."""


@dataclass(frozen=True, slots=True)
class JsonTable:
    """A table as it stands in a JSON body, in either of two forms; a `RequestTable`.

    Attributes:
        rows: The rows as objects; None in the form of columns and data.
        columns: Names of the columns; None in the form of rows.
        data: One list of values a row, in the order of `columns`.
    """

    rows: Rows | None
    columns: list[str] | None
    data: Rows

    def __len__(self) -> int:
        return len(self.data if self.rows is None else self.rows)

    def slice(self, start: int, stop: int) -> Self:
        """Return some of the rows."""
        rows = None if self.rows is None else self.rows[start:stop]
        return type(self)(rows, self.columns, self.data[start:stop])

    def objects(self, start: int, stop: int) -> list[dict[str, Any]]:
        """Return some rows as objects, cells as they were sent."""
        if self.rows is not None:
            return self.rows[start:stop]
        names = self.columns or []
        return [dict(zip(names, values, strict=True)) for values in self.data[start:stop]]

    def without(self, cells: Sequence[CellError]) -> Self:
        """See `RequestTable`."""
        keys: dict[int, list[str | int]] = {}
        for cell in cells:
            if cell.row is not None and cell.column is not None:
                columns = self.columns
                key = cell.column if columns is None else columns.index(cell.column)
                keys.setdefault(cell.row, []).append(key)
        if self.rows is None:
            return replace(self, data=BlankedRows(self.data, keys))
        return replace(self, rows=BlankedRows(self.rows, keys))

    def names(self) -> list[str]:
        """Names of all columns, in the order in which they first come."""
        if self.rows is None:
            return list(self.columns or [])
        return list(dict.fromkeys(chain.from_iterable(self.rows)))

    def cell(self, row: int, name: str) -> object:
        """One value; null where the row does not have it."""
        if self.rows is not None:
            value: object = self.rows[row].get(name)
            return value
        if self.columns and name in self.columns:
            return self.data[row][self.columns.index(name)]
        return None

    def values(self, name: str) -> Sequence[Any]:
        """Return the cells of one column; null where a row does not have it."""
        if self.rows is not None:
            return [row.get(name) for row in self.rows]
        if self.columns and name in self.columns:
            place = self.columns.index(name)
            return [values[place] for values in self.data]
        return [None] * len(self)

    def encode(self, schema: Schema) -> Float64:
        """See `RequestTable`."""
        return encode_table(self, schema)

    def check_objects(self) -> None:
        """See `RequestTable`; nothing can be wrong with what came as JSON."""

    def arrow(self, schema: Schema) -> pa.Table:
        """See `RequestTable`; columns that the model excludes have the type of their values."""
        kinds = {column.name: family(column.arrow_type) for column in schema.columns}
        cells: dict[str, list[Any]] = {name: [] for name in self.names()}
        for start in range(0, len(self), MIN_SLICE_ROWS):
            part = self.slice(start, start + MIN_SLICE_ROWS)
            for name, values in cells.items():
                values += part.values(name)
        return pa.table(
            {
                name: column_array(name, cells.pop(name), kinds[name])
                if name in kinds
                else _guessed(cells.pop(name))
                for name in list(cells)
            }
        )


def json_table(document: Mapping[str, Any]) -> JsonTable:
    """Find the table in a body and check its shape.

    Args:
        document: The body; `rows`, or `columns` and `data`.

    Raises:
        InvalidInputError: There is no table, there are two, or its rows are not rows.
    """
    rows, columns, data = (document.get(key) for key in ("rows", "columns", "data"))
    if rows is not None and (columns is not None or data is not None):
        raise InvalidInputError("Send the table as `rows` or as `columns` and `data`, not as both.")
    if rows is None and columns is None and data is None:
        raise InvalidInputError(
            "The table is missing: send `rows`, a list of objects, or `columns` and `data`."
        )
    if rows is not None:
        listed = _checked_list("rows", rows)
        _check_rows(listed, dict, "an object of column and value")
        return JsonTable(listed, None, [])
    names, data = list(_checked_list("columns", columns)), _checked_list("data", data)
    _check_names(names)
    if data and not names:
        raise InvalidInputError("`columns` names no column, but `data` has rows.")
    _check_rows(data, list, f"a list of {len(names)} values")
    if set(map(len, data)) - {len(names)}:
        _refuse(
            CellError(row, None, f"expected {len(names)} values, got {len(values)}")
            for row, values in enumerate(data)
            if len(values) != len(names)
        )
    return JsonTable(None, names, data)


def encode_table(form: JsonTable, schema: Schema) -> Float64:
    """Check a table against a schema and encode it.

    Many rows are taken a slice after the other: Arrow does not let go of the interpreter before it
    has looked at every object.

    Args:
        form: The table as it was sent.
        schema: The columns of the model.

    Returns:
        `(rows, D)`, NaN where missing.

    Raises:
        InvalidInputError: A column is unknown or a cell does not fit; each is named.
    """
    step = max(MIN_SLICE_ROWS, SLICE_CELLS // max(1, len(schema.columns)))
    if isinstance(form.rows, list) and len(form) <= step:
        return _encode(form, schema)
    encoded = np.full((len(form), len(schema.columns)), np.nan)
    errors: list[CellError] = []
    for start in range(0, max(1, len(form)), step):
        try:
            encoded[start : start + step] = _encode(form.slice(start, start + step), schema)
        except InvalidInputError as error:
            errors += [
                cell if cell.row is None else replace(cell, row=start + cell.row)
                for cell in error.cells
            ]
            if len(errors) >= CELL_ERRORS_LIMIT or any(cell.row is None for cell in errors):
                break
    if errors:
        raise InvalidInputError.of_cells(errors[:CELL_ERRORS_LIMIT])
    return encoded


def _encode(form: JsonTable, schema: Schema) -> Float64:
    if form.rows is not None and len(form) <= MAX_PLAIN_ROWS:
        plain = schema.row_encoder.encode(form.rows)
        if plain is not None:
            return plain
    known = {column.name for column in schema.columns} | {left.name for left in schema.left_out}
    errors = _unknown(form, known)
    if len(errors) >= CELL_ERRORS_LIMIT:
        raise InvalidInputError.of_cells(errors)
    arrays = _whole(form, schema)
    if arrays is None:
        arrays = {}
        for column in schema.columns:
            kind = family(column.arrow_type)
            try:
                arrays[column.name] = column_array(column.name, form.values(column.name), kind)
            except TableError as error:
                errors += error.cells
                # The other columns are still checked, and the row count must hold.
                arrays[column.name] = pa.nulls(len(form), _FORMS[kind][0])
    try:
        values = schema.encode(pa.table(arrays))
        _forget_absent(form, schema, values)
    except TableError as error:
        errors += error.cells
    if errors:
        errors.sort(key=lambda cell: -1 if cell.row is None else cell.row)
        raise InvalidInputError.of_cells(errors)
    return values


def _forget_absent(form: JsonTable, schema: Schema, values: Float64) -> None:
    """Where null is a value of a column, let the cells that were not sent be missing.

    Args:
        form: The table as it was sent.
        schema: The columns of the model.
        values: The table encoded, `(rows, D)`; changed in place.
    """
    for place in np.flatnonzero(~np.isnan(schema.null_codes)):
        name = schema.names[place]
        if form.rows is not None:
            values[[name not in row for row in form.rows], place] = np.nan
        elif name not in (form.columns or ()):
            values[:, place] = np.nan


def encode_given(given: Mapping[str, Any], schema: Schema) -> Float64:
    """Encode the evidence of a sample.

    Args:
        given: Value by name of column; null gives nothing, but where it is a value of the column.
        schema: The columns of the model.

    Returns:
        `(1, D)`, NaN where nothing is given.

    Raises:
        InvalidInputError: A column is unknown or not modelled, or a value does not fit.
    """
    errors = [
        CellError(None, left.name, f"not modelled, so nothing can be given ({left.reason})")
        for left in schema.left_out
        if left.name in given
    ][:CELL_ERRORS_LIMIT]
    try:
        values = encode_table(JsonTable([given], None, []), schema)
    except InvalidInputError as error:
        errors += [CellError(None, cell.column, cell.message) for cell in error.cells]
    if errors:
        raise InvalidInputError.of_cells(errors)
    return values


def _guessed(values: Sequence[Any]) -> pa.Array:
    """JSON values of no known type: as Arrow reads them, or as JSON text where they differ."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        texts = [None if value is None else orjson.dumps(value).decode() for value in values]
        return pa.array(texts, pa.string())


def _checked_list(key: str, value: object) -> Rows:
    if value is None:
        other = "columns" if key == "data" else "data"
        raise InvalidInputError(f"`{key}` is missing: `{other}` needs it.")
    if not isinstance(value, list | SlicedRows):
        instead = " CSV text is not read." if isinstance(value, str) else ""
        raise InvalidInputError(f"`{key}` must be a list, not {kind_of(value)}.{instead}")
    return value


def _check_rows(rows: Rows, kind: type, expected: str) -> None:
    if set(map(type, rows)) - {kind}:
        _refuse(
            CellError(number, None, f"expected {expected}, got {kind_of(row)}")
            for number, row in enumerate(rows)
            if type(row) is not kind
        )


def _check_names(columns: list[Any]) -> None:
    _refuse(_wrong_names(columns))


def _wrong_names(columns: list[Any]) -> Iterator[CellError]:
    seen: set[str] = set()
    for place, name in enumerate(columns):
        if not isinstance(name, str):
            yield CellError(None, None, f"columns[{place}] must be text, not {kind_of(name)}")
        elif name in seen:
            yield CellError(None, name, "named more than once in `columns`")
        else:
            seen.add(name)


def _refuse(errors: Iterable[CellError]) -> None:
    """Raise for the first errors of many, if there is one at all."""
    if first := list(islice(errors, CELL_ERRORS_LIMIT)):
        raise InvalidInputError.of_cells(first)


def _unknown(form: JsonTable, known: set[str]) -> list[CellError]:
    """Return an error for each unknown column; with its row where rows have names of their own."""
    if form.rows is None:
        places = ((None, name) for name in form.columns or [] if name not in known)
        return unknown_columns(list(islice(places, CELL_ERRORS_LIMIT)), known)
    if not set(chain.from_iterable(form.rows)) - known:
        return []
    cells = ((row, name) for row, names in enumerate(form.rows) for name in names)
    unknown = ((row, name) for row, name in cells if name not in known)
    return unknown_columns(list(islice(unknown, CELL_ERRORS_LIMIT)), known)


def _whole(form: JsonTable, schema: Schema) -> dict[str, pa.Array] | None:
    """All columns at once, or None where any cell stands in the way.

    Arrow takes true for 1, so a table with booleans among its numbers is read by column.
    """
    kinds = {column.name: family(column.arrow_type) for column in schema.columns}
    if form.rows is not None:
        cells: Iterator[Any] = chain.from_iterable(map(dict.values, form.rows))
    else:
        cells = chain.from_iterable(form.data)
    found = set(map(type, cells))
    if bool in found and Family.NUMBER in kinds.values():
        return None
    if form.rows is None and found <= {int, float} and set(kinds.values()) == {Family.NUMBER}:
        return _numbers(form, kinds)
    types = {name: _FORMS[kind][0] for name, kind in kinds.items()}
    try:
        if form.rows is not None:
            struct = pa.array(form.rows, pa.struct(list(types.items())))
            return dict(zip(types, struct.flatten(), strict=True))
        sent = dict(zip(form.columns or [], zip(*form.data, strict=True), strict=False))
        return {
            name: pa.array(sent[name], kind) if name in sent else pa.nulls(len(form), kind)
            for name, kind in types.items()
        }
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return None


def _numbers(form: JsonTable, names: Collection[str]) -> dict[str, pa.Array] | None:
    """Columns and data of numbers alone; None where a float may not hold one of them exactly."""
    try:
        numbers = np.array(form.data[:], np.float64).reshape(len(form), -1)
    except OverflowError:
        return None
    if not len(numbers) or np.abs(numbers).max() >= MAX_EXACT:
        return None
    sent = {name: place for place, name in enumerate(form.columns or [])}
    return {
        name: pa.array(np.ascontiguousarray(numbers[:, sent[name]]))
        if name in sent
        else pa.nulls(len(numbers), pa.float64())
        for name in names
    }


def column_array(name: str, values: Sequence[Any], kind: Family) -> pa.Array:
    """One column of JSON values.

    Args:
        name: Name of the column, for errors.
        values: Its cells as JSON has them, (rows,).
        kind: What the schema expects of them.

    Raises:
        TableError: Names the cells that do not say a value of the family.
    """
    target, allowed = _FORMS[kind]
    if not set(map(type, values)) <= allowed:
        values = coerce_cells(name, values, kind)
        if set(map(type, values)) == {bool, _NONE} or set(map(type, values)) == {bool}:
            return pa.array(values, pa.bool_())
    try:
        return pa.array(values, target)
    except (pa.ArrowException, OverflowError):
        return _large_numbers(values)


def _large_numbers(values: Sequence[Any]) -> pa.Array:
    """Return numbers with some among them that no float holds exactly: as text, digit by digit."""
    if set(map(type, values)) <= {int, _NONE}:
        for target in (pa.int64(), pa.uint64()):
            try:
                return pa.array(values, target)
            except (pa.ArrowInvalid, OverflowError):
                pass
    return pa.array([None if value is None else _digits(value) for value in values], pa.string())


def _digits(value: float | str) -> str:
    if isinstance(value, float) and 1e-15 < abs(value) < 1e37:  # without an exponent
        return format(Decimal(repr(value) if abs(value) < 1e15 else value), "f")
    return str(value)
