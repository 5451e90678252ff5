"""`pair`: a category given one other alone, on held-out rows, beside counts of training rows."""

import numpy as np

from benchmarks.conditionals.questions import outcomes
from benchmarks.held_out import Trial
from madeira.models.arrays import Float64

__all__ = ["counted", "pair_measures"]

PRIOR_ROWS = 1.0


def pair_measures(trial: Trial) -> dict[str, float]:
    """Mean log loss over all ordered pairs of columns of categories, nats.

    Rows of which a pair has a category that training rows do not have are left out.

    Returns:
        `pair` and `pair_counts`; nothing where there are fewer than two such columns.
    """
    columns = trial.estimator.schema.columns
    discrete = [variable for variable, column in enumerate(columns) if column.discrete]
    ours, theirs = [], []
    for first in discrete:
        known = np.unique(trial.train[:, first][~np.isnan(trial.train[:, first])])
        evidence = np.full((len(known), len(columns)), np.nan)
        evidence[:, first] = known
        for found in trial.estimator.density.predictive(evidence):
            second = found.variable
            if not columns[second].discrete:
                continue
            held = trial.held[:, [first, second]]
            seen = np.isin(held[:, 1], trial.train[:, second]) & np.isin(held[:, 0], known)
            if not seen.any():
                continue
            codes = np.arange(float(outcomes(columns[second])))
            table = np.stack(
                [found.probability(np.full(len(known), code)) for code in codes], axis=1
            )
            rows = np.searchsorted(known, held[seen, 0])
            true = held[seen, 1].astype(int)
            ours.append(-np.log(table[rows, true]).mean())
            counts = counted(trial.train[:, [first, second]], known, len(codes))
            theirs.append(-np.log(counts[rows, true]).mean())
    if not ours:
        return {}
    return {"pair": float(np.mean(ours)), "pair_counts": float(np.mean(theirs))}


def counted(train: Float64, known: Float64, categories: int) -> Float64:
    """p(b | a) by counting training rows, shrunk to p(b) as if one more row had its shares.

    Args:
        train: Codes of a and b, NaN where missing, shape `(rows, 2)`.
        known: Codes of a that are asked about, rising, shape `(asked,)`.
        categories: Number of categories of b.

    Returns:
        Shape `(asked, categories)`; rows sum to 1.
    """
    train = train[~np.isnan(train).any(axis=1)]
    counts = np.zeros((len(known), categories))
    np.add.at(counts, (np.searchsorted(known, train[:, 0]), train[:, 1].astype(int)), 1)
    marginal = counts.sum(axis=0) + 0.5
    counts += PRIOR_ROWS * marginal / marginal.sum()
    normalised: Float64 = counts / counts.sum(axis=1, keepdims=True)
    return normalised
