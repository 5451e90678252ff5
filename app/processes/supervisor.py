"""Owns the worker processes: starts them, replaces those that die or hang, ends them.

A thread does it, so that whoever owns the supervisor can be an event loop or a process that only
waits. It learns of a death at once, from a pipe that the worker alone holds open, and of a worker
that hangs from its heartbeat.

Whatever fails, it goes on: where a worker cannot be started because descriptors, processes, memory
or disk are short, it is tried again after a pause that doubles. It has a heartbeat of its own, by
which the processes that serve see that it runs.
"""

import logging
import os
import selectors
import threading
import time
from dataclasses import dataclass

from madeira.app.ipc.descriptors import DescriptorReserve
from madeira.app.ipc.heartbeat import Heartbeat, create_heartbeat
from madeira.app.ipc.runtime_paths import SupervisorState, supervisor_heartbeat_path, write_state
from madeira.app.processes.runtime_directory import RuntimeDirectory, remove_abandoned
from madeira.app.processes.worker_plan import WorkerPlan
from madeira.app.processes.worker_process import WorkerProcess, ending

__all__ = ["Supervisor"]

log = logging.getLogger(__name__)

STOP_LIMIT_S = 1.0
"""Seconds that a worker may take to end by itself."""

CHECK_S = 0.25
STEADY_S = 1.0
"""A worker that has listened for this long and dies is started again at once."""

FIRST_PAUSE_S, MAX_PAUSE_S = 0.1, 10.0

LATE_S = 30.0
"""A supervisor that has not taken a turn for this long does not run any more."""

STOPPED_S = 5.0
"""If a turn comes so late, the whole service was stopped, and its workers with it."""

DESCRIPTORS = 12
"""So many are kept back: three pipes, a heartbeat and the state are opened to start a worker."""


@dataclass(slots=True)
class _Slot:
    """The place of one worker, whichever process fills it."""

    number: int
    device: str
    worker: WorkerProcess | None = None
    listened: float | None = None
    generation: int = 0
    failures: int = 0
    attempts: int = 0
    not_before: float = 0.0


class Supervisor:
    """Keeps the workers of a plan running, in a runtime directory of its own.

    Attributes:
        directory: The runtime directory: sockets, heartbeats, and what the supervisor knows.

    Raises:
        RuntimeDirectoryError: There is no place for that.
    """

    def __init__(self, plan: WorkerPlan) -> None:
        remove_abandoned()
        self._runtime = RuntimeDirectory()
        self.directory = self._runtime.path
        self._plan = plan
        devices = [*plan.devices, *[plan.devices[0]] * plan.spares]
        self._slots = [_Slot(number, device) for number, device in enumerate(devices)]
        self._reserve = DescriptorReserve(DESCRIPTORS)
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = os.pipe()
        self._stopping = False
        self._complete = False
        self._restarts = 0
        self._turned = time.monotonic()
        self._unwatched_until = 0.0
        path = supervisor_heartbeat_path(self.directory)
        create_heartbeat(path, LATE_S)
        self._heartbeat = Heartbeat(path)
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
        self._reserve.close()
        self._runtime.remove()
        for one in (self._woken, self._wake):
            os.close(one)

    def _run(self) -> None:
        pause = FIRST_PAUSE_S
        try:
            while not self._stopping:
                try:
                    self._turn()
                    pause = FIRST_PAUSE_S
                except Exception:
                    log.exception("the supervisor failed, and goes on in %.1f s", pause)
                    time.sleep(pause)
                    pause = min(2 * pause, MAX_PAUSE_S)
        finally:
            self._end_all()

    def _turn(self) -> None:
        now = time.monotonic()
        self._heartbeat.beat(LATE_S)
        if now - self._turned > STOPPED_S:
            # Workers could not say that they are well either: they get their time again.
            self._unwatched_until = now + self._plan.job_timeout_s
        self._turned = now
        self._reserve.refill()
        for slot in self._slots:
            if self._is_due(slot, now):
                self._start(slot)
        for key, _ in self._selector.select(CHECK_S):
            if key.data is not None:
                self._heard(key.data)
        if now >= self._unwatched_until:
            for slot in self._slots:
                if slot.worker is not None and slot.worker.hangs():
                    log.error("worker %d hangs and is replaced", slot.number)
                    slot.worker.kill()

    def _is_due(self, slot: _Slot, now: float) -> bool:
        """Whether a place is to be filled; spares do not delay the workers of the plan."""
        if slot.worker is not None or now < slot.not_before:
            return False
        return self._complete or slot.number < len(self._plan.devices)

    def _start(self, slot: _Slot) -> None:
        try:
            with self._reserve:
                self._runtime.ensure()
                slot.generation += 1
                worker = WorkerProcess(
                    self.directory, slot.number, slot.generation, slot.device, self._plan
                )
                self._selector.register(worker.status, selectors.EVENT_READ, slot)
        except Exception as error:  # nothing may keep the others from being looked after
            slot.attempts += 1
            pause = min(FIRST_PAUSE_S * 2**slot.attempts, MAX_PAUSE_S)
            slot.not_before = time.monotonic() + pause
            reason = getattr(error, "strerror", None) or error
            log.error(
                "worker %d cannot be started: %s; it is tried again in %.1f s",
                slot.number, reason, pause,
            )  # fmt: skip
            return
        slot.worker, slot.listened, slot.attempts = worker, None, 0
        self._tell()

    def _heard(self, slot: _Slot) -> None:
        """A worker says that it listens, or its pipe is at its end."""
        assert slot.worker is not None  # noqa: S101 - its pipe is open
        if os.read(slot.worker.status, 1):
            slot.listened = time.monotonic()
            log.info("worker %d listens on %s", slot.number, slot.device)
            workers = self._slots[: len(self._plan.devices)]
            self._complete = self._complete or all(one.listened is not None for one in workers)
            self._tell()
        else:
            self._buried(slot, slot.worker)

    def _buried(self, slot: _Slot, worker: WorkerProcess) -> None:
        """Clears up after a worker that has died, and says when the next may start."""
        self._selector.unregister(worker.status)
        slot.worker = None
        status = worker.close()
        now = time.monotonic()
        if slot.listened is not None and now - slot.listened >= STEADY_S:
            slot.failures = 0
        else:
            slot.failures += 1
            slot.not_before = now + min(FIRST_PAUSE_S * 2**slot.failures, MAX_PAUSE_S)
        self._restarts += 1
        when = "" if slot.listened is not None else " before it listened"
        log.error("worker %d ended%s (%s) and is replaced", slot.number, when, ending(status))
        self._tell()

    def _tell(self) -> None:
        """Writes down what is known, for the processes that serve."""
        state = SupervisorState(
            owner=os.getpid(),
            restarts=self._restarts,
            pids=tuple(slot.worker.pid if slot.worker else None for slot in self._slots),
            failures=tuple(slot.failures for slot in self._slots),
        )
        try:
            with self._reserve:
                write_state(self.directory, state)
        except OSError as error:  # the disk is full: workers are to be replaced all the same
            log.error("%s cannot be written to: %s", self.directory, error.strerror)

    def _end_all(self) -> None:
        """Lets the workers go; those that do not go are killed."""
        workers = [slot.worker for slot in self._slots if slot.worker is not None]
        for worker in workers:
            worker.release()
        deadline = time.monotonic() + STOP_LIMIT_S
        for worker in workers:
            worker.close(max(0.0, deadline - time.monotonic()))
