"""Rows as people hold them, taken in as Arrow tables and given back in the form they came in.

| rows | what comes back |
| --- | --- |
| a `pyarrow.Table` | the same |
| a data frame of pandas | the same, with its index, column names and types |
| a frame of Polars, Modin or cuDF, a lazy one, a relation of DuckDB, a table of Ibis | the same |
| a dict of columns | the same, of lists or of NumPy arrays |
| a list of records, each a dict | the same |
| a NumPy array `(rows, columns)` | the same |
| what else has `__arrow_c_stream__`, `__arrow_c_array__` or `__dataframe__` | `pyarrow.Table` |
| a path or URL that `read_table` reads | `pyarrow.Table` |

Missing are nulls, and NaN where it is the word for it: in pandas, NumPy and lists.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import narwhals as nw
import numpy as np
import pyarrow as pa
from pyarrow.interchange import from_dataframe

from madeira.models.errors import RowsTypeError
from madeira.models.tables.arrays import (
    ArrayForm,
    DictForm,
    RecordsForm,
    of_array,
    of_columns,
    of_records,
)
from madeira.models.tables.files import read_table
from madeira.models.tables.form import ArrowForm, Data, Form
from madeira.models.tables.frames import FrameForm
from madeira.models.tables.pandas_frames import PandasForm, of_pandas
from madeira.models.tables.plain_types import with_plain_types

__all__ = ["Rows", "rows_of"]

_ACCEPTED = (
    "a data frame (pandas, Polars, DuckDB, or what else has the Arrow PyCapsule interface), "
    "a pyarrow.Table, a dict of columns, a list of dicts, a NumPy array of two dimensions, "
    "or the path or URL of a CSV, Parquet or Arrow file"
)


@dataclass(frozen=True)
class Rows:
    """Rows as they came, and as a table.

    Attributes:
        given: As they came.
        table: The same rows.
        form: What they came in.
    """

    given: Data
    table: pa.Table
    form: Form

    def filled(self, table: pa.Table) -> Data:
        """Return the rows in the form that they came in, missing values taken from a table."""
        return self.form.filled(self.given, table)


def rows_of(data: Data, names: Sequence[str] | None = None, trained: Form | None = None) -> Rows:
    """Take rows in.

    Args:
        data: Rows in one of the forms that the text of this module lists.
        names: Names of the columns of an array, which has none; `x0`, `x1`, ... by default.
        trained: Form of the rows that the model was trained on: its types are those of columns
            which are missing altogether.

    Raises:
        RowsTypeError: No table is made of such a thing; the message names what is accepted.
        TableError: The cells of a column are of several sorts, or columns of several lengths.
        TableFileError: The file holds no readable table.
    """
    if isinstance(data, np.ndarray):
        table = of_array(data, names)
        return Rows(data, table, ArrayForm(tuple(table.column_names)))
    if isinstance(data, pa.Table):
        return Rows(data, with_plain_types(data), ArrowForm())
    if isinstance(data, str | Path):
        table = read_table(data)
        return Rows(table, table, ArrowForm())
    if isinstance(data, Mapping):
        return Rows(data, with_plain_types(of_columns(data)), DictForm.of(data))
    if isinstance(data, list | tuple):
        return Rows(data, with_plain_types(of_records(data)), RecordsForm())
    if nw.dependencies.is_into_series(data):
        raise RowsTypeError(
            f"{_name(data)} is one column, not a table; its method to_frame() makes one of it"
        )
    if nw.dependencies.is_pandas_dataframe(data):
        return Rows(data, with_plain_types(of_pandas(data)), PandasForm.of(data, trained))
    frame = nw.from_native(data, pass_through=True)
    if isinstance(frame, nw.DataFrame | nw.LazyFrame):
        table = with_plain_types(FrameForm.table(frame))
        return Rows(data, table, FrameForm.of(frame, trained))
    table = with_plain_types(_by_protocol(data))
    return Rows(table, table, ArrowForm())


def _by_protocol(data: Data) -> pa.Table:
    """Read an object of an unknown library by the protocols that it supports.

    Raises:
        RowsTypeError: It supports none, or holds no table.
    """
    try:
        if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
            return pa.table(data)
        if hasattr(data, "__dataframe__"):
            return pa.table(from_dataframe(data))
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise RowsTypeError(f"{_name(data)} is not a table: {error}") from error
    raise RowsTypeError(f"rows are expected as {_ACCEPTED}; this is of type {_name(data)}")


def _name(data: Data) -> str:
    kind = type(data)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
