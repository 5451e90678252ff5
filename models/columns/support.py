"""The support of a numeric column: where its values can lie.

The distribution of a number is normalised between two ends. Whatever lies beyond them is one
outcome of its own, `outside`, with a small mass: no value is impossible, and none of them is drawn.
"""

import math
from dataclasses import dataclass

__all__ = ["EVERYWHERE", "Support"]


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
