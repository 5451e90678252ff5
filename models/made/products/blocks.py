"""Block cutting: a masked matrix as blocks of rows without their zero columns at either end."""

from functools import cache
from itertools import pairwise

import numpy as np

from madeira.models.arrays import Bool

__all__ = ["Span", "nonzero_blocks", "row_blocks"]

Span = tuple[int, int, int, int]
"""A block: first row, row after the last, first column, column after the last."""


@cache
def row_blocks(length: int, count: int, lanes: int) -> tuple[tuple[int, int], ...]:
    """Cut rows into about `count` blocks, none of them empty.

    Args:
        length: Number of rows.
        count: Number of blocks.
        lanes: All blocks but the last start and stop at a multiple of it.

    Returns:
        First row and row after the last of each block.
    """
    inner = {round(length * index / count / lanes) * lanes for index in range(1, count)}
    bounds = sorted({0, *(bound for bound in inner if bound < length), length})
    return tuple(pairwise(bounds))


def nonzero_blocks(matrix: Bool, count: int, lanes: int) -> tuple[Span, ...]:
    """Cut a matrix into blocks of rows without their zero columns at either end.

    Args:
        matrix: Where there is anything, shape `(rows, columns)`.
        count: Number of blocks.
        lanes: As for `row_blocks`.
    """
    spans = []
    for start, stop in row_blocks(len(matrix), count, lanes):
        places = np.flatnonzero(matrix[start:stop].any(axis=0))
        low, high = (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)
        spans.append((start, stop, low, high))
    return tuple(spans)
