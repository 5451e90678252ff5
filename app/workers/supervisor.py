"""Owns the worker processes: starts them, replaces those that die or hang, ends them.

A thread does it, so that whoever owns the supervisor can be an event loop or a process that only
waits. It learns of a death at once, from a pipe that the worker alone holds open, and of a worker
that hangs from its journal.
"""

import contextlib
import json
import logging
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from app.logs import LogFormat
from app.settings import Settings
from app.workers.journal import JournalReader
from app.workers.runtime import State, journal_path, socket_path, write_state
from app.workers.runtime_directory import RuntimeDirectory, remove_abandoned
from app.workers.worker_config import WorkerConfig

__all__ = ["WORKER_MODULE", "Supervisor", "WorkerPlan", "worker_plan"]

log = logging.getLogger(__name__)

WORKER_MODULE = "app.workers.process"

START_LIMIT_S = 300.0
"""Seconds that a worker may take until it listens."""

STOP_LIMIT_S = 5.0
"""Seconds that a worker may take to end by itself."""

CHECK_S = 0.25
STEADY_S = 1.0
"""A worker that has listened for this long and dies is started again at once."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What the workers of a service are to be like.

    Attributes:
        devices: Where each of them computes.
        threads: CPU threads of each.
        checkpoints: Directory of the models.
        job_timeout_s: Seconds that a batch may take before its worker is replaced.
        batch_target_s: Seconds that a merged batch should take.
        batch_delay_s: Seconds that a worker waits for more work while there is little.
        log_level: Least severe log message that is written.
        log_format: Form of the log, `text` or `json`.
        module: What a worker runs.
    """

    devices: Sequence[str]
    threads: int
    checkpoints: Path
    job_timeout_s: float
    batch_target_s: float
    batch_delay_s: float
    log_level: str
    log_format: LogFormat = "text"
    module: str = WORKER_MODULE


def worker_plan(settings: Settings, module: str = WORKER_MODULE) -> WorkerPlan:
    """The workers that a service of these settings has."""
    return WorkerPlan(
        devices=settings.worker_devices,
        threads=settings.worker_threads,
        checkpoints=settings.checkpoints.absolute(),
        job_timeout_s=settings.job_timeout_s,
        batch_target_s=settings.batch_target_ms / 1000,
        batch_delay_s=settings.batch_delay_ms / 1000,
        log_level=settings.log_level,
        log_format=settings.log_format,
        module=module,
    )


@dataclass(slots=True)
class _Slot:
    """The place of one worker, whichever process fills it."""

    number: int
    device: str
    process: "subprocess.Popen[bytes] | None" = None
    status: int = -1
    journal: Path | None = None
    reader: JournalReader | None = None
    started: float = 0.0
    listened: float | None = None
    generation: int = 0
    failures: int = 0
    not_before: float = 0.0


