"""The results of a request, computed job by job, so that other requests get their turn."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from madeira.app.engine.engine import Engine
from madeira.app.engine.request import AdmittedRequest
from madeira.app.engine.work import Work
from madeira.app.ipc.messages import empty_like, row_count, write_rows
from madeira.app.jobs import ResultT
from madeira.app.offload import offload

__all__ = ["joined_result", "results"]


async def results(
    engine: Engine, work: Work[ResultT], request: AdmittedRequest, *, streamed: bool = False
) -> AsyncIterator[ResultT]:
    """Yield the results of the jobs of a request, in their order.

    A job is made shortly before its turn. As many jobs are in the engine as keep the workers busy,
    and no more: a slow reader slows the computation down, and one that is gone stops it.

    Args:
        engine: Computes the jobs; says how large one should be.
        work: All rows of the request.
        request: The request, admitted.
        streamed: Whether each result is sent as soon as it is there. The deadline is then that of
            the next result, and does not count while the reader takes the last one.

    Raises:
        RequestError: A job cannot be computed, or not in time.
    """
    waiting: deque[asyncio.Future[ResultT]] = deque()
    start, more = 0, True
    while more or waiting:
        while more and len(waiting) < engine.ahead:
            stop = work.stop(start, engine.chunk_cost(work))
            job = await offload(work.row_bytes * (stop - start), work.job, start, stop)
            waiting.append(engine.submit(job, request))
            start, more = stop, stop < work.rows
        result = await waiting.popleft()
        if streamed:
            request.pause()
        yield result
        if streamed:
            request.resume()


async def joined_result(engine: Engine, work: Work[ResultT], request: AdmittedRequest) -> ResultT:
    """Return the results of all jobs of a request as one.

    Each part is copied into the whole as soon as it is there: all parts never stand in memory
    beside the whole. Arguments and errors are those of `results`.
    """
    if work.stop(0, engine.chunk_cost(work)) >= work.rows:  # one job, as of most requests
        job = await offload(work.row_bytes * work.rows, work.job, 0, work.rows)
        return await engine.submit(job, request)
    whole: ResultT | None = None
    start = 0
    async for part in results(engine, work, request):
        if whole is None:
            whole = empty_like(part, work.rows)
        write_rows(whole, start, part)
        start += row_count(part)
    assert whole is not None  # noqa: S101 - there are several jobs
    return whole
