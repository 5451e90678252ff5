"""Rows grouped by all that is known of them."""

import numpy as np

from madeira.models.arrays import Float64, Int64

__all__ = ["runs"]


def runs(
    values: Float64,
) -> tuple[Int64, Int64]:
    """Find runs of equal rows, NaN being equal to NaN.

    Args:
        values: Encoded table, shape `(rows, variables)`.

    Returns:
        The first row of each run, shape `(runs,)`, and the run of each row, shape `(rows,)`.
    """
    if not len(values):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    bits = np.ascontiguousarray(values).view(np.int64)
    starts = np.append(True, (bits[1:] != bits[:-1]).any(axis=1))
    return np.flatnonzero(starts), np.cumsum(starts) - 1
