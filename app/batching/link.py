"""The connection of one API process to one worker, made again whenever the worker is."""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from app.batching.ticket import Entry, Sent
from app.jobs import ModelKey
from app.workers.frames import Buffers, Frame, FrameError, FrameReader, encode_frame
from app.workers.journal import JournalReader
from app.workers.wire import join

__all__ = ["Link", "LinkLostError"]

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.01, 0.2

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
        self._journal: JournalReader | None = None
        self._asked: dict[int, asyncio.Future[str | None]] = {}
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self.pid: int | None = None
        self.is_usable = False
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
                await self._loop.create_unix_connection(lambda: self, str(self._path))
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
            frames = self._reader.filled(nbytes)
        except FrameError as error:
            log.error("a worker is given up: %s", error)
            self._abort()
            return
        for frame in frames:
            self._hear(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._transport, self.is_usable, self.pid = None, False, None
        computing = self._journal.frames() if self._journal is not None else frozenset()
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(LinkLostError())
        self._asked.clear()
        self.weight = 0.0
        self._hearing.lost(self, computing)
        if not self._closing:
            self.open()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------------ talking

    def _hear(self, frame: Frame) -> None:
        match frame.header.get("kind"):
            case "hello":
                self._background(self._greet(frame.header))
            case "prepared":
                asked = self._asked.pop(frame.header["number"], None)
                if asked is not None and not asked.done():
                    asked.set_result(frame.header.get("error"))
            case _:
                self._hearing.answered(self, frame)

    async def _greet(self, hello: dict[str, Any]) -> None:
        """Has a new worker load what is served, and takes it into use."""
        try:
            self._journal = JournalReader(Path(hello["journal"]))
        except OSError:
            self._abort()  # it is gone already
            return
        self.pid = hello["pid"]
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
        for entry in entries:
            entry.sent = sent
        header = {
            **entries[0].parts.header,
            "number": number,
            "rows": [len(entry.job.values) for entry in entries],
            "cost": sum(entry.cost for entry in entries),
            "alone": any(entry.deaths for entry in entries),
        }
        self.write(encode_frame(header, join([entry.parts.arrays for entry in entries])))

    def drop(self, sent: Sent, places: list[int]) -> None:
        """Tells the worker that nobody waits for some jobs of a frame."""
        header = {"kind": "drop", "number": sent.number, "places": places}
        self.write(encode_frame(header, {}))

    def done(self, sent: Sent) -> None:
        """Takes note that a frame is answered."""
        if self.sent.pop(sent.number, None) is not None:
            self.weight = self.weight - sent.weight if self.sent else 0.0

    def close(self) -> None:
        """Ends the connection for good."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        self._abort()
