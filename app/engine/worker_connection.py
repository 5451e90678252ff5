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

from madeira.app.engine.request import Entry, Sent
from madeira.app.ipc.descriptors import DescriptorReserve
from madeira.app.ipc.frames import Buffers, Frame, FrameError, FrameReader, encode_frame
from madeira.app.ipc.heartbeat import HeartbeatReader
from madeira.app.ipc.messages import concat
from madeira.app.jobs import ModelKey

__all__ = ["Link", "LinkLostError"]

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.01, 0.2

DESCRIPTORS = 2
"""A link has a socket and a heartbeat open."""

_HEARTBEAT = re.compile(r"[0-9]+-[0-9]+\.heartbeat")
_CREDENTIALS = struct.Struct("3i")

_numbers = count(1)


class LinkLostError(Exception):
    """The worker has gone while an answer of it was awaited."""


@dataclass(slots=True)
class _Hearing:
    """Who is told what a link hears."""

    answered: Callable[["Link", Frame], None]
    lost: Callable[["Link", frozenset[int]], None]
    usable: Callable[[], None]


class Link(asyncio.BufferedProtocol):
    """One worker, as an API process sees it.

    Args:
        path: Where the worker listens.
        answered: Told each answer to a job.
        lost: Told that the worker is gone, and which frames it was computing.
        usable: Told that the worker is ready for jobs.
        wanted: Says which models a worker must have loaded before it is used.

    Attributes:
        pid: Number of the worker's process; None while there is none.
        is_usable: Whether it is connected and has its models.
        is_alone: Whether it computes a job that others are not to be computed beside.
        sent: The frames it has not answered, by number.
        weight: Of all of them together.
    """

    def __init__(
        self,
        path: Path,
        answered: Callable[["Link", Frame], None],
        lost: Callable[["Link", frozenset[int]], None],
        usable: Callable[[], None],
        wanted: Callable[[], Sequence[ModelKey]],
    ) -> None:
        self._path = path
        self._hearing = _Hearing(answered, lost, usable)
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
        self.sent: dict[int, Sent] = {}
        self.weight = 0.0

    # ------------------------------------------------------------ connecting

    def open(self) -> None:
        """Connects as soon as there is somebody to connect to, and again after each loss."""
        self._background(self._connect())

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._closing:
            try:
                # Connecting never waits, so that nobody else takes the descriptor meanwhile.
                with self._reserve:
                    connection = _connected(self._path)
                self._peer = _process_of(connection)
                await self._loop.create_unix_connection(lambda: self, sock=connection)
            except OSError:
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE_S)
            else:
                return

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = transport  # type: ignore[assignment]
        self._reader = FrameReader()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Called by the event loop."""
        return self._reader.space()

    def buffer_updated(self, nbytes: int) -> None:
        """Called by the event loop."""
        try:
            for frame in self._reader.filled(nbytes):
                self._hear(frame)
        except Exception as error:  # whatever it is that a worker has sent
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Ends a worker that sends what cannot be read; it would do so again.

        What it holds counts as what it was computing.
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
        """Called by the event loop."""
        self._transport, self._peer, self.pid = None, None, None
        self.is_usable = self.is_alone = False
        computing = frozenset[int]()
        if self._senseless:
            self._senseless, computing = False, frozenset(self.sent)
        elif self._heartbeat is not None:
            computing = self._heartbeat.frames()
        if self._heartbeat is not None:
            self._heartbeat.close()
            self._heartbeat = None
        self._loop.call_soon(self._refill)
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(LinkLostError())
        self._asked.clear()
        self.weight = 0.0
        self._hearing.lost(self, computing)
        if not self._closing:
            self.open()

    def _refill(self) -> None:
        """Takes back the descriptors of a connection that has just been closed."""
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
                self._hearing.answered(self, frame)

    def _open_heartbeat(self, name: str) -> None:
        if self._heartbeat is not None or not _HEARTBEAT.fullmatch(name):
            raise FrameError("a worker that has no heartbeat of its own")
        try:
            with self._reserve:
                self._heartbeat = HeartbeatReader(self._path.with_name(name))
        except OSError:
            self._abort()  # it is gone already

    async def _greet(self) -> None:
        """Has a new worker load what is served, and takes it into use."""
        done: set[ModelKey] = set()
        while missing := [key for key in self._wanted() if key not in done]:
            for key in missing:
                try:
                    reason = await self.prepare(key)
                except LinkLostError:
                    return
                if reason is not None:
                    log.error("a worker cannot load %s %s: %s", key.name, key.version, reason)
                done.add(key)
        self.is_usable = True
        self._hearing.usable()

    def write(self, buffers: Buffers) -> None:
        """Sends a frame."""
        if self._transport is not None:
            if len(buffers) == 1:
                self._transport.write(buffers[0])
            else:
                self._transport.writelines(buffers)

    async def prepare(self, key: ModelKey) -> str | None:
        """Has the worker load a model.

        Returns:
            Why it cannot; None where it has.

        Raises:
            LinkLostError: It is gone.
        """
        if self._transport is None:
            raise LinkLostError
        number = next(_numbers)
        asked: asyncio.Future[str | None] = self._loop.create_future()
        self._asked[number] = asked
        header = {"kind": "prepare", "number": number, "model": (key.name, key.version)}
        self.write(encode_frame(header, {}))
        return await asked

    def release(self, key: ModelKey) -> None:
        """Has the worker forget a model."""
        header = {"kind": "release", "model": (key.name, key.version)}
        self.write(encode_frame(header, {}))

    def submit(self, entries: list[Entry], weight: float, small: bool) -> None:
        """Sends jobs of one group, as one frame; see `Sent`."""
        number = os.getpid() << 32 | next(_numbers)
        sent = Sent(number, entries, weight, small, len(entries))
        self.sent[number] = sent
        self.weight += weight
        self.is_alone = any(entry.deaths for entry in entries)
        for entry in entries:
            entry.sent = sent
        header = {
            **entries[0].message.header,
            "number": number,
            "rows": [len(entry.job.values) for entry in entries],
            "cost": sum(entry.cost for entry in entries),
            "alone": self.is_alone,
        }
        self.write(encode_frame(header, concat([entry.message.arrays for entry in entries])))

    def drop(self, sent: Sent, places: list[int]) -> None:
        """Tells the worker that nobody waits for some jobs of a frame."""
        header = {"kind": "drop", "number": sent.number, "places": places}
        self.write(encode_frame(header, {}))

    def done(self, sent: Sent) -> None:
        """Takes note that a frame is answered."""
        if self.sent.pop(sent.number, None) is not None:
            self.weight = self.weight - sent.weight if self.sent else 0.0
            self.is_alone = self.is_alone and bool(self.sent)

    def close(self) -> None:
        """Ends the connection for good."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        self._abort()
        self._reserve.close()


def _connected(path: Path) -> socket.socket:
    """A connection to whoever listens there.

    Raises:
        OSError: Nobody does, or there is no descriptor.
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
    """The process at the other end, as the system says; None where it does not."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid: int = _CREDENTIALS.unpack(found)[0]
    return pid
