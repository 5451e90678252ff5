"""Distance to the closest record: whether synthetic rows copy the rows that were learned.

A model that has learned the distribution, and no row by heart, draws rows that lie as near to
held-out rows as to training rows: the share that lies nearer to the training rows is 0.5 where
there are equally many of both. The distance of two rows is the sum over columns of |difference| /
range for numbers, those beyond the range taken for its end, and of 1 for categories that differ; a
missing value differs from every value and equals another missing one (Gower 1971, with missing as
a value).
"""

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa

from madeira.models.arrays import Float32, Float64
from madeira.models.evaluation.aligned_columns import MISSING, AlignedColumn, aligned_columns

__all__ = ["closest_distances", "closest_record_share"]


ROWS_COMPARED = 10_000
_BLOCK_CELLS = 1 << 19  # distances computed at once: they stay in the cache
_FAR_OFF = 2.0  # where missing numbers stand: at least 1 from all that are scaled to [0, 1]


def closest_record_share(
    synthetic: pa.Table,
    train: pa.Table,
    holdout: pa.Table,
    categories: Collection[str] = (),
    *,
    limit_rows: int = ROWS_COMPARED,
    seed: int = 0,
) -> float:
    """Share of synthetic rows that lie nearer to training rows than to held-out rows.

    As many training rows as held-out ones are compared, drawn by the seed, so that 0.5 is what a
    model without a memory of rows gives. A row as near to the one as to the other counts half.

    Args:
        synthetic: Rows drawn from the model; its columns are those compared.
        train: Rows that it was trained on.
        holdout: Rows that it has not seen, of the same origin.
        categories: Names of number columns that are categories.
        limit_rows: Most rows of each table; those beyond are left out by the seed.
        seed: Seed of what is left out.

    Returns:
        In [0, 1]; NaN where one of the tables has no rows.

    Raises:
        TableError: A table lacks a column, or has another sort of values in it.
    """
    generator = np.random.default_rng(seed)
    rows = min(train.num_rows, holdout.num_rows, limit_rows)
    if not rows or not synthetic.num_rows:
        return float("nan")
    drawn = _some(synthetic, limit_rows, generator)
    references = [_some(train, rows, generator), _some(holdout, rows, generator)]
    to_train, to_holdout = closest_distances(drawn, references, categories)
    nearer = (to_train < to_holdout).mean() + 0.5 * (to_train == to_holdout).mean()
    return float(nearer)


def closest_distances(
    rows: pa.Table, references: Sequence[pa.Table], categories: Collection[str] = ()
) -> list[Float64]:
    """Distance of each row to the closest row of each of some tables.

    Args:
        rows: Rows; their columns are those compared.
        references: Tables to look for the closest rows in. Ranges of numbers are theirs.
        categories: Names of number columns that are categories.

    Returns:
        For each reference an array `(rows,)`; infinite where it has no rows.

    Raises:
        TableError: A table lacks a column, or has another sort of values in it.
    """
    columns = [_scaled(column) for column in aligned_columns([rows, *references], categories)]
    return [_closest(columns, table) for table in range(1, 1 + len(references))]


def _some(table: pa.Table, rows: int, generator: np.random.Generator) -> pa.Table:
    if table.num_rows <= rows:
        return table
    return table.take(np.sort(generator.choice(table.num_rows, rows, replace=False)))


def _scaled(column: AlignedColumn) -> list[Float32]:
    """Values of every table such that the distance of two is min(|difference|, 1)."""
    tables = [column.floats(table) for table in range(len(column.values))]
    if not column.number:
        return [np.where(np.isnan(values), MISSING, values).astype(np.float32) for values in tables]
    known = np.concatenate([values[~np.isnan(values)] for values in tables[1:]])
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    scaled = [np.clip((values - low) / (high - low or 1.0), 0, 1) for values in tables]
    return [np.where(np.isnan(values), _FAR_OFF, values).astype(np.float32) for values in scaled]


def _closest(columns: Sequence[Sequence[Float32]], table: int) -> Float64:
    """Least distance of each row of table 0 to the rows of another, `(rows,)`."""
    rows, others = len(columns[0][0]), len(columns[0][table])
    result = np.full(rows, np.inf)
    if not others:
        return result
    block = max(1, _BLOCK_CELLS // others)
    for start in range(0, rows, block):
        end = min(start + block, rows)
        total = np.zeros((end - start, others), dtype=np.float32)
        apart = np.empty_like(total)
        for column in columns:
            np.subtract(column[0][start:end, None], column[table][None, :], out=apart)
            np.abs(apart, out=apart)
            total += np.minimum(apart, 1, out=apart)
        result[start:end] = total.min(axis=1)
    return result
