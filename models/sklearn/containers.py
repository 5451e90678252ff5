"""What users of scikit-learn pass, as Arrow tables, and back again.

Arrays of numbers are columns of float64, NaN for missing. Arrays of objects or texts are columns
of what they hold. Data frames of pandas keep their types, index and column names.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

__all__ = ["Data", "Rows", "frame_of", "is_frame", "read_rows"]

Data = Any  # an array, a list of lists, a pandas data frame, an Arrow table
Types = Any  # the types of the columns of a data frame, a pandas series, or None


@dataclass(frozen=True)
class Rows:
    """Rows in the form they came in, and as a table.

    Attributes:
        given: An array `(rows, columns)`, a pandas data frame or an Arrow table.
        table: The same rows; its columns have the names of the features.
    """

    given: Any
    table: pa.Table

    def filled(self, table: pa.Table, dtypes: Types) -> Data:
        """The rows as they came, their missing values taken from a table.

        Args:
            table: Values for all rows of some columns.
            dtypes: Types of the columns of the data frame that was fitted, where it was one.
        """
        if isinstance(self.given, pa.Table):
            return table
        if is_frame(self.given):
            return _filled_frame(self.given, table, dtypes)
        result = self.given.copy()
        for place, name in enumerate(self.table.column_names):
            gaps = self.table.column(name).is_null().to_numpy()
            if name in table.column_names and gaps.any():
                values = np.asarray(table.column(name).to_pylist(), dtype=object)[gaps]
                result[gaps, place] = [np.nan if value is None else value for value in values]
        return result


def is_frame(data: object) -> bool:
    """Whether these are rows of pandas, which need not be installed."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def read_rows(estimator: BaseEstimator, data: Data, *, reset: bool) -> Rows:
    """Checks rows as scikit-learn does, and makes a table of them.

    Args:
        estimator: Whose `n_features_in_` and `feature_names_in_` are set, or held against.
        data: An array, a list of lists, a pandas data frame or an Arrow table.
        reset: Whether this is `fit`.

    Raises:
        ValueError: No rows, one row for `fit`, infinity, or other columns than at `fit`.
        TypeError: A cell of an array of objects that is neither number nor text.
    """
    least = 2 if reset else 1
    if isinstance(data, pa.Table) or is_frame(data):
        _require_distinct([str(name) for name in _names(data)])
        validate_data(estimator, data, reset=reset, skip_check_array=True)
        if data.shape[0] < least:
            raise ValueError(
                f"Found data with {data.shape[0]} sample(s) (shape={data.shape}) while a minimum "
                f"of {least} is required by {type(estimator).__name__}."
            )
        return Rows(data, _table_of(data))
    if isinstance(data, list | tuple) and np.asarray(data).dtype.kind in "US":
        data = np.asarray(data, dtype=object)  # or NumPy would make texts of the numbers
    array = validate_data(
        estimator,
        data,
        reset=reset,
        dtype=None,
        ensure_all_finite="allow-nan",
        ensure_min_samples=least,
    )
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        names = [f"x{place}" for place in range(array.shape[1])]
    if array.dtype.kind in "biuf":
        numbers = array.astype(np.float64)
        columns = [pa.array(column, from_pandas=True) for column in numbers.T]
        return Rows(numbers, pa.table(columns, names=list(names)))
    objects = array.astype(object)
    columns = [_objects(place, column) for place, column in enumerate(objects.T)]
    if all(_is_number(column.type) for column in columns):
        columns = [column.cast(pa.float64()) for column in columns]
        objects = np.column_stack([column.to_numpy(zero_copy_only=False) for column in columns])
    return Rows(objects, pa.table(columns, names=list(names)))


def frame_of(table: pa.Table, dtypes: Types) -> Data:
    """A data frame with the column names and types of the one that was fitted.

    A column whose missing values its type cannot hold has the type that pandas gives it.
    """
    frame = table.to_pandas()
    frame.columns = dtypes.index
    for name, dtype in dtypes.items():
        if not frame[name].isna().any() or _holds_missing(dtype):
            frame[name] = frame[name].astype(dtype)
    return frame


def _names(data: Data) -> Sequence[object]:
    return data.column_names if isinstance(data, pa.Table) else list(data.columns)


def _require_distinct(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two columns are named {name!r}")


def _table_of(data: Data) -> pa.Table:
    if isinstance(data, pa.Table):
        return data
    frame = data.set_axis([str(name) for name in data.columns], axis="columns")
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowException as error:
        message = f"a column holds values of several sorts: {'; '.join(map(str, error.args))}"
        raise ValueError(message) from error
    return table.replace_schema_metadata(None)


def _objects(place: int, column: npt.NDArray[np.object_]) -> pa.Array:
    try:
        array = pa.array(column, from_pandas=True)
    except pa.ArrowException as error:
        array, reason = None, str(error)
    if array is None or pa.types.is_nested(array.type):
        found = "" if array is not None else f" ({reason})"
        raise TypeError(
            f"argument must be a string or a number throughout each column; column {place} is "
            f"neither{found}"
        )
    return array


def _is_number(arrow_type: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_integer(arrow_type) or types.is_floating(arrow_type) or types.is_null(arrow_type)
    )


def _filled_frame(frame: Data, table: pa.Table, dtypes: Types) -> Data:
    """The frame with its missing cells filled; index and types as they were."""
    result = frame.copy()
    values = table.to_pandas()
    for place, name in enumerate(frame.columns):
        gaps = frame[name].isna()
        if str(name) not in values or not gaps.any():
            continue
        dtype = frame[name].dtype
        if gaps.all() and dtypes is not None:
            dtype = dtypes.iloc[place]
        column = values[str(name)].set_axis(frame.index).astype(dtype)
        result[name] = column if gaps.all() else frame[name].where(~gaps, column)
    return result


def _holds_missing(dtype: object) -> bool:
    return not (isinstance(dtype, np.dtype) and dtype.kind in "biu")
