"""Calibrated anomaly scores: how rare a row is among rows of the model itself."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.inference.patterns import by_pattern

__all__ = ["Reference"]

Score = Callable[[Float64], Float64]

FIRST_LOOK_ROWS = 100
CLOSE_LOOK_ROWS = 1_000
CLOSE_LOOK_FROM = 0.8
ROWS_AT_ONCE = 10_000
PATTERNS_AT_ONCE = 1_024
PATTERNS_KEPT = 2_048


@dataclass
class Reference:
    """Rows drawn from the model and kept with it; no row of the training table is among them.

    Rows are compared with reference rows of which the same variables are observed: with all of
    them where nothing is missing. There may be as many patterns of missing values as rows, and
    each costs one scoring of reference rows. So an incomplete row is compared with a hundred of
    them first, and with a thousand if that finds it rarer than 80 %: the standard error is 1.3
    points at 0.8, 0.3 at 0.99, and at most 5 below 0.8. What a row gets depends on nothing but
    the row.

    Attributes:
        values: Encoded complete rows, shape `(rows, variables)`.
    """

    values: Float64
    _kept: OrderedDict[tuple[bytes, int], Float64] = field(default_factory=OrderedDict, repr=False)

    def rarity(self, score: Score, values: Float64, log_likelihood: Float64) -> Float64:
        """1 minus the share of reference rows that are less likely, in [0, 1].

        Args:
            score: Log-likelihood of encoded rows, `(rows, variables)` -> `(rows,)`.
            values: Encoded rows, NaN where missing, shape `(rows, variables)`.
            log_likelihood: Of the rows, nats, shape `(rows,)`.

        Returns:
            Shape `(rows,)`: 0.99 says rarer than 99 % of typical rows; 0 where nothing is
            observed.
        """
        result = np.zeros(len(values))
        for groups in _blocks(values):
            complete = [group for group in groups if group[0].all()]
            partial = [group for group in groups if not group[0].all()]
            for (_, rows), ordered in zip(
                complete, self._scored(score, complete, slice(0, None)), strict=True
            ):
                result[rows] = _rarity(ordered, log_likelihood[rows])
            first = self._scored(score, partial, slice(0, FIRST_LOOK_ROWS))
            rare, beginnings = [], []
            for (observed, rows), ordered in zip(partial, first, strict=True):
                result[rows] = _rarity(ordered, log_likelihood[rows])
                closer = rows[result[rows] >= CLOSE_LOOK_FROM]
                if len(closer):
                    rare.append((observed, closer))
                    beginnings.append(ordered)
            further = self._scored(score, rare, slice(FIRST_LOOK_ROWS, CLOSE_LOOK_ROWS))
            for (_, rows), start, end in zip(rare, beginnings, further, strict=True):
                found = _rarity(np.sort(np.append(start, end)), log_likelihood[rows])
                result[rows] = np.maximum(found, CLOSE_LOOK_FROM)
        return result

    def _scored(
        self, score: Score, groups: Sequence[tuple[Bool, Int64]], part: slice
    ) -> list[Float64]:
        """Sorted log-likelihoods of some reference rows under the pattern of each group."""
        reference = self.values[part]
        keys = [(observed.tobytes(), part.start) for observed, _ in groups]
        found = {key: self._kept.pop(key) for key in keys if key in self._kept}
        unknown = [place for place, key in enumerate(keys) if key not in found]
        at_once = max(1, ROWS_AT_ONCE // max(1, len(reference)))
        for start in range(0, len(unknown), at_once):
            places = unknown[start : start + at_once]
            patterns = np.stack([groups[place][0] for place in places])
            rows = np.where(patterns[:, None], reference, np.nan)
            scores = score(rows.reshape(-1, rows.shape[2])).reshape(len(places), -1)
            found |= zip([keys[place] for place in places], np.sort(scores), strict=True)
        self._kept |= found
        while len(self._kept) > PATTERNS_KEPT:
            self._kept.popitem(last=False)
        return [found[key] for key in keys]


def _blocks(values: Float64) -> Iterator[list[tuple[Bool, Int64]]]:
    """Yield groups of rows of one pattern, some at a time, without rows of nothing observed."""
    block: list[tuple[Bool, Int64]] = []
    for observed, rows in by_pattern(values):
        if observed.any():
            block.append((observed, rows))
        if len(block) == PATTERNS_AT_ONCE:
            yield block
            block = []
    if block:
        yield block


def _rarity(ordered: Float64, log_likelihood: Float64) -> Float64:
    """1 minus the share of sorted log-likelihoods that are below, `(rows,)` to `(rows,)`."""
    return np.asarray(1 - np.searchsorted(ordered, log_likelihood, side="left") / len(ordered))
