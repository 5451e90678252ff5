"""Mixed tables split 70 to 30, and models of the training rows, trained as users train them."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa

from benchmarks.data import read_mixed
from madeira.models import DensityEstimator, Schema
from madeira.models.arrays import Bool, Float64
from madeira.models.errors import TableError
from madeira.models.training.presets import Preset

__all__ = ["MAX_TRAIN", "Split", "Trial", "split_mixed", "train"]

KEPT = Path(".bench/held-out")
SOURCES = Path(__file__).parents[1] / "models"
TRAIN_SHARE = 0.7
MAX_HELD_OUT = 2_000
MAX_TRAIN = 5_000
"""Training rows that the benchmarks take if nothing else is said: trees a column take long."""


@dataclass(frozen=True)
class Split:
    """Rows of a table to train on, and rows that training never sees.

    Attributes:
        name: Name of the table.
        train: Training rows.
        held: Held-out rows, at most 2,000.
    """

    name: str
    train: pa.Table
    held: pa.Table


def split_mixed(name: str, rows: int | None = None, seed: int = 0) -> Split:
    """Split a mixed table 70 to 30 at random.

    Args:
        name: One of `mixed_tables`.
        rows: Training rows at most; the held-out rows are the same for every number of them.
        seed: Seed of the split.
    """
    table = read_mixed(name, seed=seed)
    border = round(TRAIN_SHARE * table.num_rows)
    return Split(name, table.slice(0, border)[:rows], table.slice(border, MAX_HELD_OUT))


@dataclass(frozen=True)
class Trial:
    """A trained model with its training rows and rows that it has not seen.

    Attributes:
        name: Name of the table.
        estimator: The model.
        train: Encoded training rows, NaN where missing, shape `(rows, variables)`.
        held: Encoded held-out rows.
        held_table: The same rows as a table.
    """

    name: str
    estimator: DensityEstimator
    train: Float64
    held: Float64
    held_table: pa.Table

    @classmethod
    def of(cls, split: Split, estimator: DensityEstimator) -> Self:
        """Encode the rows of a split by the schema of its model.

        Held-out rows with a value that the schema refuses (a third value of a column of two) are
        left out.
        """
        schema = estimator.schema
        held = split.held
        while (refused := _refused(schema, held)).any():
            held = held.filter(pa.array(~refused))
        return cls(split.name, estimator, schema.encode(split.train), schema.encode(held), held)

    def first(self, rows: int) -> Self:
        """Return the same with so many held-out rows at most."""
        return replace(self, held=self.held[:rows], held_table=self.held_table[:rows])


def train(split: Split, preset: Preset, seed: int = 0, device: str = "cpu") -> DensityEstimator:
    """Return a model of the training rows; one that this very code has trained is kept.

    Args:
        split: The rows.
        preset: Settings of training.
        seed: Seed of training.
        device: Where to train.
    """
    label = f"{split.name}-{split.train.num_rows}-{preset}-{seed}-{_digest()}"
    if not (KEPT / label).exists():
        estimator = DensityEstimator(preset, seed=seed, device=device).fit(split.train)
        estimator.save(KEPT / label)
    return DensityEstimator.load(KEPT / label, device)


def _refused(schema: Schema, table: pa.Table) -> Bool:
    """Which rows the schema names when it refuses a table: `(rows,)`.

    Raises:
        TableError: It refuses the table and names no row.
    """
    refused = np.zeros(table.num_rows, dtype=bool)
    try:
        schema.encode(table)
    except TableError as error:
        refused[[cell.row for cell in error.cells if cell.row is not None]] = True
        if not refused.any():
            raise
    return refused


def _digest() -> str:
    """Return a digest of all code that training and inference consist of."""
    digest = hashlib.sha256()
    for path in sorted(SOURCES.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
