"""The worker process: it computes the jobs that arrive on its socket.

One thread reads, computes and writes, in turns: jobs that arrive during a batch wait in the
sockets, and are merged into the next one. A second thread loads models, so that jobs of others are
computed meanwhile. The process ends with its owner: at the end of its standard input, and, on
Linux, when the owner is killed.

The supervisor runs `python -m madeira.app.workers.process CONFIGURATION`; the configuration is a
`WorkerConfig` as JSON.
"""

import contextlib
import ctypes
import gc
import json
import logging
import os
import queue
import resource
import selectors
import signal
import socket
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from madeira.app.errors import FrameError
from madeira.app.ipc.frames import Buffers, Frame, FrameReader, encode_frame
from madeira.app.ipc.heartbeat import Heartbeat
from madeira.app.ipc.worker_config import WorkerConfig
from madeira.app.jobs import ModelKey
from madeira.app.logs import set_up_logs
from madeira.app.workers.batch_size import BatchSizer
from madeira.app.workers.batcher import Batcher, DeviceLostError, Execute, to_queued_frame
from madeira.app.workers.execute import execute
from madeira.app.workers.model_cache import ModelCache
from madeira.models.errors import CheckpointError

__all__ = ["Connection", "Worker", "main"]

log = logging.getLogger(__name__)

IDLE_S = 1.0
"""Seconds between two heartbeats of an idle worker."""

FIRST_TO_GO = 500
"""Added to the score by which the system chooses a process to kill if memory runs out. A worker is
replaced and loses no request; an API process would lose its requests."""

_RECEIVED_AT_ONCE = 64
_PR_SET_PDEATHSIG = 1


class Connection:
    """One API process, as a worker sees it."""

    def __init__(self, listening: socket.socket, selector: selectors.BaseSelector) -> None:
        self.socket = listening
        self._selector = selector
        self._reader = FrameReader()
        self._unsent: deque[memoryview] = deque()
        self._open = True
        listening.setblocking(False)
        selector.register(listening, selectors.EVENT_READ, self)

    def receive(self) -> list[Frame]:
        """Read the frames that have arrived.

        Raises:
            ConnectionResetError: The connection is at its end.
            OSError: The connection failed.
            FrameError: The bytes are no frame.
        """
        frames: list[Frame] = []
        for _ in range(_RECEIVED_AT_ONCE):
            space = self._reader.space()
            try:
                size = self.socket.recv_into(space)
            except BlockingIOError:
                break
            if not size:
                raise ConnectionResetError
            frames += self._reader.filled(size)
            if size < len(space):
                break
        return frames

    def send(self, buffers: Buffers) -> None:
        """Send a frame; the part that does not fit is sent when the other side reads."""
        if self._open:
            self._unsent.extend(map(memoryview, buffers))
            self.flush()

    def flush(self) -> None:
        """Send the rest, as far as the other side has room."""
        try:
            while self._unsent:
                sent = self.socket.send(self._unsent[0])
                if sent == len(self._unsent[0]):
                    self._unsent.popleft()
                else:
                    self._unsent[0] = self._unsent[0][sent:]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()  # its end is noticed by reading
        interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
        if self._open and self._selector.get_key(self.socket).events != interest:
            self._selector.modify(self.socket, interest, self)

    @property
    def unsent(self) -> bool:
        """Whether some bytes are not sent."""
        return bool(self._unsent)

    def close(self) -> None:
        """End the connection."""
        if self._open:
            self._open = False
            self._unsent.clear()
            self._selector.unregister(self.socket)
            self.socket.close()


