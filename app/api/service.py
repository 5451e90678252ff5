"""What every endpoint works with."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import Request

from madeira.app.api.door import BEGUN, Door
from madeira.app.api.memory import MemoryLimit
from madeira.app.api.peers import Peers
from madeira.app.batching import Pool, Ticket, Work, joined_result, results
from madeira.app.errors import DeadlineError, InvalidInputError
from madeira.app.jobs import ResultT
from madeira.app.logs import current
from madeira.app.metrics import Metrics
from madeira.app.registry import Lease, Registry, ServedModel
from madeira.app.settings import Settings
from madeira.models.echo import quoted

__all__ = ["Service", "service_of"]

DEADLINE_HEADER = b"x-deadline-ms"


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of the running service.

    Attributes:
        settings: As read at start-up.
        registry: The models.
        pool: Where jobs are computed.
        door: Where requests come in.
        metrics: Where they are counted.
        memory: What large requests take.
        peers: The other API processes; None where there is one only.
    """

    settings: Settings
    registry: Registry
    pool: Pool
    door: Door
    metrics: Metrics
    memory: MemoryLimit
    peers: Peers | None = None

    async def result(self, request: Request, model: ServedModel, work: Work[ResultT]) -> ResultT:
        """Computes the work of a request.

        Args:
            request: The request; its header may set a shorter deadline than the service has. The
                deadline is counted from when the request came.
            model: The model that computes it; workers keep it loaded until they are done.
            work: All rows of the request.

        Raises:
            RequestError: The request cannot be admitted, or its work not be computed.
        """
        with await self._lease(model, work), self._admit(request, work) as ticket:
            return await joined_result(self.pool, work, ticket)

    async def results(
        self, request: Request, model: ServedModel, work: Work[ResultT], *, streamed: bool
    ) -> AsyncIterator[ResultT]:
        """Computes the work of a request part by part; arguments are those of `result`.

        Args:
            request: The request.
            model: The model that computes it.
            work: All rows of the request.
            streamed: Whether each part is sent as soon as it is there.

        Raises:
            RequestError: The request cannot be admitted, or its work not be computed.
        """
        with await self._lease(model, work), self._admit(request, work) as ticket:
            async for part in results(self.pool, work, ticket, streamed=streamed):
                yield part

    async def _lease(self, model: ServedModel, work: Work[Any]) -> Lease:
        lease = await self.registry.lease(model, self.pool)
        note = current.get()
        if note is not None:
            note.rows, note.model, note.version = work.rows, model.key.name, model.key.version
        return lease

    def _admit(self, request: Request, work: Work[Any]) -> Ticket:
        seconds = _deadline_s(request, self.settings.deadline_s)
        now = asyncio.get_running_loop().time()
        left = request.scope.get(BEGUN, now) + seconds - now
        error = DeadlineError(seconds)
        if left <= 0:
            raise error
        gone = partial(_gone, request)
        cost = self.pool.waiting_cost(work)
        large = cost < work.cost
        ticket = self.pool.admit(cost, large=large, gone=gone)
        ticket.expire(left, error, seconds)
        ticket.note = current.get()
        return ticket


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service


def _deadline_s(request: Request, longest: float) -> float:
    sent = next(
        (value for name, value in request.scope["headers"] if name == DEADLINE_HEADER), None
    )
    if sent is None:
        return longest
    text = sent.decode("latin-1")
    try:
        milliseconds = float(text)
    except ValueError:
        milliseconds = math.nan
    if not 0 < milliseconds < math.inf:
        raise InvalidInputError(
            "The header X-Deadline-Ms must be a positive number of milliseconds, "
            f"not {quoted(text)}."
        )
    return min(milliseconds / 1000, longest)


async def _gone(request: Request) -> None:
    """Returns when the client of a request, whose body has been read, is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
