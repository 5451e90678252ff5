"""Reasons of an anomaly: the cells that are rare given the rest, and what is expected there."""

import numpy as np

from madeira.models.arrays import Bool, Float64
from madeira.models.inference.density import Density
from madeira.models.inference.predictive import Predictive

__all__ = ["MAX_LIKELY", "MAX_REASONS", "find_reasons"]

MAX_REASONS = 5
"""Reasons of a row."""

MAX_LIKELY = 3
"""Likely values of a category that are named."""

_RARE = 0.05  # a cell that is less rare is no reason
_INTERVAL = (0.05, 0.95)
_MIN_LIKELY = 0.05


def find_reasons(density: Density, values: Float64, wanted: Bool) -> Float64:
    """Cells that make rows anomalies, the most surprising first.

    A cell is a reason if it is rare given all others that are observed, and is not what is
    expected there.

    Args:
        density: The density.
        values: Encoded rows, NaN where missing, `(rows, variables)`.
        wanted: The rows whose reasons are asked for, `(rows,)`.

    Returns:
        Of each reason the variable, its tail probability and the expected codes: the ends of the
        central 90 % of a number, or the likeliest categories; NaN beyond those that there are,
        `(rows, MAX_REASONS, 2 + MAX_LIKELY)`.

    Raises:
        OrderingError: No component can put some value after all others.
    """
    result = np.full((len(values), MAX_REASONS, 2 + MAX_LIKELY), np.nan)
    rows = np.flatnonzero(wanted)
    tails = density.cell_tails(values[rows])
    ranked = np.argsort(tails, axis=1, kind="stable")[:, :MAX_REASONS]
    which, place = np.nonzero(np.take_along_axis(tails, ranked, axis=1) < _RARE)
    variables = ranked[which, place]
    found = np.full((len(which), 2 + MAX_LIKELY), np.nan)
    found[:, 0], found[:, 1] = variables, tails[which, variables]
    evidence = values[rows][which]
    own = evidence[np.arange(len(which)), variables]
    evidence[np.arange(len(which)), variables] = np.nan
    for cells in density.predictive(evidence):
        mine = variables[cells.rows] == cells.variable
        discrete = density.layout.columns[cells.variable].discrete
        expected = _likely(cells) if discrete else cells.quantiles(_INTERVAL, None)[0].T
        found[cells.rows[mine], 2 : 2 + expected.shape[1]] = expected[mine]
    by_category = np.array([column.discrete for column in density.layout.columns])[variables]
    expected = found[:, 2:]
    inside = np.where(
        by_category,
        (expected == own[:, None]).any(axis=1),
        (expected[:, 0] <= own) & (own <= expected[:, 1]),
    )
    for row in range(len(rows)):
        kept = found[(which == row) & ~inside]
        result[rows[row], : len(kept)] = kept
    return result


def _likely(cells: Predictive) -> Float64:
    """Codes of the likeliest categories, NaN where they are unlikely, `(cells, MAX_LIKELY)`."""
    likely = np.full((len(cells.rows), MAX_LIKELY), np.nan)
    codes, probabilities = cells.likeliest(MAX_LIKELY)
    usual = probabilities >= _MIN_LIKELY
    usual[:, 0] = True
    likely[:, : codes.shape[1]] = np.where(usual, codes, np.nan)
    return likely
