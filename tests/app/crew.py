"""Real workers and a real pool, for tests that are not about HTTP."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from madeira.app.engine import Admission, FleetSize, Pool
from madeira.app.ipc.runtime_paths import SupervisorState, read_state
from madeira.app.ipc.worker_config import WorkerPlan
from madeira.app.jobs import ModelKey
from madeira.app.processes.worker_processes import WorkerProcesses

__all__ = ["KEY", "Crew", "crew", "wait_until"]

KEY = ModelKey("shop", "1")
LIMIT_S = 150.0

T = TypeVar("T")


@dataclass(frozen=True)
class Crew:
    """Workers, and the pool that uses them, on an event loop of their own.

    Attributes:
        workers: The worker processes.
        pool: Uses them.
        loop: Where the pool lives.
    """

    workers: WorkerProcesses
    pool: Pool
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What a coroutine returns that runs beside the pool."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(LIMIT_S)

    @property
    def state(self) -> SupervisorState:
        """What the supervisor knows."""
        state = read_state(self.workers.directory)
        assert state is not None
        return state

    def kill(self, number: int = 0) -> None:
        """Kills a worker, as the kernel does where memory runs out."""
        pid = self.state.pids[number]
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Waits for something that must happen."""
        wait_until(condition)


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for something that must happen, and fails long before the run would be ended."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


@contextmanager
def crew(
    checkpoints: Path, workers: int = 1, wait_s: float = LIMIT_S, **plan: Any
) -> Iterator[Crew]:
    """Workers that hold the model `shop`."""
    settings = {
        "devices": ("cpu",) * workers,
        "threads": 1,
        "checkpoints": str(checkpoints),
        "job_timeout_s": 60.0,
        "batch_target_s": 0.005,
        "batch_delay_s": 0.0,
        "log_level": "warning",
        "module": "tests.app.faulty_worker",
        **plan,
    }
    with WorkerProcesses(WorkerPlan(**settings)) as processes:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:

            async def begin() -> Pool:
                size = FleetSize(workers, plan.get("spares", 0), wait_s)
                pool = Pool(processes.directory, size, Admission(1e6, 256))
                await pool.prepare(KEY)
                return pool

            pool = asyncio.run_coroutine_threadsafe(begin(), loop).result(LIMIT_S)
            running = Crew(processes, pool, loop)
            running.wait_until(lambda: pool.usable == workers and pool.spares_usable == pool.spares)
            yield running

            async def end() -> None:
                pool.close()

            running.run(end())
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
