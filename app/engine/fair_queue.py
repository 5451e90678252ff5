"""The fair queue: the order of jobs is fair among requests of any size.

Self-clocked fair queueing (Golestani, INFOCOM 1994): the tag of a job is its virtual finish time,
the cost that its request will have been served by then, counted from the tag of the job served
last. The job with the least tag goes first. So a single row overtakes the waiting chunks of a
million, requests of one size take turns, and none is postponed for ever.
"""

import heapq
from itertools import count

from madeira.app.engine.request import QueuedJob

__all__ = ["FairQueue"]


class FairQueue:
    """The jobs that wait, in fair order.

    Attributes:
        cost: Cost of all jobs.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, QueuedJob]] = []
        self._sequence = count()
        self._clock = 0.0
        self.cost = 0.0

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, queued: QueuedJob) -> None:
        """Add a job by its virtual finish time."""
        request = queued.request
        request.virtual_finish = max(request.virtual_finish, self._clock) + queued.cost
        self._put(request.virtual_finish, queued)

    def push_first(self, queued: QueuedJob) -> None:
        """Add a job before all others: it had its turn, and its worker died."""
        self._put(self._clock, queued)

    def _put(self, tag: float, queued: QueuedJob) -> None:
        self.cost += queued.cost
        heapq.heappush(self._heap, (tag, next(self._sequence), queued))

    def first(self) -> QueuedJob | None:
        """Return the job whose turn it is, and leave it in the queue."""
        while self._heap and self._heap[0][2].done:
            self.cost -= heapq.heappop(self._heap)[2].cost
        return self._heap[0][2] if self._heap else None

    def pop(self) -> QueuedJob:
        """Take out the job that `first` returns."""
        tag, _, queued = heapq.heappop(self._heap)
        self._clock = max(self._clock, tag)
        self.cost -= queued.cost
        return queued
