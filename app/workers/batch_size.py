"""How much work takes how long, learnt from the work itself."""

from collections import OrderedDict
from collections.abc import Hashable

from madeira.app.jobs import INITIAL_COST

__all__ = ["MAX_STRETCH", "MIN_COST", "BatchSizer"]

MIN_COST = 8.0
MAX_OVERHEAD = 0.25
MAX_STRETCH = 2.0
MEMORY = 0.95
FORGETTING = 0.98
MAX_KINDS = 256
_OUTLIER_RATIO = 4.0
_MIN_SPREAD = 0.15


class _CostModel:
    """Seconds of a batch as a fixed part and one for each unit of cost, by least squares.

    What was seen last counts most. Where all batches cost about the same, nothing tells the two
    parts apart: the fixed part that was believed is forgotten slowly, by which the batches become
    smaller, and so differ, until it is known again.
    """

    __slots__ = ("_cc", "_cost", "_ct", "_seconds", "_weight", "fixed", "slope")

    def __init__(self) -> None:
        self._weight = self._cost = self._seconds = self._cc = self._ct = 0.0
        self.fixed = 0.0
        self.slope = 0.0

    def take(self, cost: float, seconds: float) -> None:
        if self._weight:  # a moment in which the machine did something else teaches little
            seconds = min(seconds, _OUTLIER_RATIO * (self.fixed + self.slope * cost))
        self._weight = MEMORY * self._weight + 1
        self._cost = MEMORY * self._cost + cost
        self._seconds = MEMORY * self._seconds + seconds
        self._cc = MEMORY * self._cc + cost * cost
        self._ct = MEMORY * self._ct + cost * seconds
        mean_cost, mean_seconds = self._cost / self._weight, self._seconds / self._weight
        variance = self._cc / self._weight - mean_cost**2
        if variance > (_MIN_SPREAD * mean_cost) ** 2:
            slope = (self._ct / self._weight - mean_cost * mean_seconds) / variance
            slope = min(max(slope, 0.0), mean_seconds / mean_cost)
            self.fixed = mean_seconds - slope * mean_cost
        else:
            self.fixed = min(FORGETTING * self.fixed, mean_seconds)
        self.slope = max((mean_seconds - self.fixed) / mean_cost, 1e-9)


class BatchSizer:
    """The cost that takes a wanted time, for each kind of work.

    A batch has a fixed part: the calls of operators, whatever the rows. Where most of the wanted
    time would be that part, batches are longer than wanted, until it is a quarter of them, or they
    take twice as long. No budget is more than twice what has been seen, so that nothing is
    believed of sizes that were never tried.

    Args:
        target_s: Seconds that a batch should take.
    """

    def __init__(self, target_s: float) -> None:
        self.target_s = target_s
        self._lines: OrderedDict[Hashable, _CostModel] = OrderedDict()
        self._budgets: dict[Hashable, float] = {}

    def budget(self, kind: Hashable) -> float:
        """The cost that is believed to take the wanted time."""
        return self._budgets.get(kind, INITIAL_COST)

    def learn(self, kind: Hashable, cost: float, seconds: float) -> float:
        """Takes note of a batch.

        Args:
            kind: What was computed.
            cost: How much of it.
            seconds: How long it took.

        Returns:
            The budget from now on.
        """
        line = self._lines.setdefault(kind, _CostModel())
        self._lines.move_to_end(kind)
        line.take(cost, seconds)
        wanted = (self.target_s - line.fixed) / line.slope
        worth = line.fixed * (1 / MAX_OVERHEAD - 1) / line.slope
        longest = (MAX_STRETCH * self.target_s - line.fixed) / line.slope
        budget, before = max(wanted, min(worth, longest)), self.budget(kind)
        # Sizes between half and twice of what was believed have been tried, or nearly so.
        if cost < before / 2:
            budget = min(budget, before)
        self._budgets[kind] = max(MIN_COST, min(max(budget, before / 2), before * 2))
        while len(self._lines) > MAX_KINDS:
            del self._budgets[self._lines.popitem(last=False)[0]]
        return self._budgets[kind]
