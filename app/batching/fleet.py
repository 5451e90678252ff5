"""The workers, as one API process has them: which can be used, and which models they hold."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from app.batching.link import Link, LinkLostError
from app.errors import UnavailableError
from app.jobs import ModelKey
from app.workers.frames import Frame
from app.workers.runtime import socket_path

__all__ = ["Fleet"]

WINDOW, WINDOW_OF_SMALL, SMALL = 2.0, 3.0, 0.5
"""In batches of the wanted duration: what a worker holds, with small jobs, and what is small."""

SMALL_FRAMES = 2
"""Frames of small jobs at a worker: one that is computed, one that waits. What comes meanwhile
gathers for the next, because a frame costs either side as much as several of its jobs."""

WORKER_WAIT_S = 300.0
"""Seconds that loading a model waits for the first worker."""

LOADING_DEATHS_LIMIT = 2
"""Workers that may end while they load a version, for want of memory say, before it is refused."""


class Fleet:
    """Links to all workers of a runtime directory.

    Args:
        directory: The runtime directory of a supervisor.
        workers: How many workers there are.
        answered: Told each answer to a job.
        lost: Told that a worker is gone, and which frames it was computing.
        usable: Told that a worker is ready for jobs.
    """

    def __init__(
        self,
        directory: Path,
        workers: int,
        answered: Callable[[Link, Frame], None],
        lost: Callable[[Link, frozenset[int]], None],
        usable: Callable[[], None],
    ) -> None:
        self._wanted: dict[ModelKey, None] = {}
        self._changed = asyncio.Event()
        self._told_lost, self._told_usable = lost, usable
        self.links = [
            Link(
                socket_path(directory, number),
                answered,
                self._lost,
                self._usable,
                lambda: list(self._wanted),
            )
            for number in range(workers)
        ]
        for link in self.links:
            link.open()

    @property
    def usable(self) -> int:
        """How many workers are connected and have their models."""
        return sum(link.is_usable for link in self.links)

    def with_room(self, weight: float) -> Link | None:
        """The worker with most room, if it has enough.

        Args:
            weight: Of the work, in batches of the wanted duration.
        """
        best = min(
            (link for link in self.links if link.is_usable),
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

    async def prepare(self, key: ModelKey) -> None:
        """See `Pool.prepare`."""
        self._wanted[key] = None
        try:
            await self._load(key)
        except BaseException:
            self.release(key)
            raise

    async def _load(self, key: ModelKey) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WORKER_WAIT_S
        deaths = 0
        while True:
            connected = [link for link in self.links if link.pid is not None]
            answers = await asyncio.gather(
                *(link.prepare(key) for link in connected), return_exceptions=True
            )
            for answer in answers:
                if isinstance(answer, str):
                    raise UnavailableError(answer)
                if isinstance(answer, LinkLostError):
                    deaths += 1
                elif isinstance(answer, BaseException):
                    raise answer
            if None in answers:
                return
            if deaths >= LOADING_DEATHS_LIMIT:
                raise UnavailableError(f"{deaths} workers ended while they loaded it")
            if loop.time() > deadline:
                raise UnavailableError("No worker can compute; the log says why.")
            await self._change()

    async def _change(self) -> None:
        """Waits until a worker has come or gone, a second at most."""
        self._changed.clear()
        try:
            async with asyncio.timeout(1.0):
                await self._changed.wait()
        except TimeoutError:
            return

    def release(self, key: ModelKey) -> None:
        """See `Pool.release`."""
        self._wanted.pop(key, None)
        for link in self.links:
            link.release(key)

    def _usable(self) -> None:
        self._changed.set()
        self._told_usable()

    def _lost(self, link: Link, computing: frozenset[int]) -> None:
        self._changed.set()
        self._told_lost(link, computing)

    def close(self) -> None:
        """Ends the connections."""
        for link in self.links:
            link.close()
