"""Overrides: kinds and settings of columns that a user gives in place of the inferred ones.

For a column the kind alone, or an object with

* `kind`: the kind; without it that is inferred;
* `reason`: why, for those who read the schema;
* `categories`: the values a binary or categorical column can have, in the order of their codes;
  a training row with another one is an error, later ones are `unknown`;
* `pattern`: how text writes dates, in the letters of `strftime`, such as `%d/%m/%Y`;
* `null`: what a null means. `unknown`, as it is where nothing is said: there is a value, which was
  not seen. `value`: there is none, such as the cabin of a passenger who has none; null is then one
  more outcome of the column, which is scored, drawn, and not imputed;
* `low`, `high`: ends of the support of a numeric column; training rows beyond them are `outside`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from madeira.models.columns.base import Column
from madeira.models.columns.categorical import Categorical, null_is_value
from madeira.models.columns.datetime import Datetime
from madeira.models.columns.kinds import KINDS
from madeira.models.columns.numeric import Numeric
from madeira.models.echo import expected_one_of, quoted
from madeira.models.errors import MAX_CELL_ERRORS, CellError, SchemaError, TableError
from madeira.models.schema.infer import LEFT_OUT, Verdict, infer
from madeira.models.schema.value_nulls import decided_nulls, with_null_value
from madeira.models.values.arrow_types import Family, family, value_type
from madeira.models.values.json_record import Record
from madeira.models.values.notation.date_notation import DateNotation
from madeira.models.values.numbers import decoded, shown

__all__ = ["Override", "Overrides", "overrides_of", "verdicts"]

Overrides = Mapping[str, str | Mapping[str, Any]]
"""Kind, or object with kind and more, by name of column."""

_BY_USER = "by the user"
_FIELDS = ("kind", "reason", "categories", "pattern", "null", "low", "high")


@dataclass(frozen=True)
class Override:
    """Settings of one column.

    Attributes:
        record: The object that says it.
    """

    record: Record

    @property
    def says_null(self) -> bool:
        """Whether it says what a null means."""
        return "null" in self.record.fields

    def kind_of(self, name: str, array: pa.ChunkedArray) -> str:
        """Return the kind wanted, `left_out` included, or the inferred one.

        Args:
            name: Name of the column.
            array: Its values, (rows,).

        Raises:
            TableError: The kind is to be inferred, and a number is NaN or infinite.
        """
        if "kind" in self.record.fields:
            return self.record.text("kind")
        return infer(name, array).kind

    def verdict(self, name: str, array: pa.ChunkedArray) -> Verdict:
        """Return kind and reason; where the kind is the inferred one, so is the reason.

        Args:
            name: Name of the column.
            array: Its values, (rows,).
        """
        kind = self.kind_of(name, array)
        if "reason" in self.record.fields:
            return Verdict(kind, self.record.text("reason"))
        try:
            inferred = infer(name, array)
        except TableError:  # an excluded column may hold values that cannot be learned
            return Verdict(kind, _BY_USER)
        return inferred if inferred.kind == kind else Verdict(kind, _BY_USER)

    def fit(self, name: str, array: pa.ChunkedArray) -> Column:
        """Learn the column as it is wanted.

        Args:
            name: Name of the column.
            array: Its values, (rows,).

        Raises:
            SchemaError: It cannot be of that kind, or holds other values than were named.
            TableError: A cell is unusable, such as NaN in a column of numbers.
        """
        kind = self.kind_of(name, array)
        try:
            if "pattern" in self.record.fields:
                column = self._dates(name, array, kind)
            else:
                column = KINDS[kind].fit(name, array)
            if {"low", "high"} & self.record.fields.keys():
                column = self._bounded(column, array)
        except SchemaError as error:
            raise SchemaError(str(error), error.path or self.record.path) from None
        if "categories" in self.record.fields:
            column = self._closed(column, array)
        return self._with_null(column, array) if null_is_value(self.record) else column

    def _with_null(self, column: Column, array: pa.ChunkedArray) -> Column:
        """Make null a value of a column.

        Raises:
            SchemaError: Columns of the kind have no such value yet, or no row holds a null.
        """
        if not array.null_count:
            raise self.record.wrong("null", "'unknown': no row of the column is null")
        with_null = with_null_value(column, array)
        if with_null is None:
            raise self.record.wrong(
                "null", f"'unknown': null cannot be a value of a {column.kind} column"
            )
        return with_null

    def _dates(self, name: str, array: pa.ChunkedArray, kind: str) -> Column:
        """Learn dates that text writes in the pattern that the user gave."""
        if kind != Datetime.kind or family(array.type) not in (Family.TEXT, Family.NUMBER):
            expected = "left away: it is for datetime columns that are held as text or numbers"
            raise self.record.wrong("pattern", expected)
        notation = DateNotation.of(self.record)
        column = Datetime.fit(name, notation.read(name, decoded(array)))
        return replace(column, arrow_type=value_type(array.type), notation=notation)

    def _bounded(self, column: Column, array: pa.ChunkedArray) -> Column:
        """Give a numeric column the ends that the user named.

        Raises:
            SchemaError: The column is not numeric, or an end is no value of it.
        """
        ends = {
            end: self.record.fields[end] for end in ("low", "high") if end in self.record.fields
        }
        if not isinstance(column, Numeric):
            raise self.record.wrong(
                next(iter(ends)), f"left away: a {column.kind} column has no ends"
            )
        content = column.to_json() | ends
        named = type(column).from_json(Record(self.record.where, content, self.record.path))
        low, high = named.support.low, named.support.high
        return column.with_support(
            array, low if np.isfinite(low) else None, high if np.isfinite(high) else None
        )

    def _closed(self, column: Column, array: pa.ChunkedArray) -> Column:
        """Give a column the categories that the user named, and find rows with others.

        Raises:
            SchemaError: The kind has no categories, or a row holds another one.
        """
        content = column.to_json()
        field = "categories" if "categories" in content else "values"
        if field not in content:
            raise self.record.wrong("categories", f"left away: a {column.kind} column has none")
        values = self.record.items("categories")
        named = Record(self.record.where, content | {field: values}, self.record.path)
        try:
            closed = type(column).from_json(named)
            codes = closed.encode(array)
        except SchemaError as error:
            path = tuple("categories" if key == field else key for key in error.path)
            raise SchemaError(str(error).replace(repr(field), "'categories'"), path) from None
        unknown = np.flatnonzero(codes == closed.unknown_code)
        if isinstance(closed, Categorical) and unknown.size:
            row = int(unknown[0])
            raise SchemaError(
                f"column {quoted(closed.name)}: {shown(decoded(array), row)} in row {row} "
                "is not among its categories",
                (*self.record.path, "categories"),
            )
        return closed


def overrides_of(names: Sequence[str], overrides: Overrides) -> dict[str, Override]:
    """Check overrides against the names of a table's columns.

    Args:
        names: Names of the table's columns.
        overrides: As a user gives them.

    Raises:
        SchemaError: There is no such column or kind, or a field is not understood.
    """
    wanted = {}
    for name, override in overrides.items():
        where = f"override of {quoted(name)}"
        if name not in names:
            raise SchemaError(f"{where}: {expected_one_of(names, name)}", (name,))
        fields = {"kind": override} if isinstance(override, str) else override
        record = Record.of(where, fields, (name,))
        said = "kind" in fields or "null" not in fields
        if said and record.text("kind") not in (*KINDS, LEFT_OUT):
            raise record.wrong("kind", f"one of {', '.join([*KINDS, LEFT_OUT])}")
        null_is_value(record)
        record.only(_FIELDS)
        if "reason" in fields:
            record.text("reason")
        wanted[name] = Override(record)
    return wanted


def verdicts(table: pa.Table, overrides: Overrides | None = None) -> dict[str, Verdict]:
    """Return kind and reason of every column, in the order of the table; nothing is fitted.

    Args:
        table: Training rows.
        overrides: Kinds that a user gives, if any.

    Raises:
        SchemaError: The table has no rows; there is no such column or kind.
        TableError: A number is NaN or infinite.
    """
    wanted = overrides_of(table.column_names, overrides or {})
    if not table.num_rows:
        raise SchemaError("the table has no rows")
    decided: dict[str, Verdict] = {}
    errors: list[CellError] = []
    for name in table.column_names:
        array = table.column(name)
        try:
            override = wanted.get(name)
            decided[name] = override.verdict(name, array) if override else infer(name, array, table)
        except TableError as error:
            errors += error.cells
    if errors:
        raise TableError(errors[:MAX_CELL_ERRORS])
    modelled = [name for name, verdict in decided.items() if verdict.kind != LEFT_OUT]
    for name, said in decided_nulls(table, modelled).items():
        if name not in wanted or not wanted[name].says_null:
            decided[name] = replace(decided[name], reason=f"{decided[name].reason}; {said}")
    return decided
