"""Blocks answered on all cores, a bounded number of them in memory."""

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

import torch

from madeira.app.bulk.parts import Part, Parts

__all__ = ["Numbered", "cores", "run"]

_AHEAD = 2
"""Blocks that wait or are computed, for each thread: reading never stops the arithmetic."""


class Numbered(Protocol):
    """What is answered at once."""

    @property
    def number(self) -> int:
        """Of the block, from 0."""

    @property
    def share(self) -> float:
        """Share of everything that is done with it, in [0, 1]."""


BlockT = TypeVar("BlockT", bound=Numbered)


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    blocks: Iterable[BlockT],
    answer: Callable[[BlockT], Part],
    parts: Parts,
    threads: int,
    on_progress: Callable[[int, float], None],
) -> None:
    """Answer every block whose part is not there yet.

    Threads do: compiled code and Arrow hold no lock of Python. Each has PyTorch use one core.

    Args:
        blocks: In the order of the output.
        answer: Answers one; called in several threads.
        parts: Where answers are kept.
        threads: How many blocks are answered at a time.
        on_progress: Told the rows written since the last call, and the share of all that is done.
    """
    done = parts.done()
    waiting: deque[tuple[BlockT, Future[Part]]] = deque()

    def finish() -> None:
        block, future = waiting.popleft()
        part = future.result()
        parts.keep(block.number, part)
        on_progress(part.table.num_rows, block.share)

    pool = ThreadPoolExecutor(threads, "madeira-bulk", torch.set_num_threads, (1,))
    try:
        for block in blocks:
            if block.number in done:
                on_progress(0, block.share)
                continue
            waiting.append((block, pool.submit(answer, block)))
            if len(waiting) > _AHEAD * threads:
                finish()
        while waiting:
            finish()
    finally:
        pool.shutdown(cancel_futures=True)
