"""Supervisor of processes: starts them, replaces those that die or hang, and stops them.

It learns of a death at once, from a pipe that the process alone holds open, and of a process that
hangs from its heartbeat. It survives every failure: where a process cannot be started because
descriptors, processes, memory or disk are short, it tries again after a pause that doubles.
"""

import logging
import math
import os
import selectors
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from madeira.app.ipc.descriptors import DescriptorReserve
from madeira.app.processes.child import Child, ChildSpec, describe_exit

__all__ = ["Slot", "Supervisor"]

log = logging.getLogger(__name__)

CHECK_S = 0.25
"""Seconds between two checks of heartbeats and of processes that are due."""

STEADY_S = 1.0
"""A process that has been up for this long and dies is started again at once."""

FIRST_PAUSE_S, MAX_PAUSE_S = 0.1, 10.0
"""Pause before a further start; it doubles with each failure."""

SUSPENDED_S = 5.0
"""A turn that comes so late shows that the machine or all processes were suspended."""

DESCRIPTORS = 12
"""Descriptors kept in reserve; a start opens three pipes and a heartbeat."""


@dataclass(slots=True)
class Slot:
    """The place of one process, whichever process fills it.

    Attributes:
        spec: Specification of the process.
        child: The process; None while there is none.
        up_at: Time at which the process was up, monotonic seconds; None until it is.
        generation: Number of processes that have been started here.
        failures: Number of processes in a row that died before they were up and steady.
        attempts: Number of starts in a row that failed.
        not_before: Time of the next start at the earliest, monotonic seconds.
    """

    spec: ChildSpec
    child: Child | None = None
    up_at: float | None = None
    generation: int = 0
    failures: int = 0
    attempts: int = 0
    not_before: float = 0.0

    @property
    def is_up(self) -> bool:
        """Whether its process is up."""
        return self.child is not None and self.up_at is not None


