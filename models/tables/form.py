"""The form of rows: in what they came, and how other rows are put into the same."""

from typing import Any, Protocol

import pyarrow as pa

__all__ = ["ArrowForm", "Data", "Form"]

Data = Any
"""Rows in one of the forms that `madeira.models.tables.rows` lists."""


class Form(Protocol):
    """What kind of container rows came in; it does not keep the rows."""

    def fresh(self, table: pa.Table) -> Data:
        """Returns new rows in this form."""

    def filled(self, given: Data, table: pa.Table) -> Data:
        """Returns rows of this form with what was missing in them taken from a table.

        Args:
            given: The rows as they came.
            table: The same rows filled; it may have further columns.
        """


class ArrowForm:
    """A table of Arrow."""

    def fresh(self, table: pa.Table) -> Data:
        """Returns the table."""
        return table

    def filled(self, given: Data, table: pa.Table) -> Data:
        """Returns the filled table."""
        return table
