"""Calibrated anomaly scores: how rare a row is among rows of the model itself."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Reference"]

Values = npt.NDArray[np.float64]
Score = Callable[[Values], Values]
PATTERNS_KEPT = 1024
INCOMPLETE_ROWS = 1000


@dataclass
class Reference:
    """Rows drawn from the model and kept with it; no row of the training table is among them.

    Attributes:
        values: Encoded complete rows, shape `(rows, variables)`.
    """

    values: Values
    _sorted: OrderedDict[bytes, Values] = field(default_factory=OrderedDict, repr=False)

    def rarity(
        self, score: Score, observed: npt.NDArray[np.bool_], log_likelihood: Values
    ) -> Values:
        """1 minus the share of reference rows that are less likely, in [0, 1].

        Args:
            score: Log-likelihood of encoded rows, `(rows, variables)` -> `(rows,)`.
            observed: The variables that the rows have observed, shape `(variables,)`; reference
                rows are scored on the same ones, once: all of them where nothing is missing,
                the first thousand otherwise, since there may be as many patterns as rows.
            log_likelihood: Of the rows, nats, shape `(rows,)`.

        Returns:
            Shape `(rows,)`: 0.99 says rarer than 99 % of typical rows.
        """
        key = observed.tobytes()
        ordered = self._sorted.pop(key, None)
        if ordered is None:
            rows = self.values if observed.all() else self.values[:INCOMPLETE_ROWS]
            ordered = np.sort(score(np.where(observed, rows, np.nan)))
        self._sorted[key] = ordered
        while len(self._sorted) > PATTERNS_KEPT:
            self._sorted.popitem(last=False)
        less_likely = np.searchsorted(ordered, log_likelihood, side="left")
        return 1 - less_likely / len(ordered)
