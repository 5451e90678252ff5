"""Column Pair Trends: how alike the relation of each pair of columns is, 1 for equal.

Two columns of numbers: 1 - |r_real - r_synthetic| / 2 with Pearson's r over the rows that have
both values. Any other pair: 1 - sum_ab |P_real(a, b) - P_synthetic(a, b)| / 2, numbers cut into
ten cells of equal width between the least and the greatest value of their own table, its greatest
value in a cell by itself. These are the definitions and the defaults of the property of this name
in SDMetrics (Synthetic Data Metrics, DataCebo), own edges included, so that figures compare with
published ones. All pairs count, as with the thresholds of SDMetrics for weak pairs at 0. One thing
differs: a missing number is in a cell of its own, where SDMetrics puts it together with the
greatest value.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa

from madeira.models.arrays import Float64, Int64
from madeira.models.evaluation.aligned_columns import MISSING, AlignedColumn, aligned_columns

__all__ = ["CELLS", "Associations", "associations", "column_pair_trends"]


CELLS = 10
_MIN_VARIANCE = 1e-12  # of standardised values: a pair of which one is constant


@dataclass(frozen=True)
class Associations:
    """How strongly each pair of columns of one table hangs together.

    Attributes:
        names: The columns, (D,).
        values: Pearson's r in [-1, 1] for two numbers, Cramer's V in [0, 1] for other pairs, NaN
            where a constant leaves nothing to say and on the diagonal; shape `(D, D)`.
    """

    names: tuple[str, ...]
    values: Float64


def column_pair_trends(
    real: pa.Table,
    synthetic: pa.Table,
    categories: Collection[str] = (),
    *,
    by_deciles: bool = False,
) -> dict[tuple[str, str], float]:
    """Likeness of the relation of each pair of columns.

    Args:
        real: Real rows.
        synthetic: Synthetic rows; columns that `real` lacks are ignored.
        categories: Names of number columns that are categories.
        by_deciles: Whether numbers are cut at the deciles of the real ones, in place of cells that
            one extreme value moves, and rows that miss one of the two values are left out of every
            pair. Not comparable with published figures.

    Returns:
        In [0, 1], by pair, columns in the order of `real`; NaN where a correlation is not
        defined, as of constants. The average over pairs leaves NaN out.

    Raises:
        TableError: `synthetic` lacks a column, or has another sort of values in it.
    """
    columns = aligned_columns([real, synthetic], categories)
    correlations = [_correlations(columns, table) for table in (0, 1)]
    gaps = 1 - np.abs(correlations[0] - correlations[1]) / 2
    cut = _decile if by_deciles else _cells
    cells = [[cut(column, table) for column in columns] for table in (0, 1)]
    scores = {}
    for i, j in combinations(range(len(columns)), 2):
        if columns[i].number and columns[j].number:
            score = float(gaps[i, j])
        else:
            tables = [(cells[table][i], cells[table][j]) for table in (0, 1)]
            if by_deciles:
                tables = [_known(a, b) for a, b in tables]
            score = _contingency(*tables[0], *tables[1])
        scores[columns[i].name, columns[j].name] = score
    return scores


def associations(
    table: pa.Table, categories: Collection[str] = (), *, like: pa.Table | None = None
) -> Associations:
    """How strongly each pair of columns of one table hangs together.

    Rows that miss one of the two values are left out.

    Args:
        table: Any rows.
        categories: Names of number columns that are categories.
        like: The table at whose deciles numbers are cut for Cramer's V (with the correction of
            bias by Bergsma, 2013); by default the table itself.

    Raises:
        TableError: `like` lacks a column, or has another sort of values in it.
    """
    columns = aligned_columns([table if like is None else like, table], categories)
    values = _correlations(columns, 1)
    cells = [_decile(column, 1) for column in columns]
    for i, j in combinations(range(len(columns)), 2):
        if not (columns[i].number and columns[j].number):
            values[i, j] = values[j, i] = _cramer(*_known(cells[i], cells[j]))
    np.fill_diagonal(values, np.nan)
    return Associations(tuple(column.name for column in columns), values)


def _correlations(columns: Sequence[AlignedColumn], table: int) -> Float64:
    """Pearson's r of all pairs of numbers, over the rows that have both: `(D, D)`."""
    result = np.full((len(columns), len(columns)), np.nan)
    places = [place for place, column in enumerate(columns) if column.number]
    if not places or not len(columns[0].values[table]):
        return result
    numbers = np.column_stack([columns[place].floats(table) for place in places])
    known = ~np.isnan(numbers)
    count = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, numbers, 0) - np.where(known, numbers, 0).sum(axis=0) / count
    centred = np.where(known, centred, 0)
    spread = np.sqrt((centred**2).sum(axis=0) / count)
    scaled = centred / np.where(spread > 0, spread, 1)
    weight = known.astype(np.float64)
    both = np.maximum(weight.T @ weight, 1)
    first = scaled.T @ weight / both
    square = (scaled**2).T @ weight / both
    covariance = scaled.T @ scaled / both - first * first.T
    variance = square - first**2
    product = variance * variance.T
    defined = (variance > _MIN_VARIANCE) & (variance.T > _MIN_VARIANCE)
    r = np.where(defined, covariance / np.sqrt(np.where(defined, product, 1)), np.nan)
    result[np.ix_(places, places)] = np.clip(r, -1, 1)
    return result


