"""The connection of one API process to one worker, made again whenever the worker is."""

import asyncio
import contextlib
import logging
import os
import re
import signal
import socket
import struct
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from madeira.app.engine.request import InFlightBatch, QueuedJob
from madeira.app.errors import FrameError
from madeira.app.ipc.descriptors import DescriptorReserve
from madeira.app.ipc.frames import Buffers, Frame, FrameReader, encode_frame
from madeira.app.ipc.heartbeat import HeartbeatReader
from madeira.app.ipc.messages import concat
from madeira.app.jobs import ModelKey

__all__ = ["WorkerConnection", "WorkerLostError"]

log = logging.getLogger(__name__)

FIRST_PAUSE_S, MAX_PAUSE_S = 0.01, 0.2

DESCRIPTORS = 2
"""Number of descriptors of a connection: its socket and the heartbeat of the worker."""

_HEARTBEAT = re.compile(r"[0-9]+-[0-9]+\.heartbeat")
_CREDENTIALS = struct.Struct("3i")

_numbers = count(1)


class WorkerLostError(Exception):
    """The worker died before it answered."""


@dataclass(slots=True)
class _Listener:
    """The functions that a connection calls."""

    answered: Callable[["WorkerConnection", Frame], None]
    lost: Callable[["WorkerConnection", frozenset[int]], None]
    usable: Callable[[], None]


