"""Forms of rows: the container that rows came in, into which other rows can be put."""

from typing import Any, Protocol

import pyarrow as pa

from madeira.models.tables.plain_types import is_plain

__all__ = ["ArrowForm", "Data", "Form"]

Data = Any
"""Rows in one of the forms that `madeira.models.tables.rows` lists."""


class Form(Protocol):
    """Kind of container that rows came in; it does not keep the rows."""

    def fresh(self, table: pa.Table) -> Data:
        """Return new rows in this form."""

    def filled(self, given: Data, table: pa.Table) -> Data:
        """Return rows of this form, their missing values taken from a table.

        Args:
            given: The rows as they came.
            table: The same rows filled; it may have further columns.
        """


class ArrowForm:
    """A table of Arrow."""

    def fresh(self, table: pa.Table) -> Data:
        """Return the table."""
        return table

    def filled(self, given: Data, table: pa.Table) -> Data:
        """Return the filled table; columns of types that are not plain keep them if they can."""
        for place, field in enumerate(given.schema):
            if is_plain(field.type):
                continue
            own, filled = given.column(place), table.column(place)
            if own.null_count == filled.null_count:
                table = table.set_column(place, field, own)
            elif pa.types.is_string_view(field.type):
                table = table.set_column(place, field, filled.cast(field.type))
        return table
