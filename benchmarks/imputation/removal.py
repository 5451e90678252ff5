"""Removal of values: completely at random, at random, and not at random.

As in Muzellec, Josse, Boyer, Cuturi, "Missing data imputation using optimal transport", ICML 2020,
section 6: logistic models whose intercept gives the share that is asked for.
"""

from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit

from benchmarks.imputation.tables import Complete
from madeira.models.arrays import Bool, Float64

__all__ = ["MECHANISMS", "Mechanism", "remove"]

Mechanism = Literal["MCAR", "MAR", "MNAR"]

MECHANISMS: tuple[Mechanism, ...] = ("MCAR", "MAR", "MNAR")
KEPT_SHARE = 0.3


def remove(table: Complete, mechanism: Mechanism, share: float, seed: int) -> Bool:
    """Which cells are removed.

    `MCAR` removes each cell with the same probability. `MAR` keeps a random 30 % of the columns
    whole, and removes cells of each other column by a logistic model on the kept ones. `MNAR`
    removes a cell by a logistic model on its own value, of which large or small ones are removed
    more often; for a category, by a random number for each.

    Args:
        table: The table.
        mechanism: Why cells are missing.
        share: Expected share of cells removed, of the columns that lose some.
        seed: Of every random choice.

    Returns:
        Shape `(rows, columns)`; a value is left in each row and column.
    """
    generator = np.random.default_rng(seed)
    rows, columns = table.frame.shape
    chances = np.full((rows, columns), share)
    if mechanism != "MCAR":
        scores = np.column_stack([_standard(table.frame[name], generator) for name in table.frame])
        if mechanism == "MAR":
            kept = generator.permutation(columns)[: max(1, round(KEPT_SHARE * columns))]
            others = np.setdiff1d(np.arange(columns), kept)
            weights = generator.normal(size=(len(kept), len(others)))
            logits = scores[:, kept] @ weights
            logits /= logits.std(axis=0)
            chances = np.zeros((rows, columns))
            chances[:, others] = _with_share(logits, share)
        else:
            signs = generator.choice([-1.0, 1.0], size=columns)
            chances = _with_share(scores * signs, share)
    removed: Bool = generator.uniform(size=(rows, columns)) < chances
    for row in np.flatnonzero(removed.all(axis=1)):
        removed[row, generator.integers(columns)] = False
    for column in np.flatnonzero(removed.all(axis=0)):
        removed[generator.integers(rows), column] = False
    return removed


def _standard(series: pd.Series, generator: np.random.Generator) -> Float64:
    """Return a number as it is, a category as a random number for each; mean 0, variance 1."""
    if series.dtype == "float64":
        values = series.to_numpy()
    else:
        codes = pd.factorize(series, sort=True)[0]
        values = generator.normal(size=codes.max() + 1)[codes]
    standard: Float64 = (values - values.mean()) / values.std()
    return standard


def _with_share(logits: Float64, share: float) -> Float64:
    """Probabilities whose mean is `share` in each column."""
    intercepts = [
        brentq(lambda shift, x=column: expit(x + shift).mean() - share, -50, 50)
        for column in logits.T
    ]
    return np.asarray(expit(logits + intercepts))
