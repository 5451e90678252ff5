"""The schema: which columns of a table are modelled and how, which are excluded and why."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from madeira.models.arrays import Float64
from madeira.models.columns.base import Column
from madeira.models.columns.binary import Binary
from madeira.models.columns.derived import NullIndicator
from madeira.models.columns.factorised import Factorised
from madeira.models.columns.kinds import KINDS, kind_of
from madeira.models.columns.numeric import Numeric
from madeira.models.echo import MAX_HINTS, expected_one_of, quoted
from madeira.models.errors import MAX_CELL_ERRORS, CellError, RowsTypeError, SchemaError, TableError
from madeira.models.schema.category_order import with_category_order
from madeira.models.schema.infer import LEFT_OUT, infer
from madeira.models.schema.null_indicators import null_indicators
from madeira.models.schema.overrides import Overrides, overrides_of
from madeira.models.schema.value_nulls import decided_nulls, with_null_value
from madeira.models.values.json_record import Record
from madeira.models.values.row_encoder import CellEncoder, RowEncoder

__all__ = ["FORMAT_VERSION", "LeftOut", "Schema"]

FORMAT_VERSION = 1
"""Version of `schema.json` that this code writes and reads."""


@dataclass(frozen=True)
class LeftOut:
    """A column that is not modelled.

    Attributes:
        name: Name of the column.
        reason: Why, for a person to read.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Schema:
    """The columns of a table as the model knows them.

    Attributes:
        columns: The columns that are modelled, in the order of the table.
        left_out: The columns that are not; tables may contain them.
        derived: Variables of the network beside the columns: whether cells are null. No table
            holds them.
    """

    columns: tuple[Column, ...]
    left_out: tuple[LeftOut, ...] = ()
    derived: tuple[NullIndicator, ...] = ()

    @classmethod
    def infer(cls, table: pa.Table, overrides: Overrides | None = None) -> "Schema":
        """Learn a schema from a table.

        Args:
            table: Training rows; null means missing.
            overrides: For some columns the kind that they are to have, `"left_out"` included:
                `{"age": "continuous"}` or `{"age": {"kind": "left_out", "reason": "private"}}`;
                see `madeira.models.schema.overrides` for what else can be said.

        Raises:
            RowsTypeError: It is not a `pyarrow.Table`.
            SchemaError: The table has no rows or two columns of one name; an override names a
                column or a kind that does not exist, or one that the column cannot have.
            TableError: A number is NaN or infinite.
        """
        if not isinstance(table, pa.Table):
            raise RowsTypeError(
                "a schema is inferred from a pyarrow.Table, such as read_table and "
                f"pyarrow.table(frame) give; this is of type {type(table).__name__}"
            )
        if (twice := _repeated(table.column_names)) is not None:
            raise SchemaError(f"the table has two columns named {quoted(twice)}")
        wanted = overrides_of(table.column_names, overrides or {})
        if not table.num_rows:
            raise SchemaError("the table has no rows")
        columns: list[Column] = []
        left_out: list[LeftOut] = []
        errors: list[CellError] = []
        for name in table.column_names:
            array = table.column(name)
            try:
                override = wanted.get(name)
                if override and override.kind_of(name, array) != LEFT_OUT:
                    columns.append(override.fit(name, array))
                    continue
                verdict = override.verdict(name, array) if override else infer(name, array, table)
                if verdict.kind == LEFT_OUT:
                    left_out.append(LeftOut(name, verdict.reason))
                else:
                    columns.append(KINDS[verdict.kind].fit(name, array))
            except TableError as error:
                errors += error.cells
        if errors:
            raise TableError(errors[:MAX_CELL_ERRORS])
        decided = decided_nulls(table, [column.name for column in columns])
        for place, column in enumerate(columns):
            said = column.name in wanted and wanted[column.name].says_null
            if column.name in decided and not said:
                columns[place] = with_null_value(column, table.column(column.name)) or column
        if not all(isinstance(column, Binary) for column in columns):
            columns = [
                replace(column, one_hot=True) if isinstance(column, Binary) else column
                for column in columns
            ]
        columns = [
            column.with_support(table.column(column.name))
            if isinstance(column, Numeric) and not column.support.bounded
            else column
            for column in columns
        ]
        schema = cls(tuple(columns), tuple(left_out))
        if any(isinstance(column, Factorised) for column in columns):
            return replace(
                schema, columns=tuple(with_category_order(columns, schema.encode(table)))
            )
        return schema

    def with_null_indicators(self, values: Float64) -> "Schema":
        """Return the schema with the pattern of missing cells, as training rows show it.

        Args:
            values: Encoded training rows, NaN where missing, (rows, D).
        """
        return replace(self, derived=null_indicators(self.names, values))

    @property
    def variables(self) -> tuple[Column, ...]:
        """Variables of the network: the columns, and what is derived from them."""
        return (*self.columns, *self.derived)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the modelled columns, (D,)."""
        return tuple(column.name for column in self.columns)

    @property
    def arrow_schema(self) -> pa.Schema:
        """Arrow names and types of the modelled columns."""
        return pa.schema([(column.name, column.arrow_type) for column in self.columns])

    def encode(self, table: pa.Table) -> Float64:
        """Turn a table into codes.

        Columns are found by name, in any order. Excluded columns are ignored; a
        column that the table lacks is missing throughout.

        Returns:
            Codes, (rows, D) float64, NaN where missing.

        Raises:
            TableError: Names each cell that does not fit and each unknown column.
        """
        errors = self._unknown_columns(table.column_names)
        present = set(table.column_names)
        codes = np.full((table.num_rows, len(self.columns)), np.nan)
        for d, column in enumerate(self.columns):
            if column.name not in present:
                continue
            try:
                codes[:, d] = column.encode(table.column(column.name))
            except TableError as error:
                errors += error.cells
        if errors:
            raise TableError(errors[:MAX_CELL_ERRORS])
        return codes

    @cached_property
    def row_encoder(self) -> RowEncoder:
        """Encoder of a few rows of JSON."""
        places: dict[str, tuple[int, CellEncoder] | None] = {
            column.name: None for column in self.left_out
        }
        for place, column in enumerate(self.columns):
            places[column.name] = place, column.cell_encoder()
        return RowEncoder(places, self.null_codes.tolist())

    @cached_property
    def null_codes(self) -> Float64:
        """The code of null by column, (D,), NaN where null means that a cell is missing."""
        codes = [column.null_code for column in self.columns]
        return np.array([math.nan if code is None else code for code in codes])

    def without_null_values(self, values: Float64) -> Float64:
        """Return codes, (rows, D), in which nulls that are a value are missing cells too."""
        return np.where(values == self.null_codes, np.nan, values)

    @cached_property
    def unknown_codes(self) -> Float64 | None:
        """The code of the unknown by column, (D,), NaN where there is none; None if nowhere."""
        codes = [column.unknown_code for column in self.columns]
        if not any(code is not None for code in codes):
            return None
        return np.array([math.nan if code is None else code for code in codes])

    def decode(self, values: Float64, columns: Sequence[str] | None = None) -> pa.Table:
        """Turn codes, (rows, D), into a table of all columns, or of those named.

        Args:
            values: Codes, (rows, D).
            columns: Names of the columns wanted; None for all.
        """
        wanted = self.names if columns is None else columns
        place = {name: d for d, name in enumerate(self.names)}
        return pa.table(
            {name: self.columns[place[name]].decode(values[:, place[name]]) for name in wanted}
        )

    def describe(self) -> list[dict[str, Any]]:
        """Describe each column to callers of the service, ready for JSON."""
        return [column.describe() for column in self.columns]

    def to_json(self) -> dict[str, Any]:
        """Return the content of `schema.json`."""
        return {
            "format_version": FORMAT_VERSION,
            "columns": [column.to_json() for column in self.columns],
            "left_out": [
                {"name": column.name, "reason": column.reason} for column in self.left_out
            ],
        } | ({"null_indicators": self._null_indicators()} if self.derived else {})

    @classmethod
    def from_json(cls, content: object) -> "Schema":
        """Read what `to_json` wrote, or a person edited.

        Raises:
            SchemaError: Says where in the file and what was expected.
        """
        schema = Record.of("schema", content)
        if schema.fields.get("format_version") != FORMAT_VERSION:
            raise schema.wrong("format_version", str(FORMAT_VERSION))
        columns = [_column(record) for record in _entries(schema, "columns")]
        left_out = [
            LeftOut(record.text("name"), record.text("reason"))
            for record in _entries(schema, "left_out")
        ]
        names = [*(column.name for column in columns), *(column.name for column in left_out)]
        if (twice := _repeated(names)) is not None:
            last = len(names) - 1 - names[::-1].index(twice)
            path = ("columns", last) if last < len(columns) else ("left_out", last - len(columns))
            raise SchemaError(f"schema: column {quoted(twice)} occurs twice", (*path, "name"))
        return cls(tuple(columns), tuple(left_out), _null_indicators(schema, columns))

    def _null_indicators(self) -> list[list[str]]:
        """Return the columns of each indicator, by name."""
        return [[self.names[place] for place in one.of] for one in self.derived]

    def _unknown_columns(self, names: Sequence[str]) -> list[CellError]:
        """Return an error for each name that the schema does not know.

        Raises:
            TableError: A name occurs twice, so that it is unclear which column is meant.
        """
        if (twice := _repeated(names)) is not None:
            raise TableError([CellError(None, twice, "the table has two columns of this name")])
        known = {*self.names, *(column.name for column in self.left_out)}
        unknown = list(islice((name for name in names if name not in known), MAX_CELL_ERRORS))
        hints = {name: expected_one_of(self.names, name) for name in unknown[:MAX_HINTS]}
        otherwise = expected_one_of(self.names)
        return [
            CellError(None, name, f"unknown column; {hints.get(name, otherwise)}")
            for name in unknown
        ]


def _column(record: Record) -> Column:
    """Read one entry of `columns`."""
    record.text("name")
    column = kind_of(record).from_json(record)
    record.only(column.to_json())
    return column


def _null_indicators(schema: Record, columns: Sequence[Column]) -> tuple[NullIndicator, ...]:
    """Read the columns whose nulls are modelled; files of models before this have none."""
    if "null_indicators" not in schema.fields:
        return ()
    places = {column.name: place for place, column in enumerate(columns)}
    indicators = []
    for names in schema.items("null_indicators"):
        if not isinstance(names, list) or not names or not all(name in places for name in names):
            raise schema.wrong("null_indicators", "lists of names of columns")
        indicators.append(NullIndicator.over(tuple(names), tuple(places[name] for name in names)))
    return tuple(indicators)


def _entries(schema: Record, field: str) -> list[Record]:
    """Return the objects of a list, with their places in the file, and their names."""
    records = []
    for place, entry in enumerate(schema.items(field)):
        name = entry.get("name") if isinstance(entry, Mapping) else None
        where = f"{field}[{place}] {quoted(name)}" if name else f"{field}[{place}]"
        records.append(Record.of(where, entry, (field, place)))
    return records


def _repeated(names: Iterable[str]) -> str | None:
    """Return a name that occurs more than once, if one does."""
    return next((name for name, count in Counter(names).items() if count > 1), None)
