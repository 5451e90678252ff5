"""Statistics of the training rows that orderings, degrees and reach are chosen by."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from madeira.models.arrays import Bool, Float64, Int64

__all__ = ["MaskStatistics"]


@dataclass(frozen=True)
class MaskStatistics:
    """Facts about the variables, for orderings and degrees that follow the data.

    Attributes:
        missingness_tiers: Variables of lower tiers come first in every ordering that is not
            natural, except in those of fresh training masks; shape `(D,)`.
        entropies: Marginal entropy of each variable in nats, shape `(D,)`; of `entropy` degrees.
        coordinates: Where each variable lies among those that it depends on, shape
            `(D, dimensions)`, NaN of variables that depend on none; of `smooth` orderings.
        neighbourhood: Which variables are within `reach` of which, shape `(D, D)`.
    """

    missingness_tiers: Int64
    entropies: Float64 | None = None
    coordinates: Float64 | None = None
    neighbourhood: Bool | None = None

    @classmethod
    def none(cls, variables: int) -> Self:
        """Nothing known: one tier, and no more."""
        return cls(np.zeros(variables, dtype=np.int64))
