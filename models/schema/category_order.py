r"""Order of the categories of factorised columns: like ones become neighbours.

A category's profile is what the other columns hold, on average, in the rows that have it: the mean
of their input units, standardised and shrunk towards that of all rows by as many rows as
`SHRINKAGE`, so that a category of few rows is not a neighbour by chance. Its coordinates are
those of the profile along the first principal directions, categories weighted by their rows; so
looks correspondence analysis at them. Categories are halved again and again, across the direction
in which those of a part differ most, into groups of neighbours.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from madeira.models.arrays import Float64, Int64
from madeira.models.columns.base import Column
from madeira.models.columns.factorised import Factorised
from madeira.models.columns.layout import Layout

__all__ = ["COORDINATES", "coordinates_of", "neighbours", "with_category_order"]


SHRINKAGE = 10.0
COORDINATES = 8
_CUT = 4  # coordinates that make the groups

_MAX_UNITS = 256  # what describes a row: more input units are projected to as many
_CHUNK_ROWS = 16_384
_MIN_DEVIATION = 0.02  # of an input unit: rare values of other columns do not decide alone
_SWEEPS = 2
_NOTHING = 1e-6  # deviation of a coordinate that tells nothing apart


def with_category_order(columns: Sequence[Column], codes: Float64) -> list[Column]:
    """Return columns with the categories of factorised ones in order, and their coordinates.

    A dictionary that came ordered keeps its order.

    Args:
        columns: The D columns of a table.
        codes: Its rows encoded, (rows, D), NaN where missing.
    """
    columns, codes = list(columns), codes.copy()
    many = {d: column for d, column in enumerate(columns) if isinstance(column, Factorised)}
    if len(columns) > 1:
        for d in [*many] * (_SWEEPS if len(many) > 1 else 1):
            column, known = many[d], ~np.isnan(codes[:, d])
            others = np.flatnonzero(np.arange(len(columns)) != d)
            layout = Layout([columns[other] for other in others])
            own = codes[known, d].astype(np.int64)
            points = coordinates_of(own, len(column.counts), layout, codes[np.ix_(known, others)])
            order = np.arange(len(points))
            if not getattr(column.arrow_type, "ordered", False):
                order = neighbours(points, np.array(column.counts, np.float64), column.group_size)
            columns[d] = many[d] = column.with_category_order(order, points)
            codes[known, d] = np.argsort(order)[own]
    return columns


def coordinates_of(own: Int64, size: int, layout: Layout, others: Float64) -> Float64:
    """Return principal coordinates of the categories, of unit deviation, (size, COORDINATES).

    Args:
        own: Categories of rows, (rows,).
        size: Number of categories.
        layout: The other columns.
        others: The same rows of the other columns, encoded, (rows, D - 1).
    """
    sums, counts = torch.zeros(size, min(layout.inputs, _MAX_UNITS)), torch.zeros(size)
    sample = np.linspace(0, len(others) - 1, min(len(others), _CHUNK_ROWS)).astype(np.int64)
    units, seen = next(_units(layout, others[sample]))
    rows = seen.sum(0).clamp(min=1)
    mean = units.sum(0) / rows
    deviation = (((units - mean) * seen).square().sum(0) / rows).sqrt()
    scale = 1 / deviation.clamp(min=_MIN_DEVIATION)
    projection = _projection(layout.inputs)
    codes = torch.from_numpy(own)
    for start, (units, seen) in zip(
        range(0, len(own), _CHUNK_ROWS), _units(layout, others), strict=True
    ):
        part = codes[start : start + _CHUNK_ROWS]
        sums.index_add_(0, part, (units - mean) * seen * scale @ projection)
        counts += torch.bincount(part, minlength=size)
    means = (sums / (counts + SHRINKAGE)[:, None]).double()
    weighted = means * counts.double().sqrt()[:, None]
    _, directions = torch.linalg.eigh(weighted.T @ weighted)
    points: Float64 = (means @ directions.flip(1)[:, :COORDINATES]).numpy()
    deviations = points.std(0)
    return np.asarray(points[:, deviations > _NOTHING] / deviations[deviations > _NOTHING])


def _units(layout: Layout, values: Float64) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield input units of rows, some at a time, and which of them are known, (rows, I)."""
    for start in range(0, len(values), _CHUNK_ROWS):
        part = torch.as_tensor(values[start : start + _CHUNK_ROWS], dtype=layout.value_dtype)
        observed = ~part.isnan()
        units = layout.features(part, observed).float()
        yield units, observed[:, layout.variable_of_input].float()


def _projection(units: int) -> Tensor:
    """Return the identity, or a random projection of many units, (units, at most 256)."""
    if units <= _MAX_UNITS:
        return torch.eye(units)
    generator = torch.Generator().manual_seed(0)
    matrix: Tensor = torch.randn(units, _MAX_UNITS, generator=generator) / _MAX_UNITS**0.5
    return matrix


def neighbours(points: Float64, weights: Float64, group_size: int) -> Int64:
    """Return an order in which every `group_size` categories are a group of neighbours, (K,).

    Args:
        points: Where the categories stand, (K, R).
        weights: How much each counts where the direction of a cut is chosen, (K,).
        group_size: Categories in a group.
    """
    groups = -(-len(points) // group_size)
    if not points.shape[1]:
        return np.arange(len(points))
    parts = [(np.arange(len(points)), groups)]
    result: list[Int64] = []
    while parts:
        part, leaves = parts.pop()
        if leaves == 1:
            result.append(np.sort(part))
            continue
        own, heavy = points[part, :_CUT], weights[part, None] + 1e-9
        around = own - (own * heavy).sum(0) / heavy.sum()
        _, directions = np.linalg.eigh((around * heavy).T @ around)
        sorted_part = part[np.argsort(around @ directions[:, -1], kind="stable")]
        cut = leaves // 2 * group_size
        parts += [(sorted_part[cut:], leaves - leaves // 2), (sorted_part[:cut], leaves // 2)]
    return np.concatenate(result)
