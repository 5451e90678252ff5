"""Data frames of pandas: index, labels and types survive the way there and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from madeira.models.tables.arrays import column_of
from madeira.models.tables.form import Data, Form

__all__ = ["PandasForm", "of_pandas"]

Series = Any  # pandas need not be installed
DataType = Any


def of_pandas(frame: Data) -> pa.Table:
    """Return the rows of a data frame, its index left out, NaN as null.

    Raises:
        TableError: A column holds values of several sorts.
    """
    names = [str(label) for label in frame.columns]
    columns = [column_of(name, _plain(frame.iloc[:, place])) for place, name in enumerate(names)]
    return pa.table(columns, names=names)


@dataclass(frozen=True)
class PandasForm:
    """A data frame of pandas.

    Attributes:
        labels: Labels of the columns by their names in tables, which are texts.
        types: Types of the columns by name.
    """

    labels: Mapping[str, Any]
    types: Mapping[str, DataType]

    @classmethod
    def of(cls, frame: Data, trained: Form | None = None) -> "PandasForm":
        """Return the form of a frame.

        Args:
            frame: The frame.
            trained: Form of the training rows, whose types columns without a value take.
        """
        labels, types = {}, {}
        if isinstance(trained, PandasForm):
            labels, types = dict(trained.labels), dict(trained.types)
        for place, label in enumerate(frame.columns):
            labels[str(label)] = label
            column = frame.iloc[:, place]
            if str(column.dtype).startswith("interval"):
                column = column.astype("category")
            if str(label) not in types or not column.isna().all():
                types[str(label)] = column.dtype
        return cls(labels, types)

    def fresh(self, table: pa.Table) -> Data:
        """Return new rows as a data frame, numbered from 0."""
        frame = table.to_pandas()
        for place, name in enumerate(table.column_names):
            if name in self.types:
                frame.isetitem(place, _typed(frame.iloc[:, place], self.types[name]))
        return frame.set_axis(
            [self.labels.get(name, name) for name in table.column_names], axis="columns"
        )

    def filled(self, given: Data, table: pa.Table) -> Data:
        """Return the data frame with its missing cells filled, further columns after its own."""
        result, values = given.copy(), self.fresh(table).set_axis(given.index)
        for place, name in enumerate(table.column_names):
            column = values.iloc[:, place]
            if place >= given.shape[1]:
                result[self.labels.get(name, name)] = column
                continue
            known = given.iloc[:, place]
            gaps = known.isna()
            if gaps.all():
                result.isetitem(place, column)
            elif gaps.any():
                result.isetitem(place, _as_type(known, column.dtype).where(~gaps, column))
        return result


def _plain(column: Series) -> Series:
    """Return a column with types that Arrow has: intervals as text, periods as their start."""
    kind = str(column.dtype)
    if kind.startswith("interval"):
        column = column.astype("category")
    if _of_intervals(column.dtype):
        return column.cat.rename_categories(column.cat.categories.astype(str))
    if kind.startswith("period"):
        return column.dt.to_timestamp()
    return column.sparse.to_dense() if kind.startswith("Sparse") else column


def _of_intervals(kind: DataType) -> bool:
    return str(kind) == "category" and str(kind.categories.dtype).startswith("interval")


def _typed(values: Series, wanted: DataType) -> Series:
    """Cast values to the wanted type if it holds them; categories that it lacks are added."""
    if _of_intervals(wanted):
        by_text = {str(interval): interval for interval in wanted.categories}
        return values.astype(object).map(by_text).astype(wanted)
    if values.isna().any() and isinstance(wanted, np.dtype) and wanted.kind in "biu":
        return values
    if str(wanted) == "category":
        added = [one for one in values.dropna().unique() if one not in wanted.categories]
        if added:
            wanted = type(wanted)([*wanted.categories, *added], wanted.ordered)
    return _as_type(values, wanted)


def _as_type(values: Series, wanted: DataType) -> Series:
    """Return the values as the wanted type, or as objects where they cannot be."""
    try:
        return values.astype(wanted)
    except (TypeError, ValueError):
        return values.astype(object)
