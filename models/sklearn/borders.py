"""The border between what is like the training rows and the outliers, whatever is missing."""

import numpy as np
import numpy.typing as npt

from models.inference.density import Density
from models.inference.patterns import by_pattern

__all__ = ["border_shifts"]

Floats = npt.NDArray[np.float64]

REFERENCE_ROWS = 1_000


def border_shifts(density: Density, values: Floats, quantile: float) -> Floats:
    """By how much missing values shift a quantile of the log-likelihood of the model's own rows.

    Args:
        density: A density with reference rows.
        values: Encoded rows, NaN where missing, shape `(rows, variables)`.
        quantile: Which one, in (0, 1).

    Returns:
        Nats, shape `(rows,)`; 0 for complete rows.
    """
    shifts = np.zeros(len(values))
    if density.reference is None or not np.isnan(values).any():
        return shifts
    rows = density.reference.values[:REFERENCE_ROWS]
    complete = np.quantile(density.score(rows), quantile)
    for observed, places in by_pattern(values):
        if not observed.all():
            partial = density.score(np.where(observed, rows, np.nan))
            shifts[places] = np.quantile(partial, quantile) - complete
    return shifts
