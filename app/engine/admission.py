"""What may wait: the bound of the queue, how fast it drains, and who has gone.

A request reserves what its jobs cost before anything of it is computed, so that it is refused at
once or not at all. One that is too large to wait as a whole reserves only the few jobs of it that
wait at one time, and takes turns with the others. Such large requests are bounded in number, well
below that of all requests: however many come, small ones find room. While a client does not read
its answer, its request takes no place and reserves nothing.
"""

import asyncio
import math
import time
from collections.abc import Callable

from madeira.app.engine.request import Ticket
from madeira.app.errors import QueueFullError

__all__ = ["Admission"]

WATCHED_AFTER_S = 0.05
"""A request that has taken this long is worth watching its caller."""

MEMORY_S = 5.0
"""The drain rate is that of about the last so many seconds."""

LONGEST_RETRY_S = 60

LARGE_SHARE = 0.25
"""Of all requests that may be under way, so many may be large."""


class Admission:
    """Lets requests in as long as there is room.

    Args:
        limit_cost: Most that all admitted requests may have reserved.
        limit_requests: Most requests that may be under way at once.
        changed: Told what they have reserved, whenever that changes.

    Attributes:
        limit_cost: See above.
        reserved: What they have reserved.
    """

    def __init__(
        self,
        limit_cost: float,
        limit_requests: int,
        changed: Callable[[float], object] = lambda _: None,
    ) -> None:
        self.limit_cost = limit_cost
        self._limit_large = max(1, int(LARGE_SHARE * limit_requests))
        self._large = 0
        self._counted = 0
        self._changed = changed
        self.reserved = 0.0
        self._tickets: dict[Ticket, None] = {}
        self._drained = 0.0
        self._since = time.monotonic()
        self._sweeping = False

    def __len__(self) -> int:
        return len(self._tickets)

    def enter(self, ticket: Ticket) -> None:
        """Lets a request in.

        Raises:
            QueueFullError: There is no room.
        """
        if not self._has_room(ticket):
            raise QueueFullError(self.retry_after_s())
        if ticket.large and self._large >= self._limit_large:
            raise QueueFullError(
                self.retry_after_s(), f"{self._large} other large requests are being computed"
            )
        self._tickets[ticket] = None
        self._count(ticket)
        if ticket.gone is not None and not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(WATCHED_AFTER_S, self._sweep)

    def leave(self, ticket: Ticket) -> None:
        """Takes note that a request is at its end."""
        if ticket in self._tickets:
            self.pause(ticket)
            del self._tickets[ticket]

    def pause(self, ticket: Ticket) -> None:
        """Counts a request no more while its client takes what is there."""
        if ticket.counted:
            ticket.counted = False
            self._counted -= 1
            self._large -= ticket.large
            self.reserved = self.reserved - ticket.reserved if self._counted else 0.0
            self._changed(self.reserved)

    def go_on(self, ticket: Ticket) -> None:
        """Counts a request again; it is not refused any more, and reserves only what is left."""
        if ticket in self._tickets and not ticket.counted:
            self._count(ticket)

    def _has_room(self, ticket: Ticket) -> bool:
        return not self._counted or self.reserved + ticket.cost <= self.limit_cost

    def _count(self, ticket: Ticket) -> None:
        ticket.reserved = ticket.cost if self._has_room(ticket) else 0.0
        ticket.counted = True
        self._counted += 1
        self._large += ticket.large
        self.reserved += ticket.reserved
        self._changed(self.reserved)

    def drained(self, cost: float) -> None:
        """Takes note of work that is done."""
        self._decay()
        self._drained += cost

    def retry_after_s(self) -> int:
        """Seconds after which there should be room again, by how fast work has been done."""
        self._decay()
        if not self._drained:
            return 1
        seconds = self.reserved / (self._drained / MEMORY_S)
        return max(1, min(math.ceil(seconds), LONGEST_RETRY_S))

    def _decay(self) -> None:
        now = time.monotonic()
        self._drained *= math.exp((self._since - now) / MEMORY_S)
        self._since = now

    def _sweep(self) -> None:
        """Has the callers of requests watched that take a while."""
        loop = asyncio.get_running_loop()
        latest = loop.time() - WATCHED_AFTER_S
        waiting = False
        for ticket in self._tickets:
            if ticket.since > latest:
                waiting = True
                break
            if ticket.gone is not None and ticket.watch is None:
                ticket.watch = loop.create_task(_watch(ticket))
        self._sweeping = waiting
        if waiting:
            loop.call_later(WATCHED_AFTER_S, self._sweep)


async def _watch(ticket: Ticket) -> None:
    """Gives a request up when its caller is gone."""
    if ticket.gone is not None:
        await ticket.gone()
        ticket.fail(ConnectionAbortedError())
