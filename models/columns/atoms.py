"""Atoms: single values that far more rows hold than a smooth distribution would explain.

Zeros, caps, defaults, round numbers. Each is an outcome of its own beside the mixture.
"""

import numpy as np

from madeira.models.arrays import Bool, Float64, Int64

__all__ = ["MAX_ATOMS", "find_atoms"]


MAX_ATOMS = 256
_MIN_SHARE = 0.001
_MIN_ROWS = 5
_PROMINENCE = 1.5
_DEVIATIONS = 4.0
_NEIGHBOURS = 0.05
_NEAREST = 5
_ROUNDS = 8
_ROWS_EACH = 10
_SPARSE = 0.25


def find_atoms(values: Float64, resolution: float) -> Float64:
    """Return the values that stand out, in rising order, (atoms,).

    A value is an atom if at least 5 rows and 0.1 % of all rows hold it. On a grid it must also be
    more frequent than the average value of its neighbourhood: more than 1.5 times, and by more than
    4 standard deviations of a Poisson count. This must hold in two neighbourhoods: the next 5 % of
    the rows on either side, and the next 5 places of the grid on either side. Found atoms are
    removed and the rest is searched again, so that one cannot hide another. A grid of which less
    than a quarter is ever seen, with ten rows a value (such as a bank's daily rates), counts as a
    continuum. If more than 256 values stand out, the most frequent are taken.

    Args:
        values: Training values, without NaN, (rows,).
        resolution: Distance of neighbouring values; 0 on a continuum, where no value repeats by
            chance.
    """
    distinct, counts = np.unique(values, return_counts=True)
    outstanding = (counts >= _MIN_ROWS) & (counts >= _MIN_SHARE * len(values))
    if resolution > 0 and not _sparse(distinct, len(values), resolution):
        outstanding = _prominent(distinct, counts, outstanding, resolution)
    places = np.flatnonzero(outstanding)
    ranked = places[np.argsort(-counts[places], kind="stable")]
    return np.sort(distinct[ranked[:MAX_ATOMS]])


def _sparse(distinct: Float64, rows: int, resolution: float) -> bool:
    """Return whether few places of the grid are held, outliers aside, each by many rows."""
    low, high = np.quantile(distinct, [0.05, 0.95])
    held = 0.9 * len(distinct) * resolution
    return rows >= _ROWS_EACH * len(distinct) and held < _SPARSE * (high - low)


def _prominent(distinct: Float64, counts: Int64, possible: Bool, resolution: float) -> Bool:
    """Return which possible values are more frequent than their neighbourhood, (distinct,)."""
    atoms = np.zeros(len(distinct), dtype=bool)
    for _ in range(_ROUNDS):
        expected = _expected(distinct, counts, atoms, resolution)
        enough = np.maximum(_PROMINENCE * expected, expected + _DEVIATIONS * np.sqrt(expected))
        found = possible & ~atoms & (counts > enough)
        if not found.any():
            break
        atoms |= found
    return atoms


def _expected(distinct: Float64, counts: Int64, atoms: Bool, resolution: float) -> Float64:
    """Return the rows a value would have, were its neighbourhood even, (distinct,)."""
    smooth = np.where(atoms, 0, counts)
    ends, taken = (np.append(0, each.cumsum()) for each in (smooth, atoms))
    reach = max(1.0, _NEIGHBOURS * ends[-1])
    low = np.searchsorted(ends[1:], ends[:-1] - reach, side="right")
    high = np.minimum(np.searchsorted(ends[1:], ends[1:] + reach), len(distinct) - 1)
    steps = (distinct[high] - distinct[low]) / resolution - (taken[high + 1] - taken[low] - atoms)
    wide = (ends[high + 1] - ends[low] - smooth) / np.maximum(steps, 1.0)
    margin = (_NEAREST + 0.5) * resolution
    first, after = np.searchsorted(distinct, [distinct - margin, distinct + margin])
    places = 2 * _NEAREST - (taken[after] - taken[first] - atoms)
    near = (ends[after] - ends[first] - smooth) / np.maximum(places, 1)
    return np.asarray(np.maximum(wide, near))
