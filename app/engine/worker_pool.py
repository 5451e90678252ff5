"""The connections of one API process to all workers, and the models that they hold.

Spares hold the same models as the other workers. They get work only while one of those is missing,
so that they take over at once.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from madeira.app.engine.worker_connection import WorkerConnection, WorkerLostError
from madeira.app.errors import NoWorkerError, UnavailableError
from madeira.app.ipc.frames import Frame
from madeira.app.ipc.heartbeat import HeartbeatReader
from madeira.app.ipc.runtime_paths import socket_path, supervisor_heartbeat_path
from madeira.app.jobs import ModelKey

__all__ = ["WorkerPool", "WorkerPoolSize"]

log = logging.getLogger(__name__)

WINDOW, WINDOW_OF_SMALL, SMALL = 2.0, 3.0, 0.5
"""In units of one target-duration batch: most work queued at a worker; the same when only small
jobs are added; below this a job is small."""

SMALL_FRAMES = 2
"""Most batches of small jobs at a worker: one that is computed, one that waits. Later jobs gather
for the next batch, because a message costs either side as much as several of its jobs."""

START_WAIT_S = 300.0
"""Least seconds to wait for the first worker."""

MAX_LOADING_CRASHES = 2
"""Workers that may die while they load a version, before the version is rejected."""

SUSPECT_CRASHES = 2
"""After so many crashes a job gets another worker only if one is left for the other jobs."""


@dataclass(frozen=True, slots=True)
class WorkerPoolSize:
    """Number of workers, and the time to wait for one.

    Attributes:
        workers: Number of workers that compute at the same time.
        spares: Number of workers that stand in for a missing one.
        wait_s: Seconds that jobs wait while no worker can compute.
    """

    workers: int
    spares: int = 0
    wait_s: float = 60.0


class WorkerPool:
    """The connections to all workers of a runtime directory.

    Args:
        directory: The runtime directory.
        size: Number of workers.
        answered: Called with each answer to a batch.
        lost: Called when a worker has died, with the numbers of the batches that it was computing.
        usable: Called when a worker is ready for jobs.
        given_up: Called when no worker could compute for as long as jobs wait.

    Attributes:
        size: Number of workers.
        connections: The workers, spares last.
        is_given_up: Whether no worker could compute for as long as jobs wait.
        draining: The worker that gets no jobs until it has answered all that it has.
    """

    def __init__(
        self,
        directory: Path,
        size: WorkerPoolSize,
        answered: Callable[[WorkerConnection, Frame], None],
        lost: Callable[[WorkerConnection, frozenset[int]], None],
        usable: Callable[[], None],
        given_up: Callable[[], None],
    ) -> None:
        self._wanted: dict[ModelKey, None] = {}
        self._changed = asyncio.Event()
        self._on_lost, self._on_usable, self._on_given_up = lost, usable, given_up
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.TimerHandle | None = None
        self._active: list[WorkerConnection] = []
        self._wait_s = max(size.wait_s, START_WAIT_S)
        self._supervisor = HeartbeatReader(supervisor_heartbeat_path(directory))
        self.size = size
        self.is_given_up = False
        self.draining: WorkerConnection | None = None
        self.connections = [
            WorkerConnection(
                socket_path(directory, number),
                answered,
                self._lost,
                self._usable,
                lambda: list(self._wanted),
            )
            for number in range(size.workers + size.spares)
        ]
        for connection in self.connections:
            connection.open()
        self._update()

    @property
    def usable(self) -> int:
        """Number of workers that can compute at the same time: connected, and with their models."""
        return len(self._active)

    @property
    def spares_usable(self) -> int:
        """Number of further workers that could compute if one of those were missing."""
        return sum(one.is_usable for one in self.connections) - len(self._active)

    @property
    def is_supervised(self) -> bool:
        """Whether workers that die are replaced."""
        return self._supervisor.overdue_s() <= 0

    def with_room(self, load: float) -> WorkerConnection | None:
        """Return the worker with the least load, if the work fits there.

        Args:
            load: Load of the work, in units of one target-duration batch.
        """
        best = min(
            (one for one in self._active if one is not self.draining and not one.is_alone),
            key=lambda one: one.load,
            default=None,
        )
        if best is None or not best.in_flight:
            return best
        if load > SMALL:
            return best if best.load + load <= WINDOW else None
        frames = sum(batch.is_small for batch in best.in_flight.values())
        fits = frames < SMALL_FRAMES and best.load + load <= WINDOW_OF_SMALL
        return best if fits else None

    def for_suspect(self, crashes: int) -> WorkerConnection | None:
        """Return an idle worker for a job that must not be computed beside others.

        If none is idle, the worker with the least load is drained.

        Args:
            crashes: Number of workers that have died computing the job. After two, the last worker
                is kept for all other jobs, and a spare computes it if there is one.
        """
        candidates = self._active
        if crashes >= SUSPECT_CRASHES and len(self.connections) > 1:
            candidates = [one for one in self.connections if one.is_usable][1:][::-1]
        best = min(candidates, key=lambda one: (one.is_alone, one.load), default=None)
        if best is not None and best.in_flight:
            self.draining = best
            return None
        return best

    # ------------------------------------------------------------ models

    async def prepare(self, key: ModelKey) -> None:
        """Load a model in all workers; see `Engine.prepare`."""
        try:
            await self._load(key)
        except BaseException:
            self.release(key)
            raise

    async def _load(self, key: ModelKey) -> None:
        crashes = 0
        while True:
            connected = [one for one in self.connections if one.pid is not None]
            if not connected:
                await self._wait_for_worker()
                continue
            # One worker goes first, a spare if there is one: if it dies, the others live.
            first = connected[-1]
            try:
                reason = await first.prepare(key)
            except WorkerLostError:
                crashes += 1
                if crashes >= MAX_LOADING_CRASHES:
                    raise UnavailableError(
                        f"{crashes} workers ended while they loaded it"
                    ) from None
                continue
            if reason is None:
                break
            raise UnavailableError(reason)
        self._wanted[key] = None  # from here on new workers load it before they are used
        answers = await asyncio.gather(
            *(one.prepare(key) for one in self.connections if one.pid is not None and one != first),
            return_exceptions=True,
        )
        for answer in answers:
            if isinstance(answer, str):
                raise UnavailableError(answer)
            if isinstance(answer, BaseException) and not isinstance(answer, WorkerLostError):
                raise answer

    async def _wait_for_worker(self) -> None:
        """Wait until a worker is connected.

        Raises:
            NoWorkerError: None is connected for as long as jobs wait.
        """
        while not any(connection.pid is not None for connection in self.connections):
            if self.is_given_up:
                raise NoWorkerError
            self._changed.clear()
            await self._changed.wait()

    def release(self, key: ModelKey) -> None:
        """Have all workers forget a model; see `Engine.release`."""
        self._wanted.pop(key, None)
        for connection in self.connections:
            connection.release(key)

    # ------------------------------------------------------------ changes

    def _update(self) -> None:
        """Choose the workers that get jobs; start or stop the timer of giving up."""
        self._active = [one for one in self.connections if one.is_usable][: self.size.workers]
        if self._active:
            self._wait_s, self.is_given_up = self.size.wait_s, False
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None
        elif self._waiting is None:
            self._waiting = self._loop.call_later(self._wait_s, self._give_up)
        self._changed.set()

    def expect_no_replacement(self) -> None:
        """Stop waiting for workers: those that die are not replaced any more."""
        self.size = replace(self.size, wait_s=0.0)
        self._wait_s = 0.0
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        self._update()

    def _give_up(self) -> None:
        log.error("no worker has been able to compute for %g s", self._wait_s)
        self.is_given_up = True
        self._changed.set()
        self._on_given_up()

    def _usable(self) -> None:
        self._update()
        self._on_usable()

    def _lost(self, connection: WorkerConnection, computing: frozenset[int]) -> None:
        self._update()
        self._on_lost(connection, computing)

    def close(self) -> None:
        """Close the connections."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._supervisor.close()
        for connection in self.connections:
            connection.close()
