"""Rows grouped by which of their variables are observed."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["by_pattern"]


def by_pattern(
    values: npt.NDArray[np.float64],
) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]]:
    """Groups of rows that have the same variables observed.

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
