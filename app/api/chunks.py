"""Large requests are computed a chunk at a time, so that others get their turn in between."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import TypeVar

from fastapi import Request

from madeira.app.api.offload import offload
from madeira.app.api.service import Service
from madeira.app.batching import Work
from madeira.app.workers.wire import empty_like, put, rows_of

__all__ = ["compute", "compute_all"]

ResultT = TypeVar("ResultT")


async def compute(
    request: Request, service: Service, work: Work[ResultT], *, streamed: bool = False
) -> AsyncIterator[ResultT]:
    """The results of the jobs of a request, in their order; a job is made shortly before its turn.

    As many are under way as keep the workers busy, and no more: a reader that is slow, or gone,
    stops the computation.

    Args:
        request: What asks for them.
        service: Where they are computed.
        work: What is to be computed.
        streamed: Whether each result is sent as soon as it is there: the deadline is then that of
            the next result, and does not count while the reader takes the last.

    Raises:
        RequestError: It cannot be admitted, or computed.
    """
    pool = service.pool
    waiting: deque[asyncio.Future[ResultT]] = deque()
    start, more = 0, True

    with service.admit(request, work) as ticket:
        while more or waiting:
            while more and len(waiting) < pool.ahead:
                stop = work.stop(start, pool.chunk_cost(work))
                job = await offload(work.row_bytes * (stop - start), work.job, start, stop)
                waiting.append(pool.submit(job, ticket))
                start, more = stop, stop < work.rows
            result = await waiting.popleft()
            if streamed:
                ticket.pause()
            yield result
            if streamed:
                ticket.go_on()


async def compute_all(request: Request, service: Service, work: Work[ResultT]) -> ResultT:
    """The results of all jobs of a request as one; arguments and errors are those of `compute`.

    Each is put where it belongs as soon as it is there: they never stand in memory twice.
    """
    whole: ResultT | None = None
    start = 0
    async for part in compute(request, service, work):
        if whole is None:
            whole = part if start + rows_of(part) >= work.rows else empty_like(part, work.rows)
        if whole is not part:
            put(whole, start, part)
        start += rows_of(part)
    assert whole is not None  # noqa: S101 - there is a job, even of no rows
    return whole