class Supervisor:
    """Keeps one process running for each specification.

    Args:
        specs: The processes, in the order in which they are started.
        stop_limit_s: Seconds that they may take to stop before they are killed.
        on_turn: Called at each turn, several times a second.
        on_change: Called after a process was started, was up, or has ended.
        resume_limit_s: Seconds after a suspension in which no heartbeat counts as overdue.
        max_failed_starts: Gives up after so many failed starts before all were up once.

    Attributes:
        slots: The places of the processes, in the order of `specs`.
        restarts: Number of processes that have ended and were replaced.
        is_stopping: Whether it has been told to stop.
    """

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        stop_limit_s: float,
        *,
        on_turn: Callable[[], object] = lambda: None,
        on_change: Callable[[], object] = lambda: None,
        resume_limit_s: float = 0.0,
        max_failed_starts: float = math.inf,
    ) -> None:
        self.slots = [Slot(spec) for spec in specs]
        self.restarts = 0
        self.reserve = DescriptorReserve(DESCRIPTORS)
        self._stop_limit_s, self._resume_limit_s = stop_limit_s, resume_limit_s
        self._on_turn, self._on_change = on_turn, on_change
        self._max_failed_starts = max_failed_starts
        self._failed_starts = 0
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = os.pipe()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self.is_stopping = False
        self._was_complete = False
        self._turned_at = time.monotonic()
        self._unwatched_until = 0.0
        self._thread = threading.Thread(target=self.run, name="madeira-supervisor")

    def start(self) -> None:
        """Run in a thread; the processes are up some time later."""
        self._thread.start()

    def run(self) -> bool:
        """Keep the processes running until told to stop, then stop them.

        Returns:
            Whether it was told to stop; False where no process could be started.
        """
        pause = FIRST_PAUSE_S
        try:
            while not self.is_stopping and not self._is_hopeless:
                try:
                    self._turn()
                    pause = FIRST_PAUSE_S
                except Exception:
                    log.exception("the supervisor failed, and goes on in %.1f s", pause)
                    time.sleep(pause)
                    pause = min(2 * pause, MAX_PAUSE_S)
        finally:
            self._stop_children()
        return not self._is_hopeless

    def ask_to_stop(self) -> None:
        """End `run` soon; a signal handler may call this."""
        if not self.is_stopping:
            self.is_stopping = True
            os.write(self._wake, b"1")

    def kill(self) -> None:
        """Kill all processes at once; a signal handler may call this."""
        for slot in self.slots:
            if slot.child is not None:
                slot.child.kill()

    def close(self) -> None:
        """Stop the processes, those that hang included, and give up all descriptors."""
        self.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join()
        self._selector.close()
        self.reserve.close()
        for one in (self._woken, self._wake):
            os.close(one)

    @property
    def _is_hopeless(self) -> bool:
        return not self._was_complete and self._failed_starts >= self._max_failed_starts

    def _turn(self) -> None:
        now = time.monotonic()
        self._on_turn()
        if now - self._turned_at > SUSPENDED_S:
            # The processes were suspended too, and could not write heartbeats.
            self._unwatched_until = now + self._resume_limit_s
        self._turned_at = now
        self.reserve.refill()
        for slot in self.slots:
            if self._is_due(slot, now):
                self._start(slot)
        for key, _ in self._selector.select(CHECK_S):
            if key.data is not None:
                self._read_status(key.data)
        if now >= self._unwatched_until:
            for slot in self.slots:
                if slot.child is not None and slot.child.is_hanging:
                    log.error("%s hangs and is killed", slot.spec.name)
                    slot.child.kill()

    def _is_due(self, slot: Slot, now: float) -> bool:
        if slot.child is not None or now < slot.not_before:
            return False
        return self._was_complete or not slot.spec.is_spare

    def _start(self, slot: Slot) -> None:
        try:
            with self.reserve:
                slot.generation += 1
                child = Child(slot.spec, slot.generation)
                self._selector.register(child.status, selectors.EVENT_READ, slot)
        except Exception as error:  # the other processes need the supervisor still
            slot.attempts += 1
            self._failed_starts += 1
            pause = min(FIRST_PAUSE_S * 2**slot.attempts, MAX_PAUSE_S)
            slot.not_before = time.monotonic() + pause
            reason = getattr(error, "strerror", None) or error
            log.error(
                "%s cannot be started: %s; it is tried again in %.1f s",
                slot.spec.name, reason, pause,
            )  # fmt: skip
            return
        slot.child, slot.up_at, slot.attempts = child, None, 0
        self._on_change()

    def _read_status(self, slot: Slot) -> None:
        """Note that a process is up, or that it has ended."""
        child = slot.child
        if child is None:
            return
        if os.read(child.status, 1):
            slot.up_at = time.monotonic()
            self._failed_starts = 0
            log.info("%s is up", slot.spec.name)
            if all(one.is_up or one.spec.is_spare for one in self.slots):
                self._was_complete = True
        else:
            self._bury(slot, child)
        self._on_change()

    def _bury(self, slot: Slot, child: Child) -> None:
        """Clean up after a process that has ended, and decide when the next may start."""
        self._selector.unregister(child.status)
        slot.child = None
        status = child.close(self._stop_limit_s)
        now = time.monotonic()
        if slot.up_at is not None and now - slot.up_at >= STEADY_S:
            slot.failures = 0
        else:
            slot.failures += 1
            slot.not_before = now + min(FIRST_PAUSE_S * 2**slot.failures, MAX_PAUSE_S)
        self._failed_starts += slot.up_at is None
        self.restarts += 1
        log.error("%s ended (%s) and is started again", slot.spec.name, describe_exit(status))

    def _stop_children(self) -> None:
        """Ask all processes to stop, and kill those that do not."""
        children = [slot.child for slot in self.slots if slot.child is not None]
        for child in children:
            child.ask_to_stop()
        deadline = time.monotonic() + self._stop_limit_s
        for child in children:
            child.close(max(0.0, deadline - time.monotonic()))
