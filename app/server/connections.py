"""All connections of a process: their number, and the time that each may take.

A slow client costs a file descriptor and some memory, and nothing else: the connection of a client
that does not send its request, or does not read its answer, is ended after a while. When the limit
of connections is reached, those that were idle longest make room for new ones.
"""

import asyncio
import heapq
import logging
import resource
from dataclasses import dataclass
from typing import Protocol

from madeira.app.settings import Settings

__all__ = ["Connection", "ConnectionLimits", "Connections"]

log = logging.getLogger(__name__)

RESERVED_DESCRIPTORS = 32
DESCRIPTORS_PER_WORKER = 8
"""Descriptors that are never spent on connections: for files, and to start workers again."""

MIN_CONNECTIONS = 8
LINGER_S = 30.0
SETTLED_S = 1.0
"""A request that has not arrived after so many seconds may lose its connection to a new client."""

FRUITLESS_PAUSE_S = 0.1
"""Seconds without a further search, after no connection was found that could make room."""

MAX_CHECK_S = 1.0


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of connections.

    Attributes:
        connections: Most connections at once.
        header_s: Seconds that the headers of a request may take.
        body_s: Seconds in which `min_rate` bytes a second of a body must have come.
        answer_s: Seconds in which `min_rate` bytes a second of an answer must have been read.
        keep_alive_s: Seconds that a connection may be idle.
        min_rate: Bytes a second.
        unread_bytes: Most bytes of answers that are written and not read, of all together.
        linger_bytes: Most bytes that are read and thrown away of a request that was refused.
    """

    connections: int
    header_s: float
    body_s: float
    answer_s: float
    keep_alive_s: float
    min_rate: int
    unread_bytes: int
    linger_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> "ConnectionLimits":
        """Return the limits that the settings and the number of file descriptors set."""
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        reserved = RESERVED_DESCRIPTORS + DESCRIPTORS_PER_WORKER * len(settings.worker_devices)
        room = max(MIN_CONNECTIONS, descriptors - reserved)
        return cls(
            connections=min(settings.limit_connections, room),
            header_s=settings.header_timeout_s,
            body_s=settings.body_timeout_s,
            answer_s=settings.answer_timeout_s,
            keep_alive_s=settings.keep_alive_s,
            min_rate=settings.min_transfer_bytes_s,
            unread_bytes=settings.request_memory_limit_bytes,
            linger_bytes=2 * settings.body_limit_bytes,
        )

    @property
    def check_s(self) -> float:
        """Seconds between two looks at all connections."""
        return min(MAX_CHECK_S, self.header_s / 4, self.body_s / 4, self.answer_s / 4)


class Connection(Protocol):
    """A connection, as its limits see it."""

    @property
    def idle(self) -> bool:
        """Whether no part of a request has arrived."""

    @property
    def waits_since(self) -> float | None:
        """Time since which the client is awaited; None while it is not."""

    @property
    def buffered(self) -> int:
        """Number of bytes of an answer that the client has not read."""

    def check(self, now: float) -> None:
        """End the connection if the client takes too long."""

    def drop(self) -> None:
        """End the connection to make room."""


class Connections:
    """The connections of a process.

    Attributes:
        limits: What they may take.
        open: All of them.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.open: set[Connection] = set()
        self._look_again = 0.0

    @property
    def full(self) -> bool:
        """Whether there is no room for another connection."""
        return len(self.open) >= self.limits.connections

    def make_room(self) -> None:
        """End the connections whose clients are awaited longest."""
        now = asyncio.get_running_loop().time()
        if now < self._look_again:
            return
        waiting = [
            (not one.idle, since, number, one)
            for number, one in enumerate(self.open)
            if (since := one.waits_since) is not None and (one.idle or now - since > SETTLED_S)
        ]
        if not waiting:
            self._look_again = now + FRUITLESS_PAUSE_S
        for *_, one in heapq.nsmallest(1 + self.limits.connections // 32, waiting):
            one.drop()
            self.open.discard(one)

    async def watch(self) -> None:
        """Check all connections, again and again."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.limits.check_s)
            now = loop.time()
            for one in list(self.open):
                one.check(now)
            unread = sum(one.buffered for one in self.open)
            while unread > self.limits.unread_bytes:
                largest = max(self.open, key=lambda one: one.buffered)
                unread -= largest.buffered
                largest.drop()
                self.open.discard(largest)
