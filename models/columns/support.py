"""The support of a numeric column: where its values can lie.

The distribution of a number is normalised between two ends. Whatever lies beyond them is one
outcome of its own, `outside`, with a small mass: no value is impossible, and none of them is drawn.

An end that the data stop at is hard: zero for amounts and counts, a cap, the last point of a scale.
Any other is soft: the next value may be larger than the largest one seen. See `learned_support`.
"""

import math
from dataclasses import dataclass

import numpy as np

from madeira.models.arrays import Float64

__all__ = ["EVERYWHERE", "OUTSIDE_SHARE", "Support", "learned_ends"]

OUTSIDE_SHARE = 0.25
"""Values outside the support, as a share of those beyond the range seen; see docs/columns.md."""

_MIN_ROWS = 10
_NEAREST = 5
_MIN_DENSITY = 0.5


@dataclass(frozen=True)
class Support:
    """Where the values of a column can lie, in original units.

    Attributes:
        low: The smallest value that it can have; minus infinity where there is none.
        high: The largest.
        outside_mass: Probability that a value lies elsewhere; 0 where there is no elsewhere.
    """

    low: float = -math.inf
    high: float = math.inf
    outside_mass: float = 0.0

    @property
    def bounded(self) -> bool:
        """Whether there is an end."""
        return self.low > -math.inf or self.high < math.inf


EVERYWHERE = Support()
"""The support of a column that has no ends."""


def learned_ends(values: Float64, resolution: float, *, instants: bool) -> tuple[float, float]:
    """Return the ends of the support of a column.

    An end is hard where the data stop at it: at zero, where no value is negative; and at a value
    that at least ten rows hold, and no fewer than half as many as hold each of the next five values
    on average. A soft end lies as much farther out as the k-th value from the end lies farther in,
    k the square root of the number of rows, and by one step of the grid at the least. For tails
    that fall exponentially the next value is beyond it with probability 1 / (n k) instead of
    1 / n. It never crosses zero, which no value has crossed. Time goes on: instants go on for as
    long as they have been seen.

    Args:
        values: Training values without NaN, (rows,), at least one.
        resolution: Distance of neighbouring values; 0 on a continuum.
        instants: Whether the values are points of time, whose zero means nothing.
    """
    ordered = np.sort(values)
    low = -_upper_end(-ordered[::-1], resolution, instants=instants)
    return low + 0.0, _upper_end(ordered, resolution, instants=instants)


def _upper_end(ordered: Float64, resolution: float, *, instants: bool) -> float:
    """Return the upper end, of values in rising order, (rows,)."""
    last = float(ordered[-1])
    if instants:
        return last + max(last - float(ordered[0]), 86_400.0)
    if last == 0.0 or _is_cap(ordered):
        return last
    place = max(len(ordered) - 1 - math.isqrt(len(ordered)), 0)
    gap = last - float(ordered[place])
    if gap <= 0.0:  # the value that the end has by far the most of
        gap = last - float(ordered[ordered < last][-1]) if ordered[0] < last else abs(last)
    end = last + max(gap, resolution)
    return min(end, 0.0) if last < 0.0 else end


def _is_cap(ordered: Float64) -> bool:
    """Return whether the largest value is about as frequent as its neighbours."""
    distinct, counts = np.unique(ordered, return_counts=True)
    if counts[-1] < _MIN_ROWS or len(distinct) < 2:
        return False
    return bool(counts[-1] >= _MIN_DENSITY * counts[-1 - _NEAREST : -1].mean())
