"""The results of a request, computed one job at a time, so that other requests get their turn."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from madeira.app.engine.engine import Pool
from madeira.app.engine.request import Ticket
from madeira.app.engine.work import Work
from madeira.app.ipc.messages import empty_like, row_count, write_rows
from madeira.app.jobs import ResultT
from madeira.app.offload import offload

__all__ = ["joined_result", "results"]


async def results(
    pool: Pool, work: Work[ResultT], ticket: Ticket, *, streamed: bool = False
) -> AsyncIterator[ResultT]:
    """Yield the results of the jobs of a request, in their order.

    A job is made shortly before its turn. As many jobs are in the pool as keep the workers busy,
    and no more: a slow reader slows the computation down, and one that is gone stops it.

    Args:
        pool: Computes the jobs; says how large one should be.
        work: All rows of the request.
        ticket: The request, admitted.
        streamed: Whether each result is sent as soon as it is there. The deadline is then that of
            the next result, and does not count while the reader takes the last one.

    Raises:
        RequestError: A job cannot be computed, or not in time.
    """
    waiting: deque[asyncio.Future[ResultT]] = deque()
    start, more = 0, True
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


async def joined_result(pool: Pool, work: Work[ResultT], ticket: Ticket) -> ResultT:
    """Return the results of all jobs of a request as one.

    Each part is copied into the whole as soon as it is there: all parts never stand in memory
    beside the whole. Arguments and errors are those of `results`.
    """
    whole: ResultT | None = None
    start = 0
    async for part in results(pool, work, ticket):
        if whole is None:
            whole = part if start + row_count(part) >= work.rows else empty_like(part, work.rows)
        if whole is not part:
            write_rows(whole, start, part)
        start += row_count(part)
    assert whole is not None  # noqa: S101 - there is a job, even of no rows
    return whole
