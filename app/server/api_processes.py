"""Several API processes on one socket, and the workers that they share, owned by one parent.

The parent listens, so that a process which dies takes no waiting connection with it, and does
nothing else: it starts again what has died, and on SIGTERM or Ctrl-C lets the API processes drain,
then stops the workers.
"""

import contextlib
import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from madeira.app.logs import set_up_logs
from madeira.app.processes.child import ChildSpec, Launch
from madeira.app.processes.devices import require_devices
from madeira.app.processes.runtime_directory import METRICS
from madeira.app.processes.signals import ABORTED, catch_signals
from madeira.app.processes.spares import with_spares
from madeira.app.processes.supervisor import Supervisor
from madeira.app.processes.worker_processes import WorkerProcesses, worker_plan
from madeira.app.settings import COUNTS_VARIABLE, Settings

__all__ = ["run_api_processes"]

MAX_FAILED_STARTS = 3
"""If so many processes have died before any was up, none will be."""

STOP_MARGIN_S = 10.0
"""Seconds that a process may take to end after its time for draining is over."""

API_MODULE = "madeira.app.server.api_process"


def run_api_processes(
    settings: Settings, listener: socket.socket, serving: Callable[[], None]
) -> bool:
    """Serve with several processes until SIGINT or SIGTERM, and drain.

    Args:
        settings: Number of processes, and all else.
        listener: Socket that takes requests.
        serving: Called once all processes answer.

    Returns:
        Whether the service could start.

    Raises:
        SettingsError: A device is missing.
    """
    require_devices(settings.worker_devices)
    set_up_logs(settings.log_format, settings.log_level)
    settings = with_spares(settings)
    with WorkerProcesses(worker_plan(settings)) as workers:
        return _ApiProcesses(settings, listener, workers.directory, serving).run()


class _ApiProcesses:
    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        runtime: Path,
        serving: Callable[[], None],
    ) -> None:
        self._settings, self._listener, self._runtime = settings, listener, runtime
        self._serving: Callable[[], None] | None = serving
        self._counts = runtime / METRICS
        self._counts.mkdir(exist_ok=True)
        self._supervisor = Supervisor(
            [ChildSpec("an API process", self._launch, signal.SIGTERM)] * settings.api_processes,
            settings.drain_timeout_s + STOP_MARGIN_S,
            on_change=self._on_change,
            max_failed_starts=MAX_FAILED_STARTS,
        )

    def run(self) -> bool:
        catch_signals(self._stop)
        try:
            return self._supervisor.run()
        finally:
            self._supervisor.close()

    def _stop(self, number: int, _: object) -> None:
        """Drain on the first signal; on a second Ctrl-C, end everything at once."""
        if number == signal.SIGINT and self._supervisor.is_stopping:
            self._supervisor.kill()
            os._exit(ABORTED)
        self._supervisor.ask_to_stop()

    def _launch(self, _generation: int, status_fd: int) -> Launch:
        plan = {
            "settings": self._settings.model_dump(mode="json"),
            "listener": self._listener.fileno(),
            "status": status_fd,
            "runtime": str(self._runtime),
            "others": any(slot.is_up for slot in self._supervisor.slots),
        }
        environment = {COUNTS_VARIABLE: str(self._counts)}
        return Launch(API_MODULE, [json.dumps(plan)], environment, [self._listener.fileno()])

    def _on_change(self) -> None:
        slots = self._supervisor.slots
        if self._serving is not None and all(slot.is_up for slot in slots):
            self._serving()
            self._serving = None
        # Gauges of dead processes are removed: what waited there waits no longer.
        alive = {str(slot.child.pid) for slot in slots if slot.child is not None}
        with contextlib.suppress(OSError):  # no descriptor is left: at the next change
            for path in self._counts.glob("gauge_live*_*.db"):
                if path.stem.rpartition("_")[2] not in alive:
                    path.unlink(missing_ok=True)
