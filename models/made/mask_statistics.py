"""What masks may follow of the rows that a network learns from."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["Guide"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Guide:
    """Facts about the variables, for orderings and degrees that follow the data.

    Attributes:
        tiers: Variables of lower tiers come first in every ordering that is not natural, but
            for those of fresh training masks; shape `(D,)`.
        entropies: Marginal entropy of each variable in nats, shape `(D,)`; of `entropy` degrees.
        coordinates: Where each variable lies among those that it depends on, shape
            `(D, dimensions)`, NaN of variables that depend on none; of `smooth` orderings.
        near: Which variables are within `reach` of which, shape `(D, D)`.
    """

    tiers: Integers
    entropies: Floats | None = None
    coordinates: Floats | None = None
    near: npt.NDArray[np.bool_] | None = None

    @classmethod
    def none(cls, variables: int) -> Self:
        """Nothing known: one tier, and no more."""
        return cls(np.zeros(variables, dtype=np.int64))
