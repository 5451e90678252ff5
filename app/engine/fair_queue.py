"""The order in which jobs leave the queue: fair among requests, whatever their sizes.

Self-clocked fair queueing (Golestani, INFOCOM 1994): a job is tagged with the work its request
will have been served when it is done, counted from the tag of the job served last, and the least
tag goes first. So a single row overtakes the waiting chunks of a million, requests of one size
take turns, and none is put off for ever.
"""

import heapq
from itertools import count

from madeira.app.engine.request import Entry

__all__ = ["FairQueue"]


class FairQueue:
    """Jobs that wait.

    Attributes:
        cost: Of all of them together.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Entry]] = []
        self._sequence = count()
        self._clock = 0.0
        self.cost = 0.0

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, entry: Entry) -> None:
        """Adds a job behind what is due before it."""
        ticket = entry.ticket
        ticket.share = max(ticket.share, self._clock) + entry.cost
        self._put(ticket.share, entry)

    def push_first(self, entry: Entry) -> None:
        """Adds a job before all others: one that has had its turn and lost it."""
        self._put(self._clock, entry)

    def _put(self, tag: float, entry: Entry) -> None:
        self.cost += entry.cost
        heapq.heappush(self._heap, (tag, next(self._sequence), entry))

    def first(self) -> Entry | None:
        """The job whose turn it is; it stays."""
        while self._heap and self._heap[0][2].done:
            self.cost -= heapq.heappop(self._heap)[2].cost
        return self._heap[0][2] if self._heap else None

    def pop(self) -> Entry:
        """Takes out the job that `first` shows."""
        tag, _, entry = heapq.heappop(self._heap)
        self._clock = max(self._clock, tag)
        self.cost -= entry.cost
        return entry
