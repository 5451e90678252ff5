"""How much work takes how long, learnt from the work itself."""

from collections import OrderedDict
from collections.abc import Hashable

__all__ = ["Pace"]

INITIAL_COST = 512.0
LEAST_COST = 64.0
KEPT = 256


class Pace:
    """The cost that takes a wanted time, for each kind of work.

    A large batch teaches; a small one, of which the fixed part of its time is most, does not,
    unless it took too long already. No step is larger than twofold, so that one slow moment of
    the machine changes little.

    Args:
        target_s: Seconds that a batch should take.
    """

    def __init__(self, target_s: float) -> None:
        self.target_s = target_s
        self._budgets: OrderedDict[Hashable, float] = OrderedDict()

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
        budget = self.budget(kind)
        if cost >= budget / 2 or seconds > self.target_s:
            fitting = cost * self.target_s / max(seconds, 1e-6)
            budget = max(LEAST_COST, min(max(fitting, budget / 2), budget * 2))
        self._budgets[kind] = budget
        self._budgets.move_to_end(kind)
        while len(self._budgets) > KEPT:
            self._budgets.popitem(last=False)
        return budget