class WorkerConnection(asyncio.BufferedProtocol):
    """One worker, as an API process sees it.

    Args:
        path: Socket of the worker.
        answered: Called with each answer to a batch.
        lost: Called when the worker has died, with the numbers of the batches it was computing.
        usable: Called when the worker is ready for jobs.
        wanted: Returns the models that a worker must have loaded before it gets jobs.

    Attributes:
        pid: Process id of the worker; None while there is none.
        is_usable: Whether it is connected and has its models.
        is_alone: Whether it computes a job that must not be computed beside others.
        in_flight: The batches it has not answered, by number.
        load: Load of these batches, in units of one target-duration batch.
    """

    def __init__(
        self,
        path: Path,
        answered: Callable[["WorkerConnection", Frame], None],
        lost: Callable[["WorkerConnection", frozenset[int]], None],
        usable: Callable[[], None],
        wanted: Callable[[], Sequence[ModelKey]],
    ) -> None:
        self._path = path
        self._listener = _Listener(answered, lost, usable)
        self._wanted = wanted
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._heartbeat: HeartbeatReader | None = None
        self._reserve = DescriptorReserve(DESCRIPTORS)
        self._peer: int | None = None
        self._asked: dict[int, asyncio.Future[str | None]] = {}
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._senseless = False
        self.pid: int | None = None
        self.is_usable = False
        self.is_alone = False
        self.in_flight: dict[int, InFlightBatch] = {}
        self.load = 0.0

    # ------------------------------------------------------------ connecting

    def open(self) -> None:
        """Connect as soon as the worker listens, and again after each loss."""
        self._background(self._connect())

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._closing:
            try:
                # Connecting never waits, so that no other code takes the descriptor meanwhile.
                with self._reserve:
                    connection = _connected(self._path)
                self._peer = _process_of(connection)
                await self._loop.create_unix_connection(lambda: self, sock=connection)
            except OSError:
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, MAX_PAUSE_S)
            else:
                return

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection; called by the event loop."""
        self._transport = transport  # type: ignore[assignment]
        self._reader = FrameReader()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer of the next bytes; called by the event loop."""
        return self._reader.space()

    def buffer_updated(self, nbytes: int) -> None:
        """Read new bytes; called by the event loop."""
        try:
            for frame in self._reader.filled(nbytes):
                self._hear(frame)
        except Exception as error:  # the worker may have sent anything
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Kill a worker that sends bytes that cannot be read; it would do so again.

        All its batches count as those that it was computing.
        """
        if isinstance(error, FrameError):
            log.error("a worker is given up: %s", error)
        else:
            log.error("a worker is given up: its answer cannot be read", exc_info=error)
        self._senseless = True
        if self._peer is not None:
            with contextlib.suppress(OSError):
                os.kill(self._peer, signal.SIGKILL)
        self._abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the worker is gone; called by the event loop."""
        self._transport, self._peer, self.pid = None, None, None
        self.is_usable = self.is_alone = False
        computing = frozenset[int]()
        if self._senseless:
            self._senseless, computing = False, frozenset(self.in_flight)
        elif self._heartbeat is not None:
            computing = self._heartbeat.frames()
        if self._heartbeat is not None:
            self._heartbeat.close()
            self._heartbeat = None
        self._loop.call_soon(self._refill)
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(WorkerLostError())
        self._asked.clear()
        self.load = 0.0
        self._listener.lost(self, computing)
        if not self._closing:
            self.open()

    def _refill(self) -> None:
        """Reserve the descriptors of the connection that was just closed."""
        if not self._closing:
            self._reserve.refill()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------------ talking

    def _hear(self, frame: Frame) -> None:
        match frame.header.get("kind"):
            case "hello":
                self._open_heartbeat(frame.header["heartbeat"])
                self.pid = int(frame.header["pid"])
                self._background(self._greet())
            case "prepared":
                asked = self._asked.pop(frame.header["number"], None)
                reason = frame.header.get("error")
                if not isinstance(reason, str | None):
                    raise FrameError("a reason that is no text")
                if asked is not None and not asked.done():
                    asked.set_result(reason)
            case _:
                self._listener.answered(self, frame)

    def _open_heartbeat(self, name: str) -> None:
        if self._heartbeat is not None or not _HEARTBEAT.fullmatch(name):
            raise FrameError("a worker that has no heartbeat of its own")
        try:
            with self._reserve:
                self._heartbeat = HeartbeatReader(self._path.with_name(name))
        except OSError:
            self._abort()  # it is gone already

    async def _greet(self) -> None:
        """Have a new worker load the models that are served, then give it jobs."""
        done: set[ModelKey] = set()
        while missing := [key for key in self._wanted() if key not in done]:
            for key in missing:
                try:
                    reason = await self.prepare(key)
                except WorkerLostError:
                    return
                if reason is not None:
                    log.error("a worker cannot load %s %s: %s", key.name, key.version, reason)
                done.add(key)
        self.is_usable = True
        self._listener.usable()

    def write(self, buffers: Buffers) -> None:
        """Send a frame."""
        if self._transport is not None:
            if len(buffers) == 1:
                self._transport.write(buffers[0])
            else:
                self._transport.writelines(buffers)

    async def prepare(self, key: ModelKey) -> str | None:
        """Have the worker load a model.

        Returns:
            Why it cannot; None if it has.

        Raises:
            WorkerLostError: The worker died.
        """
        if self._transport is None:
            raise WorkerLostError
        number = next(_numbers)
        asked: asyncio.Future[str | None] = self._loop.create_future()
        self._asked[number] = asked
        header = {"kind": "prepare", "number": number, "model": (key.name, key.version)}
        self.write(encode_frame(header, {}))
        return await asked

    def release(self, key: ModelKey) -> None:
        """Have the worker forget a model."""
        header = {"kind": "release", "model": (key.name, key.version)}
        self.write(encode_frame(header, {}))

    def submit(self, jobs: list[QueuedJob], load: float, small: bool) -> None:
        """Send jobs of one group as one batch.

        Args:
            jobs: The jobs.
            load: Load of all of them, in units of one target-duration batch.
            small: Whether they are small jobs.
        """
        number = os.getpid() << 32 | next(_numbers)
        batch = InFlightBatch(number, jobs, load, small, len(jobs))
        self.in_flight[number] = batch
        self.load += load
        self.is_alone = any(queued.worker_crashes for queued in jobs)
        for queued in jobs:
            queued.batch = batch
        header = {
            **jobs[0].message.header,
            "number": number,
            "rows": [len(queued.job.values) for queued in jobs],
            "cost": sum(queued.cost for queued in jobs),
            "alone": self.is_alone,
        }
        self.write(encode_frame(header, concat([queued.message.arrays for queued in jobs])))

    def drop(self, batch: InFlightBatch, places: list[int]) -> None:
        """Tell the worker that some jobs of a batch are no longer wanted.

        Args:
            batch: The batch.
            places: Indices of these jobs in it.
        """
        header = {"kind": "drop", "number": batch.number, "places": places}
        self.write(encode_frame(header, {}))

    def done(self, batch: InFlightBatch) -> None:
        """Forget a batch that is answered."""
        if self.in_flight.pop(batch.number, None) is not None:
            self.load = self.load - batch.load if self.in_flight else 0.0
            self.is_alone = self.is_alone and bool(self.in_flight)

    def close(self) -> None:
        """Close the connection for good."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        self._abort()
        self._reserve.close()


def _connected(path: Path) -> socket.socket:
    """Connect to a socket.

    Raises:
        OSError: No worker listens there, or there is no descriptor.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        connection.connect(str(path))
    except BaseException:
        connection.close()
        raise
    return connection


def _process_of(connection: socket.socket) -> int | None:
    """Process id at the other end; None where the system does not tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid: int = _CREDENTIALS.unpack(found)[0]
    return pid
