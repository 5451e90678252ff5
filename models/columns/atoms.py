"""Atoms: single values that far more rows hold than a smooth distribution would explain.

Zeros, caps, defaults, round numbers. Each is an outcome of its own beside the mixture.
"""

import numpy as np
import numpy.typing as npt

from models.columns.numbers import Values

__all__ = ["MOST_ATOMS", "find_atoms"]

MOST_ATOMS = 32
_SMALLEST_SHARE = 0.002
_FEWEST_ROWS = 5
_PROMINENCE = 2.0
_NEIGHBOURS = 0.05
_NEAREST = 5


def find_atoms(values: Values, resolution: float) -> Values:
    """Returns the values that stand out, in rising order, (atoms,).

    A value stands out if 5 rows and 0.2 % of all rows hold it, and if it is more than twice as
    frequent as a value of its neighbourhood is on average, whether that is the next 5 % of the
    rows below it and as many above, or the next 5 places of the lattice to either side. Where more
    than 32 do, the most frequent ones are taken.

    Args:
        values: Training values, without NaN, (rows,).
        resolution: Distance of neighbouring values; 0 on a continuum, where no value repeats by
            chance.
    """
    distinct, counts = np.unique(values, return_counts=True)
    outstanding = (counts >= _FEWEST_ROWS) & (counts >= _SMALLEST_SHARE * len(values))
    if resolution > 0:
        outstanding &= counts > _PROMINENCE * _expected(distinct, counts, resolution)
    places = np.flatnonzero(outstanding)
    ranked = places[np.argsort(-counts[places], kind="stable")]
    return np.sort(distinct[ranked[:MOST_ATOMS]])


def _expected(distinct: Values, counts: npt.NDArray[np.int64], resolution: float) -> Values:
    """Returns the rows a value would have, were its neighbourhood even, (distinct,)."""
    ends = np.append(0, counts.cumsum())
    reach = max(1.0, _NEIGHBOURS * ends[-1])
    low = np.searchsorted(ends[1:], ends[:-1] - reach, side="right")
    high = np.minimum(np.searchsorted(ends[1:], ends[1:] + reach), len(distinct) - 1)
    steps = (distinct[high] - distinct[low]) / resolution
    wide = (ends[high + 1] - ends[low] - counts) / np.maximum(steps, 1.0)
    margin = (_NEAREST + 0.5) * resolution
    first, after = np.searchsorted(distinct, [distinct - margin, distinct + margin])
    near = (ends[after] - ends[first] - counts) / (2 * _NEAREST)
    return np.asarray(np.maximum(wide, near))
