"""Admitted requests, their jobs, and batches of jobs at a worker."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

from madeira.app.ipc.messages import merge_key_of, to_message
from madeira.app.jobs import Job

__all__ = ["AdmittedRequest", "InFlightBatch", "QueuedJob", "RequestScheduler", "WaitForDisconnect"]

WaitForDisconnect = Callable[[], Awaitable[object]]
"""Function that returns when the client has disconnected."""


class RequestScheduler(Protocol):
    """Owner of the queue, as a request sees it."""

    def cancel_jobs(self, request: "AdmittedRequest", error: BaseException) -> None:
        """Cancel the jobs of a request, which fail with the error."""

    def leave(self, request: "AdmittedRequest") -> None:
        """Release what a request has reserved."""

    def pause(self, request: "AdmittedRequest") -> None:
        """Release what a request has reserved while its client reads the answer."""

    def resume(self, request: "AdmittedRequest") -> None:
        """Reserve again for a request that was paused."""


@dataclass(slots=True, eq=False)
class InFlightBatch:
    """A batch of jobs that was sent to a worker.

    Attributes:
        number: Number of its frame, unique among all API processes.
        jobs: The jobs in it.
        load: Load of all jobs, in units of one target-duration batch.
        is_small: Whether they are small jobs, however many.
        unanswered: Number of jobs without an answer.
    """

    number: int
    jobs: list["QueuedJob"]
    load: float
    is_small: bool
    unanswered: int


class QueuedJob:
    """A job in the queue, at a worker, or back in the queue after a worker died.

    Attributes:
        job: The job.
        message: The job as it is sent.
        group: Key of the jobs that it may be merged with.
        kind: Key of the jobs that take the same time for the same cost.
        cost: Cost of the job; see `madeira.app.jobs`.
        request: The request it belongs to.
        future: Its result.
        queued_at: Time at which it was queued, by the clock of the event loop.
        worker_crashes: Number of workers that have died computing it.
        batch: The batch it was sent in; None while it waits.
        dropped: Whether its result is no longer wanted.
    """

    __slots__ = (
        "batch",
        "cost",
        "dropped",
        "future",
        "group",
        "job",
        "kind",
        "message",
        "queued_at",
        "request",
        "worker_crashes",
    )  # fmt: skip

    def __init__(self, job: Job[Any], cost: float, request: "AdmittedRequest") -> None:
        self.job = job
        self.message = to_message(job)
        self.group = merge_key_of(self.message)
        self.kind = (type(job).__name__, job.model)
        self.cost = cost
        self.request = request
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.queued_at = asyncio.get_running_loop().time()
        self.worker_crashes = 0
        self.batch: InFlightBatch | None = None
        self.dropped = False

    @property
    def done(self) -> bool:
        """Whether it has a result, or needs none."""
        return self.dropped or self.future.done()


class AdmittedRequest:
    """A request that may queue jobs; leaving its context cancels those that are not done.

    Args:
        scheduler: Owner of the queue.
        cost: Cost that it reserves of the queue.
        wait_for_disconnect: Returns when the client has disconnected; None never looks.
        large: Whether it reserves less than all its jobs cost.

    Attributes:
        admitted_at: Time of its admission, by the clock of the event loop.
        virtual_finish: Tag of its last job; see `madeira.app.engine.fair_queue`.
        jobs: Its jobs that are not done.
        disconnect_watch: Task that waits until the client disconnects.
        is_counted: Whether it counts as in progress, which it does not while it is paused.
        reserved: Cost that it has reserved of the queue.
        context: Opaque context of the request (its log record), passed to the `computed` callback.
    """

    __slots__ = (
        "_again",
        "_failure",
        "_scheduler",
        "_timer",
        "admitted_at",
        "context",
        "cost",
        "disconnect_watch",
        "is_counted",
        "jobs",
        "large",
        "reserved",
        "virtual_finish",
        "wait_for_disconnect",
    )  # fmt: skip

    def __init__(
        self,
        scheduler: RequestScheduler,
        cost: float,
        wait_for_disconnect: WaitForDisconnect | None,
        large: bool = False,
    ) -> None:
        self._scheduler = scheduler
        self._timer: asyncio.TimerHandle | None = None
        self._failure: BaseException | None = None
        self._again: tuple[float, Callable[[], BaseException]] | None = None
        self.cost = cost
        self.wait_for_disconnect = wait_for_disconnect
        self.large = large
        self.admitted_at = asyncio.get_running_loop().time()
        self.virtual_finish = 0.0
        self.jobs: set[QueuedJob] = set()
        self.disconnect_watch: asyncio.Task[Any] | None = None
        self.is_counted = False
        self.reserved = 0.0
        self.context: object = None

    @property
    def failure(self) -> BaseException | None:
        """Error with which it was given up; None while it goes on."""
        return self._failure

    def set_deadline(
        self, seconds: float, error: Callable[[], BaseException], again_s: float
    ) -> None:
        """Let the request fail after some time.

        Args:
            seconds: Seconds from now.
            error: Makes the error it fails with; few requests fail.
            again_s: Seconds from each `resume`.
        """
        self._again = again_s, error
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, seconds), self._expire)

    def _expire(self) -> None:
        if self._again is not None:
            self.fail(self._again[1]())

    def pause(self) -> None:
        """Stop the deadline, and release its place, while the client reads the answer."""
        if self._timer is not None:
            self._timer.cancel()
        self._scheduler.pause(self)

    def resume(self) -> None:
        """Start the deadline again, and take a place, for the next part of the answer."""
        self._scheduler.resume(self)
        if self._again is not None:
            seconds, error = self._again
            self.set_deadline(seconds, error, seconds)

    def fail(self, error: BaseException) -> None:
        """Give the request up: its jobs are cancelled, and fail with the error."""
        if self._failure is None:
            self._failure = error
            self._scheduler.cancel_jobs(self, error)

    def close(self) -> None:
        """Cancel the jobs that are not done, and release what was reserved."""
        if self._timer is not None:
            self._timer.cancel()
        if self.disconnect_watch is not None:
            self.disconnect_watch.cancel()
            self.disconnect_watch = None  # it refers to this request: a cycle
        self._scheduler.leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
