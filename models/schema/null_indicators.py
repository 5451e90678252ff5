"""Which columns have nulls that are modelled, and which of them are null together."""

from collections.abc import Sequence

import numpy as np

from madeira.models.arrays import Float64
from madeira.models.columns.derived import NullIndicator

__all__ = ["null_indicators"]

MIN_NULL_ROWS = 5
MIN_NULL_SHARE = 0.001
"""Fewer nulls than that are no pattern to learn."""

MAX_INDICATORS = 100
"""Of a table with more, those of the most nulls are modelled."""


def null_indicators(names: Sequence[str], values: Float64) -> tuple[NullIndicator, ...]:
    """Make an indicator for each column with nulls; columns null in the same rows share one.

    Args:
        names: Names of the columns, `(D,)`.
        values: Encoded training rows, NaN where missing, `(rows, D)`.
    """
    fewest = max(MIN_NULL_ROWS, MIN_NULL_SHARE * len(values))
    together: dict[bytes, list[int]] = {}
    nulls: dict[bytes, int] = {}
    for place, column in enumerate(np.isnan(values).T):
        count = int(column.sum())
        if fewest <= count < len(values):
            key = np.packbits(column).tobytes()
            together.setdefault(key, []).append(place)
            nulls[key] = count
    most = set(sorted(nulls, key=nulls.__getitem__, reverse=True)[:MAX_INDICATORS])
    return tuple(
        NullIndicator.over(tuple(names[place] for place in places), tuple(places))
        for key, places in together.items()
        if key in most
    )
