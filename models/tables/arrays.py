"""Rows held by Python and NumPy alone: dicts of columns, lists of records, arrays."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from madeira.models.errors import CellError, ConfigError, RowsTypeError, TableError
from madeira.models.tables.form import Data

__all__ = [
    "ArrayForm",
    "DictForm",
    "RecordsForm",
    "column_of",
    "of_array",
    "of_columns",
    "of_records",
]

Array = npt.NDArray[Any]
_WRITTEN = (str, int, float, np.number, Decimal, dt.date)
_NOT_CONVERTED = (pa.ArrowException, TypeError, ValueError, OverflowError)


def column_of(name: str, values: Data) -> pa.Array | pa.ChunkedArray:
    """Return the cells of a column, `(rows,)`, null where they are None, NaN or NaT.

    Args:
        name: Name of the column, for errors.
        values: Its cells, in a list or an array.

    Raises:
        TableError: They are of several sorts, or of one that no table holds.
    """
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        message = f"expected the cells of the column in a list or an array, got {values!r:.60}"
        raise TableError([CellError(None, name, message)])
    if hasattr(values, "__arrow_c_stream__") and not nw.dependencies.is_pandas_series(values):
        return pa.chunked_array(values)
    try:
        return pa.array(values, from_pandas=True)
    except _NOT_CONVERTED as error:
        if (texts := _as_texts(values)) is not None:
            return texts
        row = _first_refused(values)
        sorts = "of several sorts" if row else "that no table holds"
        reason = f"holds values {sorts}: {str(error).strip()}"
        raise TableError([CellError(row, name, reason)]) from error


def _as_texts(values: Data) -> pa.Array | None:
    """Return numbers and dates as text where texts stand among them; None for other mixtures."""
    if getattr(values, "ndim", 1) != 1:
        return None
    cells = list(values)
    missing = [cell is None or cell != cell or str(cell) in ("NaT", "<NA>") for cell in cells]
    known = [cell for cell, absent in zip(cells, missing, strict=True) if not absent]
    if not any(isinstance(cell, str) for cell in known):
        return None
    if not all(isinstance(cell, _WRITTEN) and not isinstance(cell, bool) for cell in known):
        return None
    texts = [None if absent else str(cell) for cell, absent in zip(cells, missing, strict=True)]
    return pa.array(texts, pa.string())


def _first_refused(values: Data) -> int | None:
    """Return the first row that cannot stand in one column with those before it."""
    if getattr(values, "ndim", 1) != 1:
        return None
    cells = list(values)
    first, last = 0, len(cells)  # so many cells can be converted, so many cannot
    while last - first > 1:
        middle = (first + last) // 2
        try:
            pa.array(cells[:middle], from_pandas=True)
            first = middle
        except _NOT_CONVERTED:
            last = middle
    return first


def of_columns(columns: Mapping[Any, Data]) -> pa.Table:
    """Return the table of a dict of columns.

    Raises:
        TableError: A column holds values of several sorts, or columns are of several lengths.
    """
    arrays = {str(name): column_of(str(name), values) for name, values in columns.items()}
    first = next(iter(arrays), "")
    for name, array in arrays.items():
        if len(array) != len(arrays[first]):
            message = f"has {len(array)} cells where column {first!r} has {len(arrays[first])}"
            raise TableError([CellError(None, name, message)])
    return pa.table(arrays)


def of_records(records: Sequence[Data]) -> pa.Table:
    """Return the table of a list of records; a key that a record lacks is missing in it.

    Raises:
        RowsTypeError: A record is not a dict.
        TableError: A column holds values of several sorts.
    """
    for row, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise RowsTypeError(
                "a list of rows is expected to hold a dict a row, column names its keys; "
                f"row {row} is of type {type(record).__name__}"
            )
    names = dict.fromkeys(name for record in records for name in record)
    return of_columns({name: [record.get(name) for record in records] for name in names})


def of_array(array: Array, names: Sequence[str] | None = None) -> pa.Table:
    """Return the table of an array.

    Args:
        array: Numbers, texts or objects, `(rows, columns)`.
        names: Names of the columns; `x0`, `x1`, ... by default.

    Raises:
        RowsTypeError: The array has not two dimensions.
        ConfigError: There are more names than columns, or fewer.
        TableError: A column holds values of several sorts.
    """
    if array.ndim != 2:
        raise RowsTypeError(
            f"an array of rows has two dimensions, (rows, columns); this has {array.ndim}: "
            f"its shape is {array.shape}"
        )
    if names is None:
        names = [f"x{place}" for place in range(array.shape[1])]
    if len(names) != array.shape[1]:
        raise ConfigError(
            f"the array has {array.shape[1]} columns where {len(names)} are expected: "
            f"{', '.join(names[:20])}{', ...' if len(names) > 20 else ''}"
        )
    return pa.table(
        [column_of(name, column) for name, column in zip(names, array.T, strict=True)],
        names=list(names),
    )


@dataclass(frozen=True)
class DictForm:
    """A dict of columns.

    Attributes:
        arrays: Whether the columns are arrays of NumPy; else they are lists.
    """

    arrays: bool

    @classmethod
    def of(cls, columns: Mapping[Any, Data]) -> "DictForm":
        """Return the form of a dict."""
        return cls(any(isinstance(column, np.ndarray) for column in columns.values()))

    def fresh(self, table: pa.Table) -> Data:
        """Return new rows as a dict."""
        if not self.arrays:
            return table.to_pydict()
        return {name: _cells(table.column(name)) for name in table.column_names}

    def filled(self, given: Data, table: pa.Table) -> Data:
        """Return the filled rows as a dict."""
        return self.fresh(table)


class RecordsForm:
    """A list of dicts."""

    def fresh(self, table: pa.Table) -> Data:
        """Return new rows as records."""
        return table.to_pylist()

    def filled(self, given: Data, table: pa.Table) -> Data:
        """Return the filled rows as records."""
        return table.to_pylist()


@dataclass(frozen=True)
class ArrayForm:
    """An array `(rows, columns)`.

    Attributes:
        names: Names of its columns.
    """

    names: tuple[str, ...]

    def fresh(self, table: pa.Table) -> Data:
        """Return new rows, of float64 where all are numbers; a column that misses is NaN."""
        absent = np.full(table.num_rows, np.nan)
        present = set(table.column_names)
        columns = [_cells(table.column(name)) if name in present else absent for name in self.names]
        numbers = all(column.dtype.kind in "biuf" for column in columns)
        shape = (table.num_rows, len(columns))
        array = np.empty(shape, dtype=np.float64 if numbers else object)
        for place, column in enumerate(columns):
            array[:, place] = column
        return array

    def filled(self, given: Data, table: pa.Table) -> Data:
        """Return a copy of the array with its missing cells filled."""
        result = given.copy()
        for place, name in enumerate(self.names):
            if name not in table.column_names:
                continue
            gaps = column_of(name, given[:, place]).is_null().to_numpy(zero_copy_only=False)
            if gaps.any():
                values = np.asarray(table.column(name).to_pylist(), dtype=object)[gaps]
                result[gaps, place] = [np.nan if value is None else value for value in values]
        return result


def _cells(column: pa.ChunkedArray) -> Array:
    """Return the cells of a column, NaN or None where null."""
    if isinstance(column.type, pa.DictionaryType):
        column = column.cast(column.type.value_type)
    cells: Array = column.to_numpy(zero_copy_only=False)
    return cells
