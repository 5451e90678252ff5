"""Forms of rows: the container that rows came in, into which other rows can be put."""

from typing import Any, Protocol

import pyarrow as pa

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
        """Return the filled table."""
        return table
