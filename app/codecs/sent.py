"""Tables as callers send them, in whichever format: what endpoints need of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import pyarrow as pa

from madeira.app.codecs.arrow_cells import check_row_objects, encode_arrow, row_objects
from madeira.app.codecs.cells import TableForm, column_array, encode_table
from madeira.app.jobs import Array
from madeira.models.columns.arrow_types import family
from madeira.models.columns.schema import Schema

__all__ = ["ArrowTable", "JsonTable", "SentTable"]


class SentTable(Protocol):
    """A table that was sent, not yet checked against a model."""

    def __len__(self) -> int:
        """Rows."""

    def encode(self, schema: Schema) -> Array:
        """Codes, `(rows, D)`, NaN where missing; raises InvalidInputError for cells."""

    def cell(self, row: int, name: str) -> object:
        """One value, as it was sent."""

    def check_objects(self) -> None:
        """Raises InvalidInputError or BodyTooLargeError where `objects` has no or too long text."""

    def objects(self, start: int, stop: int) -> list[dict[str, Any]]:
        """Some rows as JSON objects, cells as they were sent."""

    def arrow(self, schema: Schema) -> pa.Table:
        """The columns as Arrow has them, once `encode` has accepted them."""


@dataclass(frozen=True, slots=True)
class ArrowTable:
    """A table from an Arrow stream.

    Attributes:
        table: Its columns.
        text_limit_bytes: Most bytes of text that may be written out as JSON.
    """

    table: pa.Table
    text_limit_bytes: int

    def __len__(self) -> int:
        rows: int = self.table.num_rows
        return rows

    def encode(self, schema: Schema) -> Array:
        """See `SentTable`."""
        return encode_arrow(self.table, schema)

    def cell(self, row: int, name: str) -> object:
        """See `SentTable`."""
        value: object = self.table.column(name)[row].as_py()
        return value

    def check_objects(self) -> None:
        """See `SentTable`."""
        check_row_objects(self.table, self.text_limit_bytes)

    def objects(self, start: int, stop: int) -> list[dict[str, Any]]:
        """See `SentTable`."""
        return row_objects(self.table.slice(start, stop - start), self.text_limit_bytes)

    def arrow(self, schema: Schema) -> pa.Table:
        """See `SentTable`."""
        return self.table


@dataclass(frozen=True, slots=True)
class JsonTable:
    """A table from a JSON body.

    Attributes:
        form: Its rows or columns.
    """

    form: TableForm

    def __len__(self) -> int:
        return len(self.form)

    def encode(self, schema: Schema) -> Array:
        """See `SentTable`."""
        return encode_table(self.form, schema)

    def cell(self, row: int, name: str) -> object:
        """See `SentTable`."""
        return self.form.cell(row, name)

    def check_objects(self) -> None:
        """See `SentTable`; nothing can be wrong with what came as JSON."""

    def objects(self, start: int, stop: int) -> list[dict[str, Any]]:
        """See `SentTable`."""
        return self.form.objects(start, stop)

    def arrow(self, schema: Schema) -> pa.Table:
        """See `SentTable`; columns that the model leaves out have the type their values have."""
        kinds = {column.name: family(column.arrow_type) for column in schema.columns}
        return pa.table(
            {
                name: column_array(name, self.form.values(name), kinds[name])
                if name in kinds
                else _guessed(self.form.values(name))
                for name in self.form.names()
            }
        )


def _guessed(values: Sequence[Any]) -> pa.Array:
    """JSON values of no known type: as Arrow reads them, or as JSON text where they differ."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        texts = [None if value is None else orjson.dumps(value).decode() for value in values]
        return pa.array(texts, pa.string())
