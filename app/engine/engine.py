"""What an API process has of the workers: jobs go in, results come out.

Jobs wait here, in fair order, until some worker has room for them; they never wait for a timer
while a worker idles. A worker has room for what it computes, one batch behind it, and a little
more for small jobs, which the worker computes before the large ones that wait with them.

A worker that dies loses nothing: what it had not answered waits again, before all others. Jobs
that were being computed when it died are suspects: each has a worker for itself from then on, so
that only a job that kills workers is blamed for it. After two deaths it gets no worker that others
need, after three it is refused. Nothing waits for ever: where no worker can compute for a while,
what waits is refused, and so is what comes until one can.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from madeira.app.engine.admission import Admission
from madeira.app.engine.fair_queue import FairQueue
from madeira.app.engine.request import Entry, Gone, Ticket
from madeira.app.engine.work import Work
from madeira.app.engine.worker_connection import Link
from madeira.app.engine.worker_pool import SMALL, SUSPECT_DEATHS, Fleet, FleetSize
from madeira.app.errors import (
    ComputationError,
    InvalidInputError,
    NoWorkerError,
    PoisonousJobError,
    RequestError,
    UnavailableError,
)
from madeira.app.ipc.frames import Frame, FrameError
from madeira.app.ipc.messages import split, to_result
from madeira.app.jobs import INITIAL_COST, Job, ModelKey, ResultT

__all__ = ["Pool"]

log = logging.getLogger(__name__)

DEATHS_LIMIT = 3

LEAST_TURNS = 4
"""So many large requests at least fit into the queue beside each other."""


class Pool:
    """Runs jobs on the workers of a runtime directory.

    Args:
        directory: The runtime directory of a supervisor.
        size: How many workers there are.
        admission: Says what may wait here.
        computed: Told the jobs of one frame that were computed, with the header of the answer.

    Attributes:
        admission: Says what may wait here.
        executed: How many jobs have been computed.
    """

    def __init__(
        self,
        directory: Path,
        size: FleetSize,
        admission: Admission,
        computed: Callable[[Sequence[Entry], dict[str, Any]], object] = lambda *_: None,
    ) -> None:
        self.directory = directory
        self.admission = admission
        self.executed = 0
        self._computed = computed
        self._queue = FairQueue()
        self._suspects: list[Entry] = []
        self._budgets: dict[object, float] = {}
        self._scheduled = False
        self._loop = asyncio.get_running_loop()
        self._fleet = Fleet(
            directory, size, self._answered, self._lost, self._schedule, self._give_up
        )

    # ------------------------------------------------------------ models

    @property
    def workers(self) -> int:
        """How many workers there should be, without spares."""
        return self._fleet.size.workers

    @property
    def usable(self) -> int:
        """How many workers can compute at the same time: connected, and with their models."""
        return self._fleet.usable

    @property
    def spares(self) -> int:
        """How many spares there should be."""
        return self._fleet.size.spares

    @property
    def spares_usable(self) -> int:
        """How many more workers could compute if one of the others were missing."""
        return self._fleet.spares_usable

    @property
    def is_supervised(self) -> bool:
        """Whether workers that die are replaced."""
        return self._fleet.is_supervised

    def expect_no_other(self) -> None:
        """No worker that dies will be replaced: what then waits for one is refused at once."""
        self._fleet.expect_no_other()

    async def prepare(self, key: ModelKey) -> None:
        """Has a model loaded and warmed in every worker, those started later included.

        It returns when every worker that is connected has it, one at least, and jobs for it are
        welcome from then on. Others are answered meanwhile.

        Raises:
            UnavailableError: A worker cannot load it, for the reason that is given.
            NoWorkerError: There is no worker.
        """
        await self._fleet.prepare(key)

    async def release(self, key: ModelKey) -> None:
        """Has every worker forget a model; jobs for it must be done before."""
        self._fleet.release(key)

    # ------------------------------------------------------------ requests

    def admit(
        self,
        cost: float,
        *,
        large: bool = False,
        gone: Gone | None = None,
    ) -> Ticket:
        """Lets a request in; its jobs are then submitted with the ticket.

        Args:
            cost: Of all its jobs that can wait at the same time.
            large: Whether these are not all its jobs.
            gone: Returns when its caller is gone; called only for requests that take a while.

        Raises:
            NoWorkerError: There has been no worker for a while.
            QueueFullError: There is no room for it.
        """
        if self._fleet.is_given_up:
            raise NoWorkerError
        ticket = Ticket(self, cost, gone, large)
        self.admission.enter(ticket)
        return ticket

    def submit(self, job: Job[ResultT], ticket: Ticket) -> "asyncio.Future[ResultT]":
        """Puts a job where it waits for a worker.

        Returns:
            Its result, or an error of this package.
        """
        entry = Entry(job, job.cost, ticket)
        future = cast("asyncio.Future[ResultT]", entry.future)
        if ticket.failure is not None:
            future.set_exception(ticket.failure)
            return future
        ticket.entries.add(entry)
        self._queue.push(entry)
        self._schedule()
        return future

    async def run(self, job: Job[ResultT]) -> ResultT:
        """Computes one job, as a request of its own."""
        with self.admit(job.cost) as ticket:
            return await self.submit(job, ticket)

    def take_back(self, ticket: Ticket, error: BaseException) -> None:
        """Gives up the jobs of a request; those that wait at workers are dropped there."""
        places: dict[int, list[int]] = {}
        for entry in ticket.entries:
            entry.dropped = True
            if not entry.future.done():
                entry.future.set_exception(error)
                entry.future.exception()  # whoever waits gets it; perhaps nobody does any more
            if entry.sent is not None:
                places.setdefault(entry.sent.number, []).append(entry.sent.entries.index(entry))
        for number, dropped in places.items():
            for link in self._fleet.links:
                if number in link.sent:
                    self._drop(link, number, dropped)
        ticket.entries.clear()
        self._schedule()

    def leave(self, ticket: Ticket) -> None:
        """Takes note that a request is at its end."""
        if ticket.entries:
            self.take_back(ticket, asyncio.CancelledError())
        self.admission.leave(ticket)

    def pause(self, ticket: Ticket) -> None:
        """Takes note that the client of a request takes what is there."""
        self.admission.pause(ticket)

    def go_on(self, ticket: Ticket) -> None:
        """Takes note that more of a request is awaited."""
        self.admission.go_on(ticket)

    @property
    def ahead(self) -> int:
        """How many jobs of one request wait at the same time: enough to keep every worker busy."""
        return self.workers + 1

    def chunk_cost(self, work: Work[Any]) -> float:
        """Cost of a job of it that takes a worker about the time that a batch should take.

        The jobs of it that wait at one time are a part of the queue, however fast the workers are.
        """
        budget = self._budgets.get((work.kind.__name__, work.model), INITIAL_COST)
        share = self.admission.limit_cost / (LEAST_TURNS * self.ahead)
        return min(budget, max(share, INITIAL_COST))

    def waiting_cost(self, work: Work[Any]) -> float:
        """Most that the jobs of it cost that wait at the same time."""
        cost, chunk = work.cost, self.chunk_cost(work)
        return cost if cost <= chunk else min(cost, self.ahead * max(chunk, work.dearest_row))

    # ------------------------------------------------------------ workers

    def _schedule(self) -> None:
        """Sends what can be sent, once everything that has come with it is here."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._scheduled = False
        if self._suspects or self._fleet.draining is not None:
            self._dispatch_suspects()
        while (entry := self._queue.first()) is not None:
            budget = self._budgets.get(entry.kind, INITIAL_COST)
            small = entry.cost <= budget * SMALL
            link = self._fleet.with_room(entry.cost / budget)
            if link is None:
                return
            batch, cost = [self._queue.pop()], entry.cost
            while small and (other := self._queue.first()) is not None:
                if other.group != entry.group or cost + other.cost > budget:
                    break
                batch.append(self._queue.pop())
                cost += other.cost
            link.submit(batch, cost / budget, small)

    def _dispatch_suspects(self) -> None:
        """Sends what is to be computed beside nothing else, to workers that are idle."""
        self._fleet.draining = None
        self._suspects = [entry for entry in self._suspects if not entry.done]
        waiting = []
        for entry in self._suspects:
            link = self._fleet.for_suspect(entry.deaths)
            if link is None:
                waiting.append(entry)
            else:
                link.submit(
                    [entry], entry.cost / self._budgets.get(entry.kind, INITIAL_COST), False
                )
        self._suspects = waiting
        if not waiting:
            self._fleet.draining = None

    def _answered(self, link: Link, frame: Frame) -> None:
        """Hands out what a worker has answered."""
        header = frame.header
        sent = link.sent.get(header.get("number", 0))
        if sent is None:
            return
        entries = [sent.entries[place] for place in header["places"]]
        if header["kind"] == "error":
            error = _error_of(header["code"], header["message"])
            for entry in entries:
                self._finish(entry, None, error)
        else:
            self._budgets[entries[0].kind] = header["budget"]
            try:
                result = to_result(frame)
                parts = list(split(result, [len(entry.job.values) for entry in entries]))
            except FrameError as error:
                log.error("a worker answered what is no answer: %s", error)
                for entry in entries:
                    self._finish(entry, None, ComputationError())
            else:
                self._computed(entries, header)
                for entry, part in zip(entries, parts, strict=True):
                    self._finish(entry, part, None)
        sent.left -= len(entries)
        if sent.left <= 0:
            link.done(sent)
        self._schedule()

    def _finish(self, entry: Entry, result: object, error: BaseException | None) -> None:
        entry.sent = None
        if entry.done:
            return
        entry.ticket.entries.discard(entry)
        self.admission.drained(entry.cost)
        if error is None:
            self.executed += 1
            entry.future.set_result(result)
        else:
            entry.future.set_exception(error)

    def _drop(self, link: Link, number: int, places: Sequence[int]) -> None:
        sent = link.sent[number]
        link.drop(sent, list(places))
        sent.left -= len(places)
        if sent.left <= 0:
            link.done(sent)

    def _lost(self, link: Link, computing: frozenset[int]) -> None:
        """Puts what a dead worker had not answered where it waits for another."""
        for sent in link.sent.values():
            for entry in sent.entries:
                if entry.sent is not sent:
                    continue
                entry.sent = None
                if entry.done:
                    continue
                entry.deaths += sent.number in computing
                if entry.deaths >= DEATHS_LIMIT:
                    log.error("a job is refused: %d workers died computing it", entry.deaths)
                    self._finish(entry, None, PoisonousJobError())
                elif entry.deaths:
                    self._suspects.append(entry)
                    if entry.deaths >= SUSPECT_DEATHS:
                        wait_s = self._fleet.size.wait_s
                        self._loop.call_later(wait_s, self._give_up_suspect, entry)
                else:
                    self._queue.push_first(entry)
        link.sent.clear()
        self._schedule()

    def _give_up(self) -> None:
        """Refuses all that waits: no worker has come for as long as is waited."""
        waiting, self._suspects = self._suspects, []
        while self._queue.first() is not None:
            waiting.append(self._queue.pop())
        for entry in waiting:
            self._finish(entry, None, NoWorkerError())

    def _give_up_suspect(self, entry: Entry) -> None:
        """Refuses a job that may not have the last worker, and has waited for another one."""
        if entry in self._suspects:
            self._suspects.remove(entry)
            self._finish(entry, None, NoWorkerError())
            self._schedule()

    def close(self) -> None:
        """Ends the connections."""
        self._fleet.close()


def _error_of(code: str, message: str) -> RequestError:
    """The error that a caller sees for what a worker says."""
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