def _cells(column: AlignedColumn, table: int) -> Int64:
    """Which cell each row is in, from 0; `(rows,)`."""
    if not column.number:
        return column.codes(table) - MISSING
    values = column.floats(table)
    known = values[~np.isnan(values)]
    if not known.size:
        return np.zeros(len(values), dtype=np.int64)
    cells = np.digitize(values, np.histogram_bin_edges(known, bins=CELLS))
    return np.where(np.isnan(values), 0, cells).astype(np.int64)


def _decile(column: AlignedColumn, table: int) -> Int64:
    """Which tenth of the values of table 0 each row is in, from 1, or category; 0 for missing."""
    if not column.number:
        return column.codes(table) - MISSING
    first, values = column.floats(0), column.floats(table)
    known = first[~np.isnan(first)]
    if not known.size:
        return (~np.isnan(values)).astype(np.int64)
    edges = np.unique(np.quantile(known, np.arange(1, CELLS) / CELLS))
    return np.where(np.isnan(values), 0, np.digitize(values, edges) + 1).astype(np.int64)


def _known(a: Int64, b: Int64) -> tuple[Int64, Int64]:
    """Rows of two columns of cells that miss neither value: cell 0 is what is missing."""
    both = (a > 0) & (b > 0)
    return a[both], b[both]


def _contingency(a: Int64, b: Int64, synthetic_a: Int64, synthetic_b: Int64) -> float:
    """1 minus the total variation distance of two contingency tables."""
    if not a.size or not synthetic_a.size:
        return float("nan")
    width = 1 + max(int(b.max()), int(synthetic_b.max()))
    joint = np.concatenate([a * width + b, synthetic_a * width + synthetic_b])
    places, which = np.unique(joint, return_inverse=True)
    real = np.bincount(which[: a.size], minlength=places.size) / a.size
    synthetic = np.bincount(which[a.size :], minlength=places.size) / synthetic_a.size
    return 1 - float(np.abs(real - synthetic).sum()) / 2


def _cramer(a: Int64, b: Int64) -> float:
    """Cramer's V, corrected for bias; NaN where a column has one value."""
    rows = a.size
    if rows < 2:
        return float("nan")
    firsts, a = np.unique(a, return_inverse=True)
    seconds, b = np.unique(b, return_inverse=True)
    r, c = firsts.size, seconds.size
    if min(r, c) < 2:
        return float("nan")
    joint, counts = np.unique(a * c + b, return_counts=True)
    expected = np.bincount(a)[joint // c] * np.bincount(b)[joint % c] / rows
    # Cells without rows add their expectation; all expectations together add up to the rows.
    chi_square = float((counts**2 / expected).sum()) - rows
    excess = max(0.0, chi_square / rows - (r - 1) * (c - 1) / (rows - 1))
    rows_left = r - (r - 1) ** 2 / (rows - 1)
    columns_left = c - (c - 1) ** 2 / (rows - 1)
    least = min(rows_left, columns_left) - 1
    return min(1.0, float(np.sqrt(excess / least))) if least > 0 else float("nan")
