"""Likelihoods made comparable between rows that have observed different columns."""

import numpy as np

from madeira.models.arrays import Float64
from madeira.models.inference.density import Density
from madeira.models.inference.patterns import by_pattern

__all__ = ["scores_across_patterns"]


COMPARED_ROWS = 1_000


def scores_across_patterns(density: Density, values: Float64) -> Float64:
    """Log-likelihood of each row as if all of it were observed, judged by how rare it is.

    A complete row keeps its own. A row with missing values gets that of a complete row that is as
    rare among complete rows of the model as this one is among the model's rows with the same
    columns observed; one that is rarer than them all gets what it lacks to the rarest. Where
    several rows are equally likely, as with categories, it is as rare as the last of them.

    Args:
        density: A density with reference rows.
        values: Encoded rows, NaN where missing, shape `(rows, variables)`.

    Returns:
        Nats, shape `(rows,)`.
    """
    scores = density.score(values)
    if density.reference is None or not np.isnan(values).any():
        return scores
    rows = density.reference.values[:COMPARED_ROWS]
    complete = np.sort(density.score(rows))
    for observed, places in by_pattern(values):
        if observed.all():
            continue
        partial = np.sort(density.score(np.where(observed, rows, np.nan)))
        last = np.append(partial[1:] > partial[:-1], True)
        rarest = np.minimum(scores[places] - partial[0], 0)
        scores[places] = np.interp(scores[places], partial[last], complete[last]) + rarest
    return scores