class Supervisor:
    """Keeps the workers of a plan running, in a runtime directory of its own.

    Attributes:
        directory: The runtime directory: sockets, journals, and what the supervisor knows.
    """

    def __init__(self, plan: WorkerPlan) -> None:
        remove_abandoned()
        self._runtime = RuntimeDirectory()
        self.directory = self._runtime.path
        self._plan = plan
        self._slots = [_Slot(number, device) for number, device in enumerate(plan.devices)]
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = os.pipe()
        self._stopping = False
        self._restarts = 0
        self._thread = threading.Thread(target=self._run, name="madeira-supervisor")

    def start(self) -> None:
        """Starts the workers; they are ready some time later."""
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread.start()

    def stop(self) -> None:
        """Ends the workers, those that hang included, and removes the runtime directory."""
        self._stopping = True
        os.write(self._wake, b"1")
        if self._thread.ident is not None:
            self._thread.join()
        self._selector.close()
        self._runtime.remove()
        for one in (self._woken, self._wake):
            os.close(one)

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turn()
        except Exception:
            log.exception("the supervisor failed: workers are no longer replaced")
        finally:
            self._end_all()

    def _turn(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.process is None and now >= slot.not_before:
                self._spawn(slot)
        for key, _ in self._selector.select(CHECK_S):
            if key.data is not None:
                self._heard(key.data)
        for slot in self._slots:
            self._check(slot)

    def _spawn(self, slot: _Slot) -> None:
        slot.generation += 1
        slot.journal = journal_path(self.directory, slot.number, slot.generation)
        path = socket_path(self.directory, slot.number)
        path.unlink(missing_ok=True)
        slot.status, status = os.pipe()
        plan = self._plan
        config = WorkerConfig(
            socket=str(path),
            journal=str(slot.journal),
            checkpoints=str(plan.checkpoints),
            device=slot.device,
            owner=os.getpid(),
            status_fd=status,
            job_timeout_s=plan.job_timeout_s,
            batch_target_s=plan.batch_target_s,
            batch_delay_s=plan.batch_delay_s,
            log_level=plan.log_level,
            log_format=plan.log_format,
        )
        slot.process = subprocess.Popen(  # noqa: S603 - this interpreter, our own module
            [sys.executable, "-m", plan.module, json.dumps(asdict(config))],
            stdin=subprocess.PIPE,
            pass_fds=[status],
            env=_environment(plan.threads),
            process_group=0,  # Ctrl-C is for the owner
        )
        os.close(status)
        slot.started, slot.listened = time.monotonic(), None
        self._selector.register(slot.status, selectors.EVENT_READ, slot)
        self._tell()

    def _heard(self, slot: _Slot) -> None:
        """A worker says that it listens, or its pipe is at its end."""
        if os.read(slot.status, 1):
            slot.listened = time.monotonic()
            assert slot.journal is not None  # noqa: S101 - it has been started
            slot.reader = JournalReader(slot.journal)
            log.info("worker %d listens on %s", slot.number, slot.device)
            self._tell()
        else:
            self._buried(slot)

    def _check(self, slot: _Slot) -> None:
        """Kills a worker that hangs; its death is heard of like any other."""
        if slot.process is None:
            return
        if slot.reader is not None:
            hangs = slot.reader.late_s() > 0
        else:
            hangs = time.monotonic() - slot.started > START_LIMIT_S
        if hangs:
            log.error("worker %d hangs and is replaced", slot.number)
            slot.process.kill()

    def _buried(self, slot: _Slot) -> None:
        """Clears up after a worker that has died, and says when the next may start."""
        process = slot.process
        assert process is not None  # noqa: S101 - it has just died
        status = process.wait()
        self._forget(slot)
        now = time.monotonic()
        if slot.listened is not None and now - slot.listened >= STEADY_S:
            slot.failures = 0
        else:
            slot.failures += 1
            pause = min(FIRST_PAUSE_S * 2**slot.failures, LONGEST_PAUSE_S)
            slot.not_before = now + pause
        self._restarts += 1
        log.error("worker %d ended (status %d) and is replaced", slot.number, status)
        self._tell()

    def _forget(self, slot: _Slot) -> None:
        self._selector.unregister(slot.status)
        os.close(slot.status)
        if slot.process is not None and slot.process.stdin is not None:
            slot.process.stdin.close()
        slot.process = None
        if slot.reader is not None:
            slot.reader.close()
            slot.reader = None
        if slot.journal is not None:
            slot.journal.unlink(missing_ok=True)

    def _tell(self) -> None:
        """Writes down what is known, for the processes that serve."""
        state = State(
            owner=os.getpid(),
            restarts=self._restarts,
            pids=tuple(slot.process.pid if slot.process else None for slot in self._slots),
            failures=tuple(slot.failures for slot in self._slots),
        )
        try:
            write_state(self.directory, state)
        except OSError as error:  # the disk is full: workers are to be replaced all the same
            log.error("%s cannot be written to: %s", self.directory, error.strerror)

    def _end_all(self) -> None:
        """Lets the workers go; those that do not go are killed."""
        for slot in self._slots:
            if slot.process is not None and slot.process.stdin is not None:
                with contextlib.suppress(OSError):
                    slot.process.stdin.close()
        deadline = time.monotonic() + STOP_LIMIT_S
        for slot in self._slots:
            if slot.process is None:
                continue
            try:
                slot.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                slot.process.kill()
                slot.process.wait()
            self._forget(slot)


def _environment(threads: int) -> Mapping[str, str]:
    """The environment of a worker: thread counts must be there before PyTorch is imported."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads))}
