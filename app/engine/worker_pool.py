"""The workers, as one API process has them: which can be used, and which models they hold.

Spares are workers like the others, and hold the same models. They get work only while one of the
others is missing, so that they take over at once.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from madeira.app.engine.worker_connection import Link, LinkLostError
from madeira.app.errors import NoWorkerError, UnavailableError
from madeira.app.ipc.frames import Frame
from madeira.app.ipc.heartbeat import HeartbeatReader
from madeira.app.ipc.runtime_paths import socket_path, supervisor_heartbeat_path
from madeira.app.jobs import ModelKey

__all__ = ["Fleet", "FleetSize"]

log = logging.getLogger(__name__)

WINDOW, WINDOW_OF_SMALL, SMALL = 2.0, 3.0, 0.5
"""In batches of the wanted duration: what a worker holds, with small jobs, and what is small."""

SMALL_FRAMES = 2
"""Frames of small jobs at a worker: one that is computed, one that waits. What comes meanwhile
gathers for the next, because a frame costs either side as much as several of its jobs."""

START_WAIT_S = 300.0
"""Seconds that the first worker is waited for at least."""

LOADING_DEATHS_LIMIT = 2
"""Workers that may end while they load a version, for want of memory say, before it is refused."""

SUSPECT_DEATHS = 2
"""A job that so many workers have died computing gets another one only where one is left."""


@dataclass(frozen=True, slots=True)
class FleetSize:
    """How many workers there are, and how long they are waited for.

    Attributes:
        workers: Workers that compute at the same time.
        spares: Workers beside them, which stand in.
        wait_s: Seconds that what is asked waits where no worker can compute.
    """

    workers: int
    spares: int = 0
    wait_s: float = 60.0


class Fleet:
    """Links to all workers of a runtime directory.

    Args:
        directory: The runtime directory of a supervisor.
        size: How many workers there are.
        answered: Told each answer to a job.
        lost: Told that a worker is gone, and which frames it was computing.
        usable: Told that a worker is ready for jobs.
        given_up: Told that there has been no worker for as long as is waited.

    Attributes:
        size: How many workers there should be.
        links: The workers, spares last.
        is_given_up: Whether there has been no worker for so long.
        draining: The worker that gets nothing until it has answered all that it holds.
    """

    def __init__(
        self,
        directory: Path,
        size: FleetSize,
        answered: Callable[[Link, Frame], None],
        lost: Callable[[Link, frozenset[int]], None],
        usable: Callable[[], None],
        given_up: Callable[[], None],
    ) -> None:
        self._wanted: dict[ModelKey, None] = {}
        self._changed = asyncio.Event()
        self._told_lost, self._told_usable, self._told_given_up = lost, usable, given_up
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.TimerHandle | None = None
        self._active: list[Link] = []
        self._wait_s = max(size.wait_s, START_WAIT_S)
        self._supervisor = HeartbeatReader(supervisor_heartbeat_path(directory))
        self.size = size
        self.is_given_up = False
        self.draining: Link | None = None
        self.links = [
            Link(
                socket_path(directory, number),
                answered,
                self._lost,
                self._usable,
                lambda: list(self._wanted),
            )
            for number in range(size.workers + size.spares)
        ]
        for link in self.links:
            link.open()
        self._changes()

    @property
    def usable(self) -> int:
        """How many workers can compute at the same time: connected, and with their models."""
        return len(self._active)

    @property
    def spares_usable(self) -> int:
        """How many more could, if one of them were missing."""
        return sum(link.is_usable for link in self.links) - len(self._active)

    @property
    def is_supervised(self) -> bool:
        """Whether workers that die are replaced."""
        return self._supervisor.overdue_s() <= 0

    def with_room(self, weight: float) -> Link | None:
        """The worker with most room, if it has enough.

        Args:
            weight: Of the work, in batches of the wanted duration.
        """
        best = min(
            (link for link in self._active if link is not self.draining and not link.is_alone),
            key=lambda link: link.weight,
            default=None,
        )
        if best is None or not best.sent:
            return best
        if weight > SMALL:
            return best if best.weight + weight <= WINDOW else None
        frames = sum(sent.small for sent in best.sent.values())
        fits = frames < SMALL_FRAMES and best.weight + weight <= WINDOW_OF_SMALL
        return best if fits else None

    def for_suspect(self, deaths: int) -> Link | None:
        """An idle worker for a job that is to be computed beside no other.

        Where none is idle, the one with most room gets nothing more until it is.

        Args:
            deaths: How many workers have died computing it. After two of them, the last one is
                kept for all other jobs; a spare computes it if there is one.
        """
        candidates = self._active
        if deaths >= SUSPECT_DEATHS and len(self.links) > 1:
            candidates = [link for link in self.links if link.is_usable][1:][::-1]
        best = min(candidates, key=lambda link: (link.is_alone, link.weight), default=None)
        if best is not None and best.sent:
            self.draining = best
            return None
        return best

    # ------------------------------------------------------------ models

    async def prepare(self, key: ModelKey) -> None:
        """See `Pool.prepare`."""
        try:
            await self._load(key)
        except BaseException:
            self.release(key)
            raise

    async def _load(self, key: ModelKey) -> None:
        deaths = 0
        while True:
            connected = [link for link in self.links if link.pid is not None]
            if not connected:
                await self._one_comes()
                continue
            # One goes first, a spare if there is one: if it dies of it, the others live.
            first = connected[-1]
            try:
                reason = await first.prepare(key)
            except LinkLostError:
                deaths += 1
                if deaths >= LOADING_DEATHS_LIMIT:
                    raise UnavailableError(f"{deaths} workers ended while they loaded it") from None
                continue
            if reason is None:
                break
            raise UnavailableError(reason)
        self._wanted[key] = None  # from here on new workers load it before they are used
        answers = await asyncio.gather(
            *(link.prepare(key) for link in self.links if link.pid is not None and link != first),
            return_exceptions=True,
        )
        for answer in answers:
            if isinstance(answer, str):
                raise UnavailableError(answer)
            if isinstance(answer, BaseException) and not isinstance(answer, LinkLostError):
                raise answer

    async def _one_comes(self) -> None:
        """Waits until a worker has come.

        Raises:
            NoWorkerError: None comes for as long as is waited.
        """
        while not any(link.pid is not None for link in self.links):
            if self.is_given_up:
                raise NoWorkerError
            self._changed.clear()
            await self._changed.wait()

    def release(self, key: ModelKey) -> None:
        """See `Pool.release`."""
        self._wanted.pop(key, None)
        for link in self.links:
            link.release(key)

    # ------------------------------------------------------------ changes

    def _changes(self) -> None:
        """Finds out who gets work, and how long nobody has."""
        self._active = [link for link in self.links if link.is_usable][: self.size.workers]
        if self._active:
            self._wait_s, self.is_given_up = self.size.wait_s, False
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None
        elif self._waiting is None:
            self._waiting = self._loop.call_later(self._wait_s, self._give_up)
        self._changed.set()

    def expect_no_other(self) -> None:
        """No worker that dies will be replaced: nothing waits for another one."""
        self.size = replace(self.size, wait_s=0.0)
        self._wait_s = 0.0
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        self._changes()

    def _give_up(self) -> None:
        log.error("no worker has been able to compute for %g s", self._wait_s)
        self.is_given_up = True
        self._changed.set()
        self._told_given_up()

    def _usable(self) -> None:
        self._changes()
        self._told_usable()

    def _lost(self, link: Link, computing: frozenset[int]) -> None:
        self._changes()
        self._told_lost(link, computing)

    def close(self) -> None:
        """Ends the connections."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._supervisor.close()
        for link in self.links:
            link.close()
