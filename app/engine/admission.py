"""Admission control: the limit of the queue, its drain rate, and clients that have disconnected.

A request reserves the cost of its jobs before anything of it is computed, so that it is rejected
at once or not at all. A request too large to wait as a whole reserves only the few jobs of it that
wait at one time, and takes turns with the others. The number of such large requests is limited,
well below that of all requests, so that small ones always find room. While a client does not read
its answer, its request takes no place and reserves nothing.
"""

import asyncio
import math
import time
from collections.abc import Callable

from madeira.app.engine.request import AdmittedRequest
from madeira.app.errors import QueueFullError

__all__ = ["Admission"]

WATCHED_AFTER_S = 0.05
"""Requests that take longer than this are watched for a disconnect of the client."""

MEMORY_S = 5.0
"""Time constant of the average drain rate."""

MAX_RETRY_S = 60

LARGE_FRACTION = 0.25
"""Fraction of all requests in progress that may be large."""


class Admission:
    """Admits requests as long as there is room.

    Args:
        limit_cost: Most cost that all admitted requests may have reserved.
        limit_requests: Most requests that may be in progress at once.
        changed: Called with the reserved cost whenever it changes.

    Attributes:
        limit_cost: See above.
        reserved: Cost that the admitted requests have reserved.
    """

    def __init__(
        self,
        limit_cost: float,
        limit_requests: int,
        changed: Callable[[float], object] = lambda _: None,
    ) -> None:
        self.limit_cost = limit_cost
        self._limit_large = max(1, int(LARGE_FRACTION * limit_requests))
        self._large = 0
        self._counted = 0
        self._changed = changed
        self.reserved = 0.0
        self._requests: dict[AdmittedRequest, None] = {}
        self._drained = 0.0
        self._since = time.monotonic()
        self._sweeping = False

    def __len__(self) -> int:
        return len(self._requests)

    def enter(self, request: AdmittedRequest) -> None:
        """Admit a request.

        Raises:
            QueueFullError: There is no room.
        """
        if not self._has_room(request):
            raise QueueFullError(self.retry_after_s())
        if request.large and self._large >= self._limit_large:
            raise QueueFullError(
                self.retry_after_s(), f"{self._large} other large requests are being computed"
            )
        self._requests[request] = None
        self._count(request)
        if request.wait_for_disconnect is not None and not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(WATCHED_AFTER_S, self._sweep)

    def leave(self, request: AdmittedRequest) -> None:
        """Release what a request has reserved, for good."""
        if request in self._requests:
            self.pause(request)
            del self._requests[request]

    def pause(self, request: AdmittedRequest) -> None:
        """Release what a request has reserved while its client reads the answer."""
        if request.is_counted:
            request.is_counted = False
            self._counted -= 1
            self._large -= request.large
            self.reserved = self.reserved - request.reserved if self._counted else 0.0
            self._changed(self.reserved)

    def resume(self, request: AdmittedRequest) -> None:
        """Count a request again. It is not rejected; it reserves its cost only if there is room."""
        if request in self._requests and not request.is_counted:
            self._count(request)

    def _has_room(self, request: AdmittedRequest) -> bool:
        return not self._counted or self.reserved + request.cost <= self.limit_cost

    def _count(self, request: AdmittedRequest) -> None:
        request.reserved = request.cost if self._has_room(request) else 0.0
        request.is_counted = True
        self._counted += 1
        self._large += request.large
        self.reserved += request.reserved
        self._changed(self.reserved)

    def drained(self, cost: float) -> None:
        """Record cost that was computed, for the drain rate."""
        self._decay()
        self._drained += cost

    def retry_after_s(self) -> int:
        """Return the seconds after which there should be room again, by the drain rate."""
        self._decay()
        if not self._drained:
            return 1
        seconds = self.reserved / (self._drained / MEMORY_S)
        return max(1, min(math.ceil(seconds), MAX_RETRY_S))

    def _decay(self) -> None:
        now = time.monotonic()
        self._drained *= math.exp((self._since - now) / MEMORY_S)
        self._since = now

    def _sweep(self) -> None:
        """Watch the clients of requests that take a while."""
        loop = asyncio.get_running_loop()
        latest = loop.time() - WATCHED_AFTER_S
        waiting = False
        for request in self._requests:
            if request.admitted_at > latest:
                waiting = True
                break
            if request.wait_for_disconnect is not None and request.disconnect_watch is None:
                request.disconnect_watch = loop.create_task(_fail_on_disconnect(request))
        self._sweeping = waiting
        if waiting:
            loop.call_later(WATCHED_AFTER_S, self._sweep)


async def _fail_on_disconnect(request: AdmittedRequest) -> None:
    """Give a request up when its client has disconnected."""
    if request.wait_for_disconnect is not None:
        await request.wait_for_disconnect()
        request.fail(ConnectionAbortedError())
