"""Who may come in: the outermost bound, checked before anything of a request is read.

Refusing must cost next to nothing, or a service that is asked too much only refuses. So the
number of requests under way is bounded here, in front of the body and the routes; how much work
they bring is bounded behind, in `madeira.app.batching.admission`.
"""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from madeira.app.api.problems import answer_of
from madeira.app.errors import DrainingError, QueueFullError, RequestError

__all__ = ["BEGUN", "Door", "DoorKeeper"]

BEGUN = "madeira.begun"
"""Where a scope keeps when its request came in, by the clock of the event loop."""


DRAIN_CHECK_S = 0.02
QUIET_CHECKS = 10
"""So many looks at nobody under way, and nobody refused since the last, end the draining: who had
already sent a request is told that it is not taken, and not cut off."""


class Door:
    """Counts who is in.

    Args:
        limit_requests: Most requests that may be under way at once.

    Attributes:
        present: Requests that have come in and not been answered.
        under_way: Those of them that have come as a whole, and whose client reads the answer.
        draining: Whether nobody is let in any more.
        refused: Requests that have not been let in.
    """

    def __init__(self, limit_requests: int) -> None:
        self._limit = limit_requests
        self.present = 0
        self.under_way = 0
        self.draining = False
        self.refused = 0

    def refusal(self) -> RequestError | None:
        """Why nobody is let in at present; None where somebody is."""
        if self.draining:
            return DrainingError()
        return QueueFullError(1) if self.full else None

    @property
    def full(self) -> bool:
        """Whether as many are under way as may be."""
        return self.under_way >= self._limit

    def enter(self) -> None:
        """One has come as a whole."""
        self.under_way += 1

    def leave(self) -> None:
        """One has been answered, or its client does not read the answer."""
        self.under_way -= 1

    async def drain(self, timeout_s: float, hurried: Callable[[], bool]) -> None:
        """Lets nobody in any more, and waits until all have been answered, and nobody comes.

        Args:
            timeout_s: Seconds to wait at most.
            hurried: Says that nothing is to be waited for any more.
        """
        self.draining = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        quiet, refused = 0, self.refused
        while quiet < QUIET_CHECKS and loop.time() < deadline and not hurried():
            quiet = 0 if self.present or self.under_way or self.refused > refused else quiet + 1
            refused = self.refused
            await asyncio.sleep(DRAIN_CHECK_S)


class DoorKeeper:
    """Middleware that lets requests for work through a door, and all others past it."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        door = self.door
        refusal = door.refusal()
        if refusal is not None:
            door.refused += 1
            await answer_of(refusal)(scope, receive, send)
            return

        counted = False

        async def counting() -> Message:
            # Who is slow to send a body, or never ends it, takes no place from others.
            nonlocal counted
            message = await receive()
            if not counted and message["type"] == "http.request" and not message["more_body"]:
                if door.full:
                    raise QueueFullError(1)
                counted = True
                door.enter()
            return message

        async def closing(message: Message) -> None:
            # Who is answered while the service stops must not ask again on this connection.
            if door.draining and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            if not (counted and message.get("more_body")):
                await send(message)
                return
            door.leave()  # while the client does not read what is there
            try:
                await send(message)
            finally:
                door.enter()

        scope[BEGUN] = asyncio.get_running_loop().time()
        door.present += 1
        try:
            await self.app(scope, counting, closing)
        finally:
            door.present -= 1
            if counted:
                door.leave()
