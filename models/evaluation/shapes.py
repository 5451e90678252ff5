"""Column Shapes: how alike the distribution of each column is, 1 for equal.

Numbers: 1 - sup |F_real - F_synthetic|, the complement of the two-sample Kolmogorov-Smirnov
statistic. Categories: 1 - sum_v |P_real(v) - P_synthetic(v)| / 2, the complement of the total
variation distance. Missing values are left out of both. These are KSComplement and TVComplement
of SDMetrics (Synthetic Data Metrics, DataCebo), whose report averages them over columns.
"""

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from madeira.models.arrays import Float64
from madeira.models.evaluation.aligned_columns import AlignedColumn, aligned_columns

__all__ = ["column_shapes"]


def column_shapes(
    real: pa.Table, synthetic: pa.Table, categories: Collection[str] = ()
) -> dict[str, float]:
    """Likeness of each column's distribution.

    Args:
        real: Real rows.
        synthetic: Synthetic rows; columns that `real` lacks are ignored.
        categories: Names of number columns that are categories.

    Returns:
        In [0, 1], by column; NaN where one of the tables has no value in it.

    Raises:
        TableError: `synthetic` lacks a column, or has another sort of values in it.
    """
    return {
        column.name: _likeness(column) for column in aligned_columns([real, synthetic], categories)
    }


def _likeness(column: AlignedColumn) -> float:
    real, synthetic = (values[~np.isnan(values)] for values in map(column.floats, (0, 1)))
    if not real.size or not synthetic.size:
        return float("nan")
    if column.number:
        return 1 - _largest_gap(real, synthetic)
    shares = [
        np.bincount(codes.astype(np.int64), minlength=column.count) / codes.size
        for codes in (real, synthetic)
    ]
    return 1 - float(np.abs(shares[0] - shares[1]).sum()) / 2


def _largest_gap(first: Float64, second: Float64) -> float:
    """Kolmogorov-Smirnov statistic of two samples."""
    places = np.concatenate([first, second])
    below = [
        np.searchsorted(np.sort(sample), places, side="right") / sample.size
        for sample in (first, second)
    ]
    return float(np.abs(below[0] - below[1]).max())
