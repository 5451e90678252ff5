"""The workers of a service: how many, of which kind, and the supervisor that keeps them running.

The supervisor runs in a thread, so that its process can serve requests, or only wait. It writes a
heartbeat of its own, from which API processes see that dead workers are replaced.
"""

import json
import logging
import os
from dataclasses import asdict
from functools import partial
from typing import Self

from madeira.app.ipc.heartbeat import Heartbeat, create_heartbeat
from madeira.app.ipc.runtime_paths import (
    SupervisorState,
    heartbeat_path,
    socket_path,
    supervisor_heartbeat_path,
    write_state,
)
from madeira.app.ipc.worker_config import WORKER_MODULE, WorkerPlan
from madeira.app.processes.child import ChildSpec, Launch
from madeira.app.processes.runtime_directory import RuntimeDirectory, remove_abandoned
from madeira.app.processes.supervisor import Supervisor
from madeira.app.settings import Settings

__all__ = ["WorkerProcesses", "worker_plan"]

log = logging.getLogger(__name__)

STOP_LIMIT_S = 1.0
"""Seconds that workers may take to end by themselves."""

LATE_S = 30.0
"""A supervisor that has not taken a turn for this long counts as dead."""


def worker_plan(settings: Settings, module: str = WORKER_MODULE) -> WorkerPlan:
    """Plan the workers of a service with these settings; see also `madeira.app.processes.spares`.

    Args:
        settings: Settings of the service.
        module: Module that a worker runs.
    """
    limit = settings.worker_memory_limit_mb
    return WorkerPlan(
        devices=settings.worker_devices,
        threads=settings.worker_threads,
        checkpoints=str(settings.search_path),
        job_timeout_s=settings.job_timeout_s,
        batch_target_s=settings.batch_target_ms / 1000,
        batch_delay_s=settings.batch_delay_ms / 1000,
        log_level=settings.log_level,
        log_format=settings.log_format,
        module=module,
        load_timeout_s=settings.load_timeout_s,
        memory_limit_bytes=None if limit is None else limit * 2**20,
        spares=settings.spare_workers or 0,
    )


class WorkerProcesses:
    """The workers of a plan, in a runtime directory of their own; they run inside its context.

    Args:
        plan: Number and kind of the workers.

    Attributes:
        directory: The runtime directory: sockets, heartbeats, state of the supervisor.
        supervisor: Keeps the workers running.

    Raises:
        RuntimeDirectoryError: There is no place for the runtime directory.
    """

    def __init__(self, plan: WorkerPlan) -> None:
        remove_abandoned()
        self._runtime = RuntimeDirectory()
        self.directory = self._runtime.path
        self._plan = plan
        path = supervisor_heartbeat_path(self.directory)
        create_heartbeat(path, LATE_S)
        self._heartbeat = Heartbeat(path)
        devices = [*plan.devices, *[plan.devices[0]] * plan.spares]
        self.supervisor = Supervisor(
            [
                ChildSpec(
                    f"worker {number} on {device}",
                    partial(self._launch, number, device),
                    is_spare=number >= len(plan.devices),
                )
                for number, device in enumerate(devices)
            ],
            STOP_LIMIT_S,
            on_turn=self._beat,
            on_change=self._write_state,
            resume_limit_s=plan.job_timeout_s,
        )

    def __enter__(self) -> Self:
        self.supervisor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.supervisor.close()
        self._runtime.remove()

    def _beat(self) -> None:
        self._heartbeat.beat(LATE_S)

    def _launch(self, number: int, device: str, generation: int, status_fd: int) -> Launch:
        """Prepare the start of a worker.

        Raises:
            OSError: The runtime directory was removed, and cannot be made again.
        """
        self._runtime.ensure()
        plan = self._plan
        heartbeat = heartbeat_path(self.directory, number, generation)
        socket = socket_path(self.directory, number)
        socket.unlink(missing_ok=True)
        config = {
            **asdict(plan),
            "socket": str(socket),
            "heartbeat": str(heartbeat),
            "device": device,
            "owner": os.getpid(),
            "status_fd": status_fd,
        }
        # Thread counts must be set before PyTorch is imported.
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
        threads = dict.fromkeys(names, str(plan.threads))
        return Launch(plan.module, [json.dumps(config)], threads, heartbeat=heartbeat)

    def _write_state(self) -> None:
        """Write the state of the workers, for the API processes."""
        slots = self.supervisor.slots
        state = SupervisorState(
            owner=os.getpid(),
            restarts=self.supervisor.restarts,
            pids=tuple(slot.child.pid if slot.child else None for slot in slots),
            failures=tuple(slot.failures for slot in slots),
        )
        try:
            with self.supervisor.reserve:
                write_state(self.directory, state)
        except OSError as error:  # the disk is full: workers are replaced all the same
            log.error("%s cannot be written to: %s", self.directory, error.strerror)
