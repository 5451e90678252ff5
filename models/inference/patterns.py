"""Rows grouped by which of their variables are observed, or by all that is known of them."""

from collections.abc import Iterator

import numpy as np

from madeira.models.arrays import Bool, Float64, Int64

__all__ = ["by_pattern", "runs"]


def by_pattern(
    values: Float64,
) -> Iterator[tuple[Bool, Int64]]:
    """Yield groups of rows that have the same variables observed.

    Args:
        values: Encoded table, NaN where missing, shape `(rows, variables)`.

    Yields:
        Which variables are observed, shape `(variables,)`, and the indices of the rows.
    """
    if not len(values):
        return
    observed = ~np.isnan(values)
    packed = np.packbits(observed, axis=1)
    _, group = np.unique(packed, axis=0, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(group.ravel()))[:-1]):
        yield observed[rows[0]], rows


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
