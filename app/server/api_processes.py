"""Several API processes on one socket, and the workers that they share, owned by one parent.

The parent listens, so that a process which dies takes no connection in waiting with it, and does
nothing else: it starts what has died again, and on SIGTERM or Ctrl-C lets the API processes
drain, then the workers go.
"""

import contextlib
import json
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from madeira.app.logs import set_up_logs
from madeira.app.processes.devices import require_devices
from madeira.app.processes.runtime_directory import METRICS
from madeira.app.processes.signals import ABORTED, catch_signals
from madeira.app.processes.spares import with_spares
from madeira.app.processes.supervisor import Supervisor
from madeira.app.processes.worker_plan import worker_plan
from madeira.app.settings import Settings

__all__ = ["run_api_processes"]

log = logging.getLogger(__name__)

START_ATTEMPTS = 3
"""If processes have died so often before any served, none will."""

FIRST_PAUSE_S, MAX_PAUSE_S = 0.5, 10.0
"""Between two attempts to start a process; each further pause is twice as long."""

SHARED_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""Variable that tells the processes where to count; see `madeira.app.metrics`."""
STOP_MARGIN_S = 10.0


@dataclass(slots=True)
class _Child:
    """One API process."""

    process: "subprocess.Popen[bytes]"
    status: int
    serves: bool = False


def run_api_processes(
    settings: Settings, listener: socket.socket, serving: Callable[[], None]
) -> bool:
    """Serves with several processes until SIGINT or SIGTERM has drained what was under way.

    Args:
        settings: How many processes, and all else.
        listener: Where requests come in.
        serving: Called once all of them answer.

    Returns:
        Whether the service could start.

    Raises:
        SettingsError: A device is not there.
    """
    require_devices(settings.worker_devices)
    set_up_logs(settings.log_format, settings.log_level)
    settings = with_spares(settings)
    supervisor = Supervisor(worker_plan(settings))
    supervisor.start()
    try:
        return _Parent(settings, listener, supervisor, serving).run()
    finally:
        supervisor.stop()


class _Parent:
    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        supervisor: Supervisor,
        serving: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._supervisor = supervisor
        self._serving = serving
        self._selector = selectors.DefaultSelector()
        self._children: list[_Child] = []
        self._counts = supervisor.directory / METRICS
        self._counts.mkdir(exist_ok=True)
        self._came_up = False
        self._failures = 0
        self._attempts = 0
        self._not_before = 0.0
        self._gone: set[int] = set()
        self._stopping = False
        self._woken, self._wake = socket.socketpair()

    def run(self) -> bool:
        self._wake.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        catch_signals(self._told)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._listener.set_inheritable(True)
        try:
            while not self._hopeless:
                self._start_missing()
                for key, _ in self._selector.select(self._pause_s()):
                    if key.data is None:
                        return True
                    self._heard(key.data)
            return False
        finally:
            self._stop()
            signal.set_wakeup_fd(-1)

    def _told(self, number: int, _: object) -> None:
        """A signal: the first one wakes `run`, a second Ctrl-C waits for nobody."""
        if number == signal.SIGINT and self._stopping:
            for child in self._children:
                child.process.kill()
            os._exit(ABORTED)

    @property
    def _hopeless(self) -> bool:
        """Whether no process will ever serve; one that has served shows that others can."""
        return not self._came_up and self._failures >= START_ATTEMPTS

    def _missing(self) -> int:
        return self._settings.api_processes - len(self._children)

    def _pause_s(self) -> float | None:
        """Seconds until a process is to be started; None where all are there."""
        return max(0.0, self._not_before - time.monotonic()) if self._missing() else None

    def _start_missing(self) -> None:
        """Starts what is missing; where that fails, it is tried again after a while."""
        while self._missing() and time.monotonic() >= self._not_before:
            self._forget_counts()
            try:
                self._start()
            except Exception as error:  # no descriptor, process or memory: there may be one later
                self._failures += not self._came_up
                pause = min(FIRST_PAUSE_S * 2**self._attempts, MAX_PAUSE_S)
                self._attempts += 1
                self._not_before = time.monotonic() + pause
                reason = getattr(error, "strerror", None) or error
                log.error(
                    "an API process cannot be started: %s; it is tried again in %.1f s",
                    reason, pause,
                )  # fmt: skip
            else:
                self._attempts = 0

    def _start(self) -> None:
        ours, theirs = os.pipe()
        plan = {
            "settings": self._settings.model_dump(mode="json"),
            "listener": self._listener.fileno(),
            "status": theirs,
            "runtime": str(self._supervisor.directory),
            "others": any(child.serves for child in self._children),
        }
        try:
            process = subprocess.Popen(  # noqa: S603 - this interpreter, our own module
                [sys.executable, "-m", "madeira.app.server.api_process", json.dumps(plan)],
                stdin=subprocess.PIPE,
                env={**os.environ, SHARED_DIRECTORY: str(self._counts)},
                pass_fds=[theirs, self._listener.fileno()],
                process_group=0,  # Ctrl-C is for the parent
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        child = _Child(process, ours)
        self._children.append(child)
        self._selector.register(ours, selectors.EVENT_READ, child)

    def _heard(self, child: _Child) -> None:
        """A process serves, or its pipe is at its end."""
        if os.read(child.status, 1):
            child.serves = True
            self._failures = 0
            serve = not self._missing() and all(one.serves for one in self._children)
            if not self._came_up and serve:
                self._came_up = True
                self._serving()
            return
        status = self._bury(child)
        log.error("an API process ended (status %d) and is started again", status)
        if not child.serves:
            self._failures += 1
            self._not_before = time.monotonic() + FIRST_PAUSE_S

    def _bury(self, child: _Child) -> int:
        self._selector.unregister(child.status)
        os.close(child.status)
        self._children.remove(child)
        if child.process.stdin is not None:
            child.process.stdin.close()
        status = child.process.wait()
        self._gone.add(child.process.pid)
        self._forget_counts()
        return status

    def _forget_counts(self) -> None:
        """Removes what dead processes had waiting: nobody has it waiting any more."""
        with contextlib.suppress(OSError):  # without a descriptor, it is done at the next start
            for pid in list(self._gone):
                for path in self._counts.glob(f"gauge_live*_{pid}.db"):
                    path.unlink(missing_ok=True)
                self._gone.discard(pid)

    def _stop(self) -> None:
        """Lets the processes drain; those that take too long are killed."""
        self._stopping = True
        for child in self._children:
            child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self._settings.drain_timeout_s + STOP_MARGIN_S
        for child in list(self._children):
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
            self._bury(child)