class Worker:
    """Serves connections until its owner is gone.

    Args:
        config: What the supervisor wants of it.
        execute: Computes a job.
    """

    def __init__(self, config: WorkerConfig, execute: Execute = execute) -> None:
        self._config = config
        self._heartbeat = Heartbeat(Path(config.heartbeat))
        self._heartbeat.beat(config.job_timeout_s)
        self._models = ModelCache(Path(config.checkpoints), config.device, config.job_timeout_s)
        sizer = BatchSizer(config.batch_target_s)
        self._batcher = Batcher(
            self._models.density, execute, self._heartbeat, sizer, config.job_timeout_s
        )
        self._selector = selectors.DefaultSelector()
        self._connections: set[Connection] = set()
        self._loads: queue.SimpleQueue[tuple[Connection, Frame]] = queue.SimpleQueue()
        self._loaded: queue.SimpleQueue[tuple[Connection, Buffers]] = queue.SimpleQueue()
        self._wake, self._woken = socket.socketpair()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._ending = False
        self._loading: tuple[Connection, dict[str, Any], float] | None = None

    def run(self) -> None:
        """Listen, report it, and work until the owner is gone."""
        self._listener.bind(self._config.socket)
        self._listener.listen()
        for one in (self._listener, self._woken):
            one.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._woken, selectors.EVENT_READ, self._answer_loads)
        self._selector.register(sys.stdin.buffer, selectors.EVENT_READ, self._end)
        threading.Thread(target=self._load_forever, name="madeira-loads", daemon=True).start()
        os.write(self._config.status_fd, b"1")
        while not self._ending:
            self._turn()
        while self._batcher.waiting:
            self._batcher.step()

    def _turn(self) -> None:
        """Read what has arrived, and compute one batch if there is one."""
        timeout = IDLE_S
        if self._batcher.waiting:
            timeout = self._batcher.waits_s(self._config.batch_delay_s)
        else:
            self._heartbeat.beat(self._config.job_timeout_s)
        self._check_load()
        for key, events in self._selector.select(timeout):
            if not isinstance(key.data, Connection):
                key.data()
                continue
            if events & selectors.EVENT_WRITE:
                key.data.flush()
            if events & selectors.EVENT_READ:
                self._receive(key.data)
        if self._batcher.waiting and not self._batcher.waits_s(self._config.batch_delay_s):
            self._batcher.step()

    def _accept(self) -> None:
        connection = Connection(self._listener.accept()[0], self._selector)
        self._connections.add(connection)
        hello = {
            "kind": "hello",
            "pid": os.getpid(),
            "heartbeat": Path(self._config.heartbeat).name,
        }
        connection.send(encode_frame(hello, {}))

    def _receive(self, connection: Connection) -> None:
        try:
            for frame in connection.receive():
                self._take(frame, connection)
        except Exception as error:  # the other connections go on
            if not isinstance(error, OSError):
                log.error("a connection is closed: %s", error)
            self._batcher.drop(connection)
            self._models.release(connection)
            self._connections.discard(connection)
            connection.close()

    def _take(self, frame: Frame, connection: Connection) -> None:
        """Do what a frame asks for, or queue it."""
        match frame.header.get("kind"):
            case "prepare":
                self._loads.put((connection, frame))
            case "release":
                self._models.release(connection, _key(frame.header))
            case "drop":
                number, places = frame.header.get("number"), frame.header.get("places")
                if isinstance(number, int) and isinstance(places, list):
                    self._batcher.drop(connection, {number: set(places)})
            case _:
                self._batcher.add(to_queued_frame(frame, connection))

    def _load_forever(self) -> None:
        while True:
            connection, frame = self._loads.get()
            answer: dict[str, Any] = {"kind": "prepared", "number": frame.header.get("number")}
            self._loading = connection, dict(answer), time.monotonic()
            try:
                self._models.prepare(_key(frame.header), connection)
            except CheckpointError as error:
                answer["error"] = error.reason
            except FrameError as error:
                answer["error"] = str(error)
            except Exception as error:
                log.exception("a model cannot be loaded")
                answer["error"] = f"it cannot be loaded: {type(error).__name__}"
            # What is loaded stays: the garbage collector need not look at it on every round.
            gc.collect()
            gc.freeze()
            self._loading = None
            self._loaded.put((connection, encode_frame(answer, {})))
            self._wake.send(b"1")

    def _check_load(self) -> None:
        """End the process if a model does not finish loading: the thread cannot be ended."""
        if self._loading is None:
            return
        connection, answer, began = self._loading
        if time.monotonic() - began > self._config.load_timeout_s:
            error = f"it could not be loaded within {self._config.load_timeout_s:g} s"
            log.error("a model is given up, and this worker with it: %s", error)
            connection.send(encode_frame({**answer, "error": error}, {}))
            os._exit(1)

    def _answer_loads(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)
        while not self._loaded.empty():
            connection, answer = self._loaded.get()
            if connection in self._connections:
                connection.send(answer)
            else:
                self._models.release(connection)

    def _end(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            self._ending = True


def _key(header: dict[str, Any]) -> ModelKey:
    match header.get("model"):
        case [str(name), str(version)]:
            return ModelKey(name, version)
    raise FrameError("a model is a name and a version")


def _die_with(owner: int) -> None:
    """End this process when its owner ends, even if that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != owner:
        sys.exit(0)


def _limit_memory(limit_bytes: int | None) -> None:
    """Limit the memory of data, and let the system end this process first if memory runs out."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(FIRST_TO_GO), encoding="ascii")
    if limit_bytes is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))


def main(arguments: list[str], execute: Execute = execute) -> None:
    """Run a worker until its owner is gone.

    Args:
        arguments: The configuration.
        execute: Computes a job.
    """
    config = WorkerConfig(**json.loads(arguments[0]))
    _die_with(config.owner)
    _limit_memory(config.memory_limit_bytes)
    # Signals are for the owner, which lets workers finish.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    set_up_logs(config.log_format, config.log_level)
    try:
        Worker(config, execute).run()
    except DeviceLostError as error:
        log.error("the device %s is lost: %s", config.device, error)
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
