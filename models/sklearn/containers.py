"""What users of scikit-learn pass, checked as scikit-learn does, for `madeira.models.tables`.

Arrays of numbers are columns of float64, NaN for missing. Arrays of objects or texts are columns
of what they hold. Data frames keep their types and column names, those of pandas their index.
"""

from collections.abc import Sequence

import narwhals as nw
import numpy as np
import pyarrow as pa
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from madeira.models.errors import TableError
from madeira.models.tables.form import Data, Form
from madeira.models.tables.rows import Rows, rows_of

__all__ = ["read_rows"]


def read_rows(
    estimator: BaseEstimator, data: Data, *, reset: bool, trained: Form | None = None
) -> Rows:
    """Check rows as scikit-learn does, and takes them in.

    Args:
        estimator: Whose `n_features_in_` and `feature_names_in_` are set, or held against.
        data: An array, a list of lists, a data frame or an Arrow table.
        reset: Whether this is `fit`.
        trained: The form of the rows that `fit` was given.

    Raises:
        ValueError: No rows, one row for `fit`, infinity, or other columns than at `fit`.
        TypeError: A cell of an array of objects that is neither number nor text.
    """
    least = 2 if reset else 1
    if isinstance(data, pa.Table) or nw.dependencies.is_into_dataframe(data):
        _require_distinct([str(name) for name in _names(data)])
        validate_data(estimator, data, reset=reset, skip_check_array=True)
        if data.shape[0] < least:
            raise ValueError(
                f"Found data with {data.shape[0]} sample(s) (shape={data.shape}) while a minimum "
                f"of {least} is required by {type(estimator).__name__}."
            )
        return rows_of(data, trained=trained)
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
    if array.dtype.kind in "biuf":
        return rows_of(array.astype(np.float64), names)
    rows = _objects(array.astype(object), names)
    if all(_is_number(column.type) for column in rows.table.columns):
        return rows_of(np.asarray(rows.given, dtype=np.float64), names)
    return rows


def _names(data: Data) -> Sequence[object]:
    return data.column_names if isinstance(data, pa.Table) else list(data.columns)


def _require_distinct(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two columns are named {name!r}")


def _objects(array: Data, names: Sequence[str] | None) -> Rows:
    message = "argument must be a string or a number throughout each column"
    try:
        rows = rows_of(array, names)
    except TableError as error:
        raise TypeError(f"{message}: {error}") from error
    for name, column in zip(rows.table.column_names, rows.table.columns, strict=True):
        if pa.types.is_nested(column.type):
            raise TypeError(f"{message}; column {name!r} is neither")
    return rows


def _is_number(arrow_type: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_integer(arrow_type) or types.is_floating(arrow_type) or types.is_null(arrow_type)
    )
