"""Scores of rows and cells: Madeira's, those of trees a column, and of PyOD's detectors.

PyOD's detectors get categories one-hot, a new one as none of them, and medians of the training rows
for what is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from benchmarks.anomaly.detectors import Peers
from benchmarks.conditionals.questions import outcomes
from benchmarks.conditionals.trees import Trees
from benchmarks.held_out import Trial
from madeira.models.arrays import Float64

__all__ = ["OURS", "PYOD", "TREES", "Scores", "madeira_scores", "peer_scores", "tree_scores"]

OURS, TREES = "madeira", "boosted trees a column"
PYOD = ("isolation forest", "k-NN", "ECOD", "COPOD")


@dataclass(frozen=True)
class Scores:
    """What a detector says of rows, higher where more anomalous.

    Attributes:
        rows: Shape `(rows,)`.
        cells: Shape `(rows, variables)`, -inf where missing; None where it names no cells.
    """

    rows: Float64
    cells: Float64 | None = None


def madeira_scores(trial: Trial, table: pa.Table) -> Scores:
    """Anomaly scores of rows and cells."""
    cells = trial.estimator.cell_anomaly(table)
    rows = trial.estimator.anomaly_score(table)
    return Scores(rows, np.where(np.isnan(cells), -np.inf, cells))


def tree_scores(trial: Trial, tables: Sequence[pa.Table], seed: int) -> list[Scores]:
    """Surprise of each cell under trees that know the rest; of a row that of its worst cell.

    Args:
        trial: Training rows and columns; its model is not used.
        tables: Rows to be scored, several tables of them.
        seed: Seed of the trees.
    """
    schema = trial.estimator.schema
    rows = np.concatenate([schema.encode(table) for table in tables])
    cells = np.full(rows.shape, -np.inf)
    for variable in range(rows.shape[1]):
        known = ~np.isnan(rows[:, variable])
        trees = Trees(schema.columns, trial.train, variable, seed, shrunk=True)
        cells[known, variable] = trees.surprise(rows[known])
    ends = np.cumsum([table.num_rows for table in tables])[:-1]
    return [Scores(part.max(axis=1), part) for part in np.split(cells, ends)]


def peer_scores(
    trial: Trial, clean: pa.Table, planted: Sequence[pa.Table], seed: int, peers: Peers
) -> dict[str, list[Scores]]:
    """Scores of PyOD's detectors, of the clean rows and then of each planted table, by name.

    Args:
        trial: Training rows and columns.
        clean: Rows without errors.
        planted: Rows with errors; no table is scored in view of another.
        seed: Seed of the detectors.
        peers: The process that they run in.
    """
    schema = trial.estimator.schema
    encoded = [schema.encode(table) for table in (clean, *planted)]
    groups = np.repeat(np.arange(-1, len(planted)), [len(each) for each in encoded])
    medians = np.nanmedian(trial.train, axis=0)
    train, test = (
        _units(trial, np.where(np.isnan(rows), medians, rows))
        for rows in (trial.train, np.concatenate(encoded))
    )
    ends = np.cumsum([len(each) for each in encoded])[:-1]
    found = peers.scores(train, test, seed, PYOD, groups.astype(np.int64))
    return {
        name: [Scores(part) for part in np.split(scores, ends)]
        for name, (scores, _) in found.items()
    }


def _units(trial: Trial, rows: Float64) -> Float64:
    """Numbers as they are and categories one-hot: `(rows, units)`."""
    parts = []
    for variable, column in enumerate(trial.estimator.schema.columns):
        codes = rows[:, variable, None]
        parts.append(codes == np.arange(outcomes(column)) if column.discrete else codes)
    return np.hstack(parts).astype(np.float64)
