"""One worker that has been started, as its supervisor has it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from madeira.app.ipc.heartbeat import HeartbeatReader, create_heartbeat
from madeira.app.ipc.runtime_paths import heartbeat_path, socket_path
from madeira.app.ipc.worker_config import WorkerConfig
from madeira.app.processes.worker_plan import WorkerPlan

__all__ = ["START_LIMIT_S", "WorkerProcess", "ending"]

START_LIMIT_S = 300.0
"""Seconds that a worker may take until it listens."""


class WorkerProcess:
    """A process that computes, started when this is made.

    Whatever fails on the way leaves nothing open and nothing behind.

    Args:
        directory: The runtime directory.
        number: Of its place.
        generation: How many processes have had this place, this one included.
        device: Where it computes.
        plan: What it is to be like.

    Attributes:
        pid: Its number.
        status: A descriptor that can be read when it listens, and at its end.

    Raises:
        OSError: The system has no process, descriptor or space for it.
    """

    def __init__(
        self, directory: Path, number: int, generation: int, device: str, plan: WorkerPlan
    ) -> None:
        heartbeat = heartbeat_path(directory, number, generation)
        path = socket_path(directory, number)
        path.unlink(missing_ok=True)
        with ExitStack() as undo:
            undo.callback(heartbeat.unlink, missing_ok=True)
            create_heartbeat(heartbeat, START_LIMIT_S)
            self._heartbeat = heartbeat
            self._reader = HeartbeatReader(heartbeat)
            undo.callback(self._reader.close)
            self.status, theirs = os.pipe()
            undo.callback(os.close, self.status)
            config = WorkerConfig(
                socket=str(path),
                heartbeat=str(heartbeat),
                checkpoints=str(plan.checkpoints),
                device=device,
                owner=os.getpid(),
                status_fd=theirs,
                job_timeout_s=plan.job_timeout_s,
                load_timeout_s=plan.load_timeout_s,
                batch_target_s=plan.batch_target_s,
                batch_delay_s=plan.batch_delay_s,
                memory_limit_bytes=plan.memory_limit_bytes,
                log_level=plan.log_level,
                log_format=plan.log_format,
            )
            try:
                self._process = subprocess.Popen(  # noqa: S603 - this interpreter, our own module
                    [sys.executable, "-m", plan.module, json.dumps(asdict(config))],
                    stdin=subprocess.PIPE,
                    pass_fds=[theirs],
                    env=_environment(plan.threads),
                    process_group=0,  # Ctrl-C is for the owner
                )
            finally:
                os.close(theirs)
            undo.pop_all()
        self.pid = self._process.pid

    def hangs(self) -> bool:
        """Whether it is over the time that it has given itself, or was given to start."""
        return self._reader.overdue_s() > 0

    def kill(self) -> None:
        """Ends it at once; its end is heard of like any other."""
        self._process.kill()

    def release(self) -> None:
        """Lets it end when it has done what it holds."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.close()

    def close(self, timeout_s: float | None = None) -> int:
        """Waits for its end, and clears up after it.

        Args:
            timeout_s: Seconds after which it is killed; None waits.

        Returns:
            Its exit status, as `subprocess` has it.
        """
        self.release()
        try:
            status = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        os.close(self.status)
        self._reader.close()
        self._heartbeat.unlink(missing_ok=True)
        return status


def ending(status: int) -> str:
    """Says how a process ended.

    Args:
        status: Its exit status, as `subprocess` has it.
    """
    if status >= 0:
        return f"status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = ", which the system also sends where memory runs out" if name == "SIGKILL" else ""
    return f"{name}{hint}"


def _environment(threads: int) -> Mapping[str, str]:
    """The environment of a worker: thread counts must be there before PyTorch is imported."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads))}
