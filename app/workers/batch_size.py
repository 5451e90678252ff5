"""The size of a batch that takes the target time, learnt from measured batches."""

from collections import OrderedDict
from collections.abc import Hashable

from madeira.app.jobs import INITIAL_COST

__all__ = ["MAX_STRETCH", "MIN_COST", "BatchSizer"]

MIN_COST = 8.0
"""Least budget."""

MAX_OVERHEAD = 0.25
"""Most of a batch that its fixed part may be, if MAX_STRETCH allows it."""

MAX_STRETCH = 2.0
"""Most time of a batch, in units of the target."""

MAX_KINDS = 256
"""Kinds of work that are remembered, the most recent ones."""

_MEMORY, _DECAY = 0.95, 0.98
"""Weight of the past at each batch; decay of the fixed part while it cannot be identified."""

_OUTLIER_RATIO = 4.0
"""A batch counts as at most this many times its expected time."""

_MIN_SPREAD = 0.15
"""Least relative standard deviation of the costs from which the two parts can be told apart."""


class _CostModel:
    """Seconds of a batch: a fixed part and a part for each unit of cost, by least squares.

    Least squares with exponential forgetting. If all recent batches have about the same cost, the
    two parts cannot be identified. The fixed part then decays, which shrinks the batches until
    their costs vary enough to identify it again.
    """

    __slots__ = ("_cc", "_cost", "_ct", "_seconds", "_weight", "fixed", "slope")

    def __init__(self) -> None:
        self._weight = self._cost = self._seconds = self._cc = self._ct = 0.0
        self.fixed = 0.0
        self.slope = 0.0

    def take(self, cost: float, seconds: float) -> None:
        if self._weight:  # the machine may have been busy with something else
            seconds = min(seconds, _OUTLIER_RATIO * (self.fixed + self.slope * cost))
        self._weight = _MEMORY * self._weight + 1
        self._cost = _MEMORY * self._cost + cost
        self._seconds = _MEMORY * self._seconds + seconds
        self._cc = _MEMORY * self._cc + cost * cost
        self._ct = _MEMORY * self._ct + cost * seconds
        mean_cost, mean_seconds = self._cost / self._weight, self._seconds / self._weight
        variance = self._cc / self._weight - mean_cost**2
        if variance > (_MIN_SPREAD * mean_cost) ** 2:
            slope = (self._ct / self._weight - mean_cost * mean_seconds) / variance
            slope = min(max(slope, 0.0), mean_seconds / mean_cost)
            self.fixed = mean_seconds - slope * mean_cost
        else:
            self.fixed = min(_DECAY * self.fixed, mean_seconds)
        self.slope = max((mean_seconds - self.fixed) / mean_cost, 1e-9)


class BatchSizer:
    """The cost that takes the target time, for each kind of work.

    The fixed part of a batch is the calls of operators, and does not depend on the rows. If it
    would be more than a quarter of a batch, batches take longer than the target, twice as long at
    most. A budget is at most twice the cost that was measured before, because larger sizes are
    unknown.

    Args:
        target_s: Seconds that a batch should take.
    """

    def __init__(self, target_s: float) -> None:
        self.target_s = target_s
        self._models: OrderedDict[Hashable, _CostModel] = OrderedDict()
        self._budgets: dict[Hashable, float] = {}

    def budget(self, kind: Hashable) -> float:
        """Return the cost that is expected to take the target time."""
        return self._budgets.get(kind, INITIAL_COST)

    def learn(self, kind: Hashable, cost: float, seconds: float) -> float:
        """Learn from a batch.

        Args:
            kind: What was computed.
            cost: How much of it.
            seconds: How long it took.

        Returns:
            The budget from now on.
        """
        model = self._models.setdefault(kind, _CostModel())
        self._models.move_to_end(kind)
        model.take(cost, seconds)
        wanted = (self.target_s - model.fixed) / model.slope
        worth = model.fixed * (1 / MAX_OVERHEAD - 1) / model.slope
        longest = (MAX_STRETCH * self.target_s - model.fixed) / model.slope
        budget, before = max(wanted, min(worth, longest)), self.budget(kind)
        # Sizes between half and twice the former budget have been measured, or nearly so.
        if cost < before / 2:
            budget = min(budget, before)
        self._budgets[kind] = max(MIN_COST, min(max(budget, before / 2), before * 2))
        while len(self._models) > MAX_KINDS:
            del self._budgets[self._models.popitem(last=False)[0]]
        return self._budgets[kind]
