"""Real workers and a real engine, for tests that are not about HTTP."""

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from madeira.app.engine import Admission, Engine, WorkerPoolSize
from madeira.app.ipc.runtime_paths import SupervisorState, read_state
from madeira.app.ipc.worker_config import WorkerPlan
from madeira.app.jobs import ModelKey, ScoreJob
from madeira.app.processes.worker_processes import WorkerProcesses
from madeira.app.workers.execute import execute
from madeira.models import DensityEstimator
from tests.waiting import LIMIT_S, wait_until

__all__ = ["KEY", "Crew", "assert_answers", "crew"]

KEY = ModelKey("shop", "1")

T = TypeVar("T")


@dataclass(frozen=True)
class Crew:
    """Workers, and the engine that uses them, on an event loop of their own.

    Attributes:
        workers: The worker processes.
        engine: Uses them.
        loop: Where the engine lives.
    """

    workers: WorkerProcesses
    engine: Engine
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine returns that runs beside the engine."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(LIMIT_S)

    @property
    def state(self) -> SupervisorState:
        """What the supervisor knows."""
        state = read_state(self.workers.directory)
        assert state is not None
        return state

    def kill(self, number: int = 0) -> None:
        """Kill a worker, as the kernel does where memory runs out."""
        pid = self.state.pids[number]
        if pid is not None:
            os.kill(pid, signal.SIGKILL)


def assert_answers(workers: Crew, job: ScoreJob, estimator: DensityEstimator) -> None:
    """Check that the workers compute a job as the estimator does."""
    found = workers.run(workers.engine.run(job))
    expected = execute(job, estimator.density)
    np.testing.assert_allclose(found.log_likelihood, expected.log_likelihood, rtol=1e-3)


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

            async def begin() -> Engine:
                size = WorkerPoolSize(workers, plan.get("spares", 0), wait_s)
                engine = Engine(processes.directory, size, Admission(1e6, 256))
                await engine.prepare(KEY)
                return engine

            engine = asyncio.run_coroutine_threadsafe(begin(), loop).result(LIMIT_S)
            running = Crew(processes, engine, loop)
            wait_until(lambda: engine.usable == workers and engine.spares_usable == engine.spares)
            yield running

            async def end() -> None:
                engine.close()

            running.run(end())
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
