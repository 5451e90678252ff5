"""Large requests are computed a chunk at a time, so that others get their turn in between."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from fastapi import Request

from app.api.offload import offload
from app.api.service import Service
from app.jobs import Job

if TYPE_CHECKING:
    import asyncio

__all__ = ["bounds", "compute", "compute_all"]

ResultT = TypeVar("ResultT")


def bounds(rows: int, chunk_rows: Callable[[], int]) -> Iterator[tuple[int, int]]:
    """First row and row after the last of each chunk; one empty chunk where there are no rows.

    Args:
        rows: How many there are.
        chunk_rows: Says how many the next chunk is to have.
    """
    start = 0
    while start < rows or start == 0:
        stop = min(start + chunk_rows(), rows)
        yield start, stop
        start = max(stop, 1)


async def compute(
    request: Request, service: Service, jobs: Iterator[Job[ResultT]], cost: float, size_bytes: int
) -> AsyncIterator[ResultT]:
    """The results of jobs, in their order; a job is made shortly before its turn comes.

    As many are under way as keep the workers busy, and no more: a reader that is slow, or gone,
    stops the computation.

    Args:
        request: What asks for them.
        service: Where they are computed.
        jobs: The chunks of the request.
        cost: Of all that wait at the same time.
        size_bytes: Roughly how large the arrays of one job are.

    Raises:
        RequestError: It cannot be admitted, or computed.
    """
    ahead = service.pool.workers + 1
    waiting: deque[asyncio.Future[ResultT]] = deque()

    with service.admit(request, cost) as ticket:
        more = True
        while more or waiting:
            while more and len(waiting) < ahead:
                job = await offload(size_bytes, next, jobs, None)
                if job is None:
                    more = False
                else:
                    waiting.append(service.pool.submit(job, ticket))
            if waiting:
                yield await waiting.popleft()


async def compute_all(
    request: Request, service: Service, jobs: Iterator[Job[ResultT]], cost: float, size_bytes: int
) -> list[ResultT]:
    """The results of all jobs of a request; arguments and errors are those of `compute`."""
    return [result async for result in compute(request, service, jobs, cost, size_bytes)]
