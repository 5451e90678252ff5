"""One process that a supervisor has started, and the specification it was started from."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from madeira.app.ipc.heartbeat import HeartbeatReader, create_heartbeat

__all__ = ["START_LIMIT_S", "Child", "ChildSpec", "Launch", "describe_exit"]

START_LIMIT_S = 300.0
"""Seconds that a process with a heartbeat may take until it writes the first one."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one process.

    Attributes:
        module: Module that it runs.
        arguments: Arguments of the module.
        environment: Variables that are added to those of the supervisor.
        descriptors: File descriptors that it inherits, besides the one of its status.
        heartbeat: Path of the heartbeat that it writes; None if it writes none.
    """

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()
    heartbeat: Path | None = None


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process that a supervisor keeps running.

    Attributes:
        name: Name in the log.
        launch: Prepares the start of a process. Gets the number of processes started from this
            specification so far, this one included, and the descriptor to write one byte to when
            the process is up. May raise OSError.
        stop_signal: Signal that asks the process to stop; None closes its standard input instead.
        is_spare: Whether it starts only after all processes that are no spares have been up once.
    """

    name: str
    launch: Callable[[int, int], Launch]
    stop_signal: signal.Signals | None = None
    is_spare: bool = False


class Child:
    """A process, started by the constructor. A failed start leaves nothing open and no file.

    Args:
        spec: Specification of the process.
        generation: Number of processes started from it, this one included.

    Attributes:
        pid: Process id.
        status: Descriptor that becomes readable when the process is up, and when it has ended.

    Raises:
        OSError: The system has no process, descriptor or disk space left.
    """

    def __init__(self, spec: ChildSpec, generation: int) -> None:
        self._stop_signal = spec.stop_signal
        self._heartbeat: HeartbeatReader | None = None
        with ExitStack() as cleanup:
            self.status, theirs = os.pipe()
            cleanup.callback(os.close, self.status)
            try:
                launch = spec.launch(generation, theirs)
                if launch.heartbeat is not None:
                    cleanup.callback(launch.heartbeat.unlink, missing_ok=True)
                    create_heartbeat(launch.heartbeat, START_LIMIT_S)
                    self._heartbeat = HeartbeatReader(launch.heartbeat)
                    cleanup.callback(self._heartbeat.close)
                self._process = subprocess.Popen(  # noqa: S603 - this interpreter, our own module
                    [sys.executable, "-m", launch.module, *launch.arguments],
                    stdin=subprocess.PIPE,
                    pass_fds=[theirs, *launch.descriptors],
                    env={**os.environ, **launch.environment},
                    process_group=0,  # Ctrl-C is for the supervisor's process alone
                )
            finally:
                os.close(theirs)
            self._cleanup = cleanup.pop_all()
        self.pid = self._process.pid

    @property
    def is_hanging(self) -> bool:
        """Whether its heartbeat is overdue."""
        return self._heartbeat is not None and self._heartbeat.overdue_s() > 0

    def kill(self) -> None:
        """End the process at once; `status` shows its end."""
        self._process.kill()

    def ask_to_stop(self) -> None:
        """Ask the process to finish what it has begun, and to end."""
        if self._stop_signal is not None:
            self._process.send_signal(self._stop_signal)
        elif self._process.stdin is not None:
            self._process.stdin.close()

    def close(self, timeout_s: float) -> int:
        """Wait for the end of the process, and clean up after it.

        Args:
            timeout_s: Seconds after which it is killed.

        Returns:
            The exit status, as `subprocess` gives it.
        """
        try:
            status = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._cleanup.close()
        return status


def describe_exit(status: int) -> str:
    """Describe the exit status of a process, as `subprocess` gives it."""
    if status == -signal.SIGKILL:
        return "SIGKILL, which the system also sends where memory runs out"
    if -status in set(signal.Signals):
        return signal.Signals(-status).name
    return f"status {status}"
