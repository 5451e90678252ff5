"""The limit of requests in flight: the outermost bound, checked before anything of one is read.

A rejection must cost next to nothing, or a service with too many requests does nothing but reject.
So the number of requests in flight is bounded here, in front of the body and the routes; how much
work they bring is bounded behind, by admission to the queue.
"""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from madeira.app.errors import DrainingError, QueueFullError, RequestError
from madeira.app.http.problems import problem_of

__all__ = ["STARTED_AT", "ConcurrencyLimit", "LimitMiddleware"]

STARTED_AT = "madeira.started_at"
"""Where a scope keeps when its request came in, by the clock of the event loop."""

DRAIN_CHECK_S = 0.02
QUIET_CHECKS = 10
"""Draining ends after so many consecutive checks with no request in flight and none rejected since
the check before: clients that had already sent a request get a 503, not a reset connection."""


class ConcurrencyLimit:
    """Counts the requests in flight.

    Args:
        limit_requests: Most requests that may be in flight at once.

    Attributes:
        present: Requests that have been let in and not been answered.
        in_flight: Those of them that have come as a whole, and whose client reads the answer.
        draining: Whether no request is let in any more.
        rejected: How many requests have not been let in.
    """

    def __init__(self, limit_requests: int) -> None:
        self._limit = limit_requests
        self.present = 0
        self.in_flight = 0
        self.draining = False
        self.rejected = 0

    def rejection(self) -> RequestError | None:
        """Return why no request is let in at present; None where one is."""
        if self.draining:
            return DrainingError()
        return QueueFullError(1) if self.is_full else None

    @property
    def is_full(self) -> bool:
        """Whether as many requests are in flight as may be."""
        return self.in_flight >= self._limit

    def enter(self) -> None:
        """Count a request that has come as a whole."""
        self.in_flight += 1

    def leave(self) -> None:
        """Stop counting a request: it is answered, or its client does not read the answer."""
        self.in_flight -= 1

    async def drain(self, timeout_s: float, hurried: Callable[[], bool]) -> None:
        """Let no request in any more, and wait until all are answered and no more come.

        Args:
            timeout_s: Seconds to wait at most.
            hurried: Says that nothing is to be waited for any more.
        """
        self.draining = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        quiet, rejected = 0, self.rejected
        while quiet < QUIET_CHECKS and loop.time() < deadline and not hurried():
            is_quiet = not (self.present or self.in_flight or self.rejected > rejected)
            quiet = quiet + 1 if is_quiet else 0
            rejected = self.rejected
            await asyncio.sleep(DRAIN_CHECK_S)


class LimitMiddleware:
    """Applies the limit to requests for work; all others pass."""

    def __init__(self, app: ASGIApp, limit: ConcurrencyLimit) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or reject it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        limit = self.limit
        rejection = limit.rejection()
        if rejection is not None:
            limit.rejected += 1
            await problem_of(rejection)(scope, receive, send)
            return

        counted = False

        async def counting() -> Message:
            # A client that is slow to send its body, or never ends it, takes no place.
            nonlocal counted
            message = await receive()
            if not counted and message["type"] == "http.request" and not message["more_body"]:
                if limit.is_full:
                    raise QueueFullError(1)
                counted = True
                limit.enter()
            return message

        async def closing(message: Message) -> None:
            # A client that is answered while the service stops must not reuse the connection.
            if limit.draining and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            if not (counted and message.get("more_body")):
                await send(message)
                return
            limit.leave()  # while the client does not read
            try:
                await send(message)
            finally:
                limit.enter()

        scope[STARTED_AT] = asyncio.get_running_loop().time()
        limit.present += 1
        try:
            await self.app(scope, counting, closing)
        finally:
            limit.present -= 1
            if counted:
                limit.leave()
