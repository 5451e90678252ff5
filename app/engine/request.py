"""What waits: a request that has been admitted is a ticket, each of its jobs an entry."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

from madeira.app.ipc.messages import merge_key_of, to_message
from madeira.app.jobs import Job

__all__ = ["Desk", "Entry", "Gone", "Sent", "Ticket"]

Gone = Callable[[], Awaitable[object]]
"""Returns when the caller is gone."""


class Desk(Protocol):
    """Where tickets are issued."""

    def take_back(self, ticket: "Ticket", error: BaseException) -> None:
        """Gives up the jobs of a request."""

    def leave(self, ticket: "Ticket") -> None:
        """Takes note that a request is at its end."""

    def pause(self, ticket: "Ticket") -> None:
        """Takes note that the client of a request takes what is there."""

    def go_on(self, ticket: "Ticket") -> None:
        """Takes note that more of a request is awaited."""


@dataclass(slots=True, eq=False)
class Sent:
    """A frame of jobs at a worker.

    Attributes:
        number: Of the frame.
        entries: The jobs in it.
        weight: Of all of them, in batches of the wanted duration.
        small: Whether they are small jobs, however many.
        left: How many of them have no answer yet.
    """

    number: int
    entries: list["Entry"]
    weight: float
    small: bool
    left: int


class Entry:
    """A job on its way: in the queue, at a worker, or back again after the death of one.

    Attributes:
        job: What is to be computed.
        message: The same, taken apart.
        group: What it may be computed together with.
        kind: Of what kind of work it is, as far as its speed goes.
        cost: Of the job; see `madeira.app.jobs`.
        ticket: The request it belongs to.
        future: Its result.
        came: When it began to wait, by the clock of the event loop.
        deaths: How many workers have died computing it.
        sent: The frame it is in; None while it waits.
        dropped: Whether nobody waits for it any more.
    """

    __slots__ = (
        "came", "cost", "deaths", "dropped", "future", "group", "job", "kind", "message", "sent",
        "ticket",
    )  # fmt: skip

    def __init__(self, job: Job[Any], cost: float, ticket: "Ticket") -> None:
        self.job = job
        self.message = to_message(job)
        self.group = merge_key_of(self.message)
        self.kind = (type(job).__name__, job.model)
        self.cost = cost
        self.ticket = ticket
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.came = asyncio.get_running_loop().time()
        self.deaths = 0
        self.sent: Sent | None = None
        self.dropped = False

    @property
    def done(self) -> bool:
        """Whether nothing more is to be done for it."""
        return self.dropped or self.future.done()


class Ticket:
    """One admitted request; leaving its context takes back all that it still waits for.

    Args:
        desk: Where it was admitted.
        cost: What it is to reserve of the queue.
        gone: Returns when its caller is gone; None where nobody watches.
        large: Whether it reserved less than all its jobs cost.

    Attributes:
        since: When it was admitted, by the clock of the event loop.
        share: How much it has been served, for fairness; see `madeira.app.engine.fair_queue`.
        entries: Its jobs that are not done.
        watch: The task that waits for the caller to go away.
        counted: Whether it takes a place among the requests under way.
        reserved: What it has reserved of the queue, while it takes a place.
        note: Whatever the one who was admitted wants to find here again.
    """

    __slots__ = (
        "_again",
        "_desk",
        "_failure",
        "_timer",
        "cost",
        "counted",
        "entries",
        "gone",
        "large",
        "note",
        "reserved",
        "share",
        "since",
        "watch",
    )  # fmt: skip

    def __init__(self, desk: Desk, cost: float, gone: Gone | None, large: bool = False) -> None:
        self._desk = desk
        self._timer: asyncio.TimerHandle | None = None
        self._failure: BaseException | None = None
        self._again: tuple[float, BaseException] | None = None
        self.cost = cost
        self.gone = gone
        self.large = large
        self.since = asyncio.get_running_loop().time()
        self.share = 0.0
        self.entries: set[Entry] = set()
        self.watch: asyncio.Task[Any] | None = None
        self.counted = False
        self.reserved = 0.0
        self.note: object = None

    @property
    def failure(self) -> BaseException | None:
        """Why nothing is computed for it any more; None as long as something is."""
        return self._failure

    def expire(self, seconds: float, error: BaseException, again_s: float) -> None:
        """Gives it up after some seconds.

        Args:
            seconds: From now.
            error: What it fails with then.
            again_s: Seconds from each time that its clock goes on.
        """
        self._again = again_s, error
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, seconds), self.fail, error)

    def pause(self) -> None:
        """While its caller takes what is there, no time counts, and it takes no place."""
        if self._timer is not None:
            self._timer.cancel()
        self._desk.pause(self)

    def go_on(self) -> None:
        """The next part is awaited: it has as much time as the first had."""
        self._desk.go_on(self)
        if self._again is not None:
            seconds, error = self._again
            self.expire(seconds, error, seconds)

    def fail(self, error: BaseException) -> None:
        """Gives it up: what waits for its jobs gets the error, and they are taken back."""
        if self._failure is None:
            self._failure = error
            self._desk.take_back(self, error)

    def close(self) -> None:
        """Takes back what is not done, and what was reserved."""
        if self._timer is not None:
            self._timer.cancel()
        if self.watch is not None:
            self.watch.cancel()
            self.watch = None  # it knows this ticket: together they would be cyclic garbage
        self._desk.leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
