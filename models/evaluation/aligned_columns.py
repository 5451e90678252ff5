"""Columns of several tables in a form in which they can be compared."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.arrays import Float64, Int64
from madeira.models.errors import CellError, TableError
from madeira.models.values.arrow_types import Family, family, value_type
from madeira.models.values.numbers import to_numbers

__all__ = ["MISSING", "AlignedColumn", "aligned_columns"]

_NUMERIC = {Family.NUMBER, Family.INSTANT, Family.TIME, Family.DURATION}
MISSING = -1


@dataclass(frozen=True)
class AlignedColumn:
    """One column of several tables.

    Attributes:
        name: Name of the column.
        number: Whether its values are numbers; otherwise they are categories.
        values: Of each table an array `(rows,)`: numbers as float64, NaN where missing; or codes
            of categories as int64, the same in all tables, -1 where missing.
        count: Number of categories in all tables together; 0 for numbers.
    """

    name: str
    number: bool
    values: tuple[npt.NDArray[np.generic], ...]
    count: int

    def floats(self, table: int) -> Float64:
        """Numbers, or codes with NaN where missing, of one table, `(rows,)`."""
        values = self.values[table]
        if self.number:
            return values.astype(np.float64)
        return np.where(values == MISSING, np.nan, values.astype(np.float64))

    def codes(self, table: int) -> Int64:
        """Codes of one table, `(rows,)`; -1 where missing."""
        return self.values[table].astype(np.int64)


def aligned_columns(
    tables: Sequence[pa.Table], categories: Collection[str] = ()
) -> list[AlignedColumn]:
    """Read the columns of the first table from all of them.

    Args:
        tables: At least one; the others need the columns of the first, in any order.
        categories: Names of number columns that are categories.

    Raises:
        TableError: A table lacks a column, or has another sort of values in it.
    """
    return [_read(name, tables, name in categories) for name in tables[0].column_names]


def _read(name: str, tables: Sequence[pa.Table], category: bool) -> AlignedColumn:
    arrays = []
    for table in tables:
        if name not in table.column_names:
            raise TableError([CellError(None, name, "a table to compare with lacks this column")])
        arrays.append(_decoded(table.column(name)))
    families = {family(array.type) for array in arrays} - {Family.EMPTY}
    if len(families) <= 1 and families <= _NUMERIC:
        numbers = [_numbers(array) for array in arrays]
        if not category:
            return AlignedColumn(name, True, tuple(numbers), 0)
        arrays = [pa.array(values, from_pandas=True) for values in numbers]
    elif not families.isdisjoint(_NUMERIC):
        found = ", ".join(sorted(families))
        raise TableError([CellError(None, name, f"the tables differ in what they hold: {found}")])
    if len({array.type for array in arrays}) > 1:
        arrays = [pc.cast(array, pa.string()) for array in arrays]
    return _coded(name, arrays)


def _decoded(array: pa.ChunkedArray) -> pa.Array:
    array = array.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # of no chunks at all
        array = pa.array([], type=array.type)
    if isinstance(array.type, pa.DictionaryType):
        array = array.cast(value_type(array.type))
    return array


def _numbers(array: pa.Array) -> Float64:
    """Numbers as float64; times in seconds."""
    if family(array.type) in (Family.NUMBER, Family.EMPTY):
        return _floats(array)
    return to_numbers("", array, array.type)


def _floats(array: pa.Array) -> Float64:
    values: Float64 = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return values


def _coded(name: str, arrays: Sequence[pa.Array]) -> AlignedColumn:
    together = pa.chunked_array(arrays).combine_chunks().dictionary_encode()
    codes = pc.fill_null(together.indices, MISSING).to_numpy(zero_copy_only=False).astype(np.int64)
    ends = np.cumsum([len(array) for array in arrays])[:-1]
    return AlignedColumn(name, False, tuple(np.split(codes, ends)), len(together.dictionary))
