"""The engine of an API process: it queues jobs, sends them to workers and returns the results.

Jobs wait in fair order until a worker has room; they never wait for a timer while a worker is idle.
A worker has room for the batch that it computes, one batch behind it, and a little more for small
jobs, which it computes before the large ones that wait there.

A worker that dies loses nothing: its unanswered jobs go back to the head of the queue. Jobs that
were being computed when it died are suspects: each gets a worker for itself from then on, so that
only a job that kills workers is blamed for it. After two crashes it gets no worker that others
need, after three it is rejected. No job waits for ever: if no worker can compute for a while,
waiting jobs are rejected, and so are new requests until a worker can.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from madeira.app.engine.admission import Admission
from madeira.app.engine.fair_queue import FairQueue
from madeira.app.engine.request import AdmittedRequest, QueuedJob, WaitForDisconnect
from madeira.app.engine.work import Work
from madeira.app.engine.worker_connection import WorkerConnection
from madeira.app.engine.worker_pool import SMALL, SUSPECT_CRASHES, WorkerPool, WorkerPoolSize
from madeira.app.errors import (
    ComputationError,
    FrameError,
    InvalidInputError,
    NoWorkerError,
    PoisonousJobError,
    RequestError,
    UnavailableError,
)
from madeira.app.ipc.frames import Frame
from madeira.app.ipc.messages import split, to_result
from madeira.app.jobs import INITIAL_COST, Job, ModelKey, ResultT

__all__ = ["Engine"]

log = logging.getLogger(__name__)

MAX_CRASHES = 3

MIN_LARGE_REQUESTS = 4
"""Number of large requests that fit into the queue beside each other."""


class Engine:
    """Runs jobs on the workers of a runtime directory.

    Args:
        directory: The runtime directory.
        size: Number of workers.
        admission: Limits the requests.
        computed: Called with the jobs of each answer of a worker, and the header of the answer.

    Attributes:
        directory: See above.
        admission: See above.
        executed: Number of jobs that were computed.
    """

    def __init__(
        self,
        directory: Path,
        size: WorkerPoolSize,
        admission: Admission,
        computed: Callable[[Sequence[QueuedJob], dict[str, Any]], object] = lambda *_: None,
    ) -> None:
        self.directory = directory
        self.admission = admission
        self.executed = 0
        self._computed = computed
        self._queue = FairQueue()
        self._suspects: list[QueuedJob] = []
        self._budgets: dict[object, float] = {}
        self._scheduled = False
        self._loop = asyncio.get_running_loop()
        self._worker_pool = WorkerPool(
            directory, size, self._answered, self._lost, self._schedule, self._give_up
        )

    # ------------------------------------------------------------ models

    @property
    def workers(self) -> int:
        """Number of workers there should be, without spares."""
        return self._worker_pool.size.workers

    @property
    def usable(self) -> int:
        """Number of workers that can compute at the same time: connected, and with their models."""
        return self._worker_pool.usable

    @property
    def spares(self) -> int:
        """Number of spares there should be."""
        return self._worker_pool.size.spares

    @property
    def spares_usable(self) -> int:
        """Number of further workers that could compute if one of the others were missing."""
        return self._worker_pool.spares_usable

    @property
    def is_supervised(self) -> bool:
        """Whether workers that die are replaced."""
        return self._worker_pool.is_supervised

    def expect_no_replacement(self) -> None:
        """Reject jobs at once if no worker is left: those that die are not replaced any more."""
        self._worker_pool.expect_no_replacement()

    async def prepare(self, key: ModelKey) -> None:
        """Load and warm a model in every worker, those that start later included.

        Returns when every connected worker, and at least one, has the model. Other jobs are
        computed meanwhile.

        Raises:
            UnavailableError: A worker cannot load it, for the reason that is given.
            NoWorkerError: There is no worker.
        """
        await self._worker_pool.prepare(key)

    async def release(self, key: ModelKey) -> None:
        """Have every worker forget a model; jobs for it must be done before."""
        self._worker_pool.release(key)

    # ------------------------------------------------------------ requests

    def admit(
        self,
        cost: float,
        *,
        large: bool = False,
        wait_for_disconnect: WaitForDisconnect | None = None,
    ) -> AdmittedRequest:
        """Admit a request; its jobs are then submitted with it.

        Args:
            cost: Cost of its jobs that can wait at the same time.
            large: Whether these are not all its jobs.
            wait_for_disconnect: Returns when the client has disconnected; called only for requests
                that take a while.

        Raises:
            NoWorkerError: There has been no worker for a while.
            QueueFullError: There is no room for it.
        """
        if self._worker_pool.is_given_up:
            raise NoWorkerError
        request = AdmittedRequest(self, cost, wait_for_disconnect, large)
        self.admission.enter(request)
        return request

    def submit(self, job: Job[ResultT], request: AdmittedRequest) -> "asyncio.Future[ResultT]":
        """Queue a job.

        Args:
            job: The job.
            request: The request it belongs to.

        Returns:
            Its result, or an error of this package.
        """
        queued = QueuedJob(job, job.cost, request)
        future = cast("asyncio.Future[ResultT]", queued.future)
        if request.failure is not None:
            future.set_exception(request.failure)
            return future
        request.jobs.add(queued)
        self._queue.push(queued)
        self._schedule()
        return future

    async def run(self, job: Job[ResultT]) -> ResultT:
        """Compute one job, as a request of its own.

        Raises:
            RequestError: It cannot be admitted, or not be computed.
        """
        with self.admit(job.cost) as request:
            return await self.submit(job, request)

    def cancel_jobs(self, request: AdmittedRequest, error: BaseException) -> None:
        """Cancel the jobs of a request, those that wait at workers too.

        Args:
            request: The request.
            error: Error that the jobs fail with.
        """
        places: dict[int, list[int]] = {}
        for queued in request.jobs:
            queued.dropped = True
            if not queued.future.done():
                queued.future.set_exception(error)
                queued.future.exception()  # retrieved: no code may wait for it any more
            if queued.batch is not None:
                places.setdefault(queued.batch.number, []).append(queued.batch.jobs.index(queued))
        for number, dropped in places.items():
            for connection in self._worker_pool.connections:
                if number in connection.in_flight:
                    self._drop(connection, number, dropped)
        request.jobs.clear()
        self._schedule()

    def leave(self, request: AdmittedRequest) -> None:
        """Cancel the jobs of a request, and release what it has reserved."""
        if request.jobs:
            self.cancel_jobs(request, asyncio.CancelledError())
        self.admission.leave(request)

    def pause(self, request: AdmittedRequest) -> None:
        """Release what a request has reserved while its client reads the answer."""
        self.admission.pause(request)

    def resume(self, request: AdmittedRequest) -> None:
        """Reserve again for a request that was paused."""
        self.admission.resume(request)

    @property
    def ahead(self) -> int:
        """Number of jobs of one request that wait at the same time; it keeps every worker busy."""
        return self.workers + 1

    def chunk_cost(self, work: Work[Any]) -> float:
        """Return the cost of a job of this work that takes about as long as a batch should.

        It is bounded so that the jobs of one request that wait at one time never fill the queue.
        """
        budget = self._budgets.get((work.kind.__name__, work.model), INITIAL_COST)
        share = self.admission.limit_cost / (MIN_LARGE_REQUESTS * self.ahead)
        return min(budget, max(share, INITIAL_COST))

    def waiting_cost(self, work: Work[Any]) -> float:
        """Return the most cost of the jobs of this work that wait at the same time."""
        cost, chunk = work.cost, self.chunk_cost(work)
        return cost if cost <= chunk else min(cost, self.ahead * max(chunk, work.dearest_row))

    # ------------------------------------------------------------ workers

    def _schedule(self) -> None:
        """Dispatch at the end of this round of the event loop: jobs of one round are merged."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._scheduled = False
        if self._suspects or self._worker_pool.draining is not None:
            self._dispatch_suspects()
        while (queued := self._queue.first()) is not None:
            budget = self._budgets.get(queued.kind, INITIAL_COST)
            small = queued.cost <= budget * SMALL
            connection = self._worker_pool.with_room(queued.cost / budget)
            if connection is None:
                return
            batch, cost = [self._queue.pop()], queued.cost
            while small and (other := self._queue.first()) is not None:
                if other.group != queued.group or cost + other.cost > budget:
                    break
                batch.append(self._queue.pop())
                cost += other.cost
            connection.submit(batch, cost / budget, small)

    def _dispatch_suspects(self) -> None:
        """Send each suspect to an idle worker, alone."""
        self._worker_pool.draining = None
        self._suspects = [queued for queued in self._suspects if not queued.done]
        waiting = []
        for queued in self._suspects:
            connection = self._worker_pool.for_suspect(queued.worker_crashes)
            if connection is None:
                waiting.append(queued)
            else:
                connection.submit(
                    [queued], queued.cost / self._budgets.get(queued.kind, INITIAL_COST), False
                )
        self._suspects = waiting
        if not waiting:
            self._worker_pool.draining = None

    def _answered(self, connection: WorkerConnection, frame: Frame) -> None:
        """Give the results of an answer to the jobs."""
        header = frame.header
        batch = connection.in_flight.get(header.get("number", 0))
        if batch is None:
            return
        jobs = [batch.jobs[place] for place in header["places"]]
        if header["kind"] == "error":
            error = _error_of(header["code"], header["message"])
            for queued in jobs:
                self._finish(queued, None, error)
        else:
            self._budgets[jobs[0].kind] = header["budget"]
            try:
                result = to_result(frame)
                parts = list(split(result, [len(queued.job.values) for queued in jobs]))
            except FrameError as error:
                log.error("a worker answered what is no answer: %s", error)
                for queued in jobs:
                    self._finish(queued, None, ComputationError())
            else:
                self._computed(jobs, header)
                for queued, part in zip(jobs, parts, strict=True):
                    self._finish(queued, part, None)
        batch.unanswered -= len(jobs)
        if batch.unanswered <= 0:
            connection.done(batch)
        self._schedule()

    def _finish(self, queued: QueuedJob, result: object, error: BaseException | None) -> None:
        queued.batch = None
        if queued.done:
            return
        queued.request.jobs.discard(queued)
        self.admission.drained(queued.cost)
        if error is None:
            self.executed += 1
            queued.future.set_result(result)
        else:
            queued.future.set_exception(error)

    def _drop(self, connection: WorkerConnection, number: int, places: Sequence[int]) -> None:
        batch = connection.in_flight[number]
        connection.drop(batch, list(places))
        batch.unanswered -= len(places)
        if batch.unanswered <= 0:
            connection.done(batch)

    def _lost(self, connection: WorkerConnection, computing: frozenset[int]) -> None:
        """Queue the unanswered jobs of a dead worker again.

        Args:
            connection: The connection to it.
            computing: Numbers of the batches that it was computing.
        """
        for batch in connection.in_flight.values():
            for queued in batch.jobs:
                if queued.batch is not batch:
                    continue
                queued.batch = None
                if queued.done:
                    continue
                queued.worker_crashes += batch.number in computing
                if queued.worker_crashes >= MAX_CRASHES:
                    log.error(
                        "a job is refused: %d workers died computing it", queued.worker_crashes
                    )
                    self._finish(queued, None, PoisonousJobError())
                elif queued.worker_crashes:
                    self._suspects.append(queued)
                    if queued.worker_crashes >= SUSPECT_CRASHES:
                        wait_s = self._worker_pool.size.wait_s
                        self._loop.call_later(wait_s, self._give_up_suspect, queued)
                else:
                    self._queue.push_first(queued)
        connection.in_flight.clear()
        self._schedule()

    def _give_up(self) -> None:
        """Reject all waiting jobs: no worker could compute for as long as jobs wait."""
        waiting, self._suspects = self._suspects, []
        while self._queue.first() is not None:
            waiting.append(self._queue.pop())
        for queued in waiting:
            self._finish(queued, None, NoWorkerError())

    def _give_up_suspect(self, queued: QueuedJob) -> None:
        """Reject a suspect that has waited for a worker beside the last one."""
        if queued in self._suspects:
            self._suspects.remove(queued)
            self._finish(queued, None, NoWorkerError())
            self._schedule()

    def close(self) -> None:
        """Close the connections to the workers."""
        self._worker_pool.close()


def _error_of(code: str, message: str) -> RequestError:
    """Return the error for a code and message of a worker."""
    match code:
        case "ordering":
            return InvalidInputError(message)
        case "checkpoint":
            return UnavailableError("The model cannot be loaded at present.")
        case "numerical":
            return ComputationError(f"The model cannot answer this request: {message}.")
        case "memory":
            return ComputationError("There is not enough memory for this request.")
        case _:
            return ComputationError()
