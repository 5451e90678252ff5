"""Orderings of the variables.

An ordering is held as its positions: `positions[d]` in 1..D says when variable d becomes known.
"""

from collections.abc import Sequence

import numpy as np

from madeira.models.arrays import Bool, Float64, Int64

__all__ = [
    "derived_first",
    "evidence_first",
    "in_tiers",
    "natural_positions",
    "random_positions",
    "smooth_positions",
    "variables_in_order",
]


def natural_positions(variables: int) -> Int64:
    """Return the order of the columns: `1, 2, ..., D`, shape `(D,)`."""
    return np.arange(1, variables + 1)


def random_positions(variables: int, generator: np.random.Generator) -> Int64:
    """Return a permutation drawn evenly from all `D!`, shape `(D,)`.

    Args:
        variables: Number of variables D.
        generator: Source of the permutation.
    """
    return generator.permutation(variables) + 1


def smooth_positions(coordinates: Float64, generator: np.random.Generator) -> Int64:
    """Return an ordering that sweeps over the variables in a random direction.

    Of an image it passes from one side to the other at some angle: what a variable depends on
    most stands shortly before and shortly after it, as in a natural order, and there are as many
    such orderings as directions.

    Args:
        coordinates: Of each variable, shape `(D, dimensions)`; those of NaN come last.
        generator: Source of the direction.

    Returns:
        Positions, shape `(D,)`.
    """
    along = coordinates @ generator.standard_normal(coordinates.shape[1])
    return along.argsort(kind="stable").argsort() + 1


def variables_in_order(positions: Int64) -> Int64:
    """Return the variable at each position: shape `(D,)`, 0-based variables."""
    return np.argsort(positions)


def in_tiers(positions: Int64, tiers: Int64) -> Int64:
    """Return the nearest ordering to `positions` in which lower tiers come first.

    Args:
        positions: An ordering, shape `(D,)`.
        tiers: Tier of each variable, shape `(D,)`; within one, the order is kept.

    Returns:
        Positions, shape `(D,)`.
    """
    return np.argsort(np.lexsort((positions, tiers))) + 1


def derived_first(positions: Int64, sources: Sequence[Sequence[int]]) -> Int64:
    """Return an ordering like `positions` in which no derived variable follows a column of its own.

    A derived variable and the first of the columns that it follows from change places, where the
    column comes first: whether a cell is null is to be decided before its value is looked at.

    Args:
        positions: An ordering of columns and derived variables, shape `(D,)`; those come last
            among the variables.
        sources: The columns that each derived variable follows from.

    Returns:
        Positions, shape `(D,)`.
    """
    result = positions.copy()
    first = len(positions) - len(sources)
    for variable, columns in enumerate(sources, first):
        earliest = min(columns, key=lambda column: result[column])
        if result[earliest] < result[variable]:
            result[[earliest, variable]] = result[[variable, earliest]]
    return result


def evidence_first(
    order: Int64,
    observed: Bool,
    last_observed: Int64 | None = None,
) -> Int64:
    """For every row, the nearest ordering in which its observed variables come first.

    Observed variables keep their order among themselves, and so do the others. The sum of the
    first `observed.sum()` conditionals is then the exact log-likelihood of the evidence, and
    the remaining ones are the distribution of the missing values given all of it.

    Args:
        order: The variable at each position, shape `(D,)`, or `(rows, D)`.
        observed: Which variables are evidence, shape `(rows, D)`.
        last_observed: For each row, an observed variable to put after all other evidence, so
            that its conditional is given everything else that is observed; shape `(rows,)`.

    Returns:
        The variable at each position, shape `(rows, D)`.

    Example:
        >>> evidence_first(np.arange(4), np.array([[False, True, False, True]]))
        array([[1, 3, 0, 2]])
    """
    order = np.broadcast_to(order, observed.shape)
    first = np.take_along_axis(observed, order, axis=1)
    if last_observed is not None:
        late = order == last_observed[:, None]
        first = first & ~late
    else:
        late = np.zeros((1, observed.shape[1]), dtype=bool)
    ahead = first.sum(axis=1, keepdims=True) + late.any(axis=1, keepdims=True)
    place = np.where(first, first.cumsum(axis=1), ahead + (~(first | late)).cumsum(axis=1)) - 1
    place = np.where(late, ahead - 1, place)
    orders = np.empty(observed.shape, dtype=np.int64)
    np.put_along_axis(orders, place, order, axis=1)
    return orders
