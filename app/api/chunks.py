"""Large requests are computed a chunk at a time, so that others get their turn in between."""

from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from app.api.offload import offload
from app.errors import InvalidInputError
from app.jobs import Job
from app.workers import Pool
from models.errors import OrderingError

__all__ = ["bounds", "compute", "compute_all"]

ResultT = TypeVar("ResultT")


def bounds(rows: int, chunk_rows: int) -> Iterator[tuple[int, int]]:
    """First row and row after the last of each chunk; one empty chunk where there are no rows."""
    for start in range(0, max(rows, 1), chunk_rows):
        yield start, min(start + chunk_rows, rows)


async def compute(
    jobs: Iterator[Job[ResultT]], pool: Pool, size_bytes: int
) -> AsyncIterator[ResultT]:
    """The results of jobs, in their order; a job is made when its turn comes.

    Args:
        jobs: The chunks of a request.
        pool: Where they are computed.
        size_bytes: Roughly how large the arrays of one job are.

    Raises:
        InvalidInputError: The model cannot be conditioned on what is observed.
    """

    def make() -> Job[ResultT] | None:
        return next(jobs, None)

    while (job := await offload(size_bytes, make)) is not None:
        try:
            yield await pool.run(job)
        except OrderingError as error:
            raise InvalidInputError(str(error)) from error


async def compute_all(
    request: Request, jobs: Iterator[Job[ResultT]], pool: Pool, size_bytes: int
) -> list[ResultT]:
    """The results of all jobs of a request, given up when its client is gone.

    Raises:
        ClientDisconnect: Nobody waits for the answer.
        InvalidInputError: The model cannot be conditioned on what is observed.
    """
    results: list[ResultT] = []
    async for result in compute(jobs, pool, size_bytes):
        if results and await request.is_disconnected():
            raise ClientDisconnect
        results.append(result)
    return results
