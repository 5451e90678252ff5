"""The thread that computes, beside the event loop that listens.

There is one: PyTorch spreads a computation over cores by itself, and jobs are short because large
requests come in chunks, so they take turns. What the jobs, the results and `execute` have in
common with this file is arrays; processes can take its place.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

from app.jobs import Job, ModelKey, ResultT
from app.workers.execute import execute
from models.inference.density import Density

__all__ = ["Pool"]


class Pool:
    """Runs jobs one after the other in a thread of its own.

    Args:
        density: Finds the model of a job.
        threads: CPU threads that one computation may use; None leaves PyTorch its choice.

    Attributes:
        executed: How many jobs have been computed.
    """

    def __init__(self, density: Callable[[ModelKey], Density], threads: int | None) -> None:
        self._density = density
        self._threads = threads
        self._executor = ThreadPoolExecutor(1, "madeira-worker", initializer=self._prepare)
        self.executed = 0

    def _prepare(self) -> None:
        # The number holds for the thread that sets it: set elsewhere, it has no effect here.
        if self._threads is not None:
            torch.set_num_threads(self._threads)

    async def run(self, job: Job[ResultT]) -> ResultT:
        """Computes a job; a caller that is cancelled while the job waits takes it back.

        Raises:
            OrderingError: The model cannot be conditioned on what is observed.
            UnknownModelError: The model is no longer served.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._run, job)

    def _run(self, job: Job[ResultT]) -> ResultT:
        result = execute(job, self._density(job.model))
        self.executed += 1
        return result

    def close(self) -> None:
        """Waits for the job under way and drops what waits behind it."""
        self._executor.shutdown(wait=True, cancel_futures=True)
