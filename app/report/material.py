"""What every section of a report is made of: the model, held-out rows, synthetic rows, scores."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from madeira.app.report.svg import Floats
from madeira.models import DensityEstimator
from madeira.models.columns.schema import Schema
from madeira.models.inference.comparable import comparable_scores
from madeira.models.inference.density import Density
from madeira.models.inference.noise import noise_generator

__all__ = ["FEWEST_SYNTHETIC", "Material", "gather"]

Integers = npt.NDArray[np.int64]

FEWEST_SYNTHETIC = 1_000
PATTERNS = 100


@dataclass(frozen=True)
class Material:
    """What a report is made of.

    Attributes:
        schema: The columns of the model.
        density: The model.
        metrics: What its training left.
        rows: 0-based places of the held-out rows in their file, (n,).
        given: The held-out rows as the file has them, columns of the schema.
        values: The same rows encoded, (n, D), NaN where missing.
        real: The same rows decoded: types and resolution of the schema.
        synthetic: Rows drawn from the model.
        train: Training rows, decoded likewise, if they were given.
        log_likelihood: Of what is observed of each held-out row, nats, (n,).
        comparable: The same made comparable across gaps (`comparable_scores`), for those rows
            in `judged`.
        judged: Places in `rows` of the rows that `comparable` is of.
        reference: Log-likelihoods of the model's own rows, sorted, nats.
        generator: Source of whatever else is drawn.
    """

    schema: Schema
    density: Density
    metrics: dict[str, Any]
    rows: Integers
    given: pa.Table
    values: Floats
    real: pa.Table
    synthetic: pa.Table
    train: pa.Table | None
    log_likelihood: Floats
    comparable: Floats
    judged: Integers
    reference: Floats
    generator: np.random.Generator

    @property
    def codes(self) -> list[str]:
        """Columns that are a choice among a few, whatever their type."""
        return [column.name for column in self.schema.columns if column.discrete]


def gather(
    estimator: DensityEstimator,
    held_out: pa.Table,
    train: pa.Table | None,
    *,
    limit_rows: int,
    seed: int,
) -> Material:
    """Scores held-out rows, draws synthetic ones, and cuts both to a limit.

    Args:
        estimator: The model.
        held_out: Rows that it has not seen; needs the columns of the schema.
        train: Rows that it was trained on, if they are at hand.
        limit_rows: Most held-out rows to look at; which, the seed decides.
        seed: Seed of everything drawn.

    Raises:
        TableError: Cells do not fit the schema.
    """
    schema, density = estimator.schema, estimator.density
    generator = noise_generator(seed)
    rows = _some(held_out.num_rows, limit_rows, generator)
    given = held_out.select(list(schema.names)).take(rows)
    values = schema.encode(given)
    synthetic = estimator.sample(max(len(values), FEWEST_SYNTHETIC), seed=seed)
    learned = None
    if train is not None:
        kept = train.select(list(schema.names)).take(_some(train.num_rows, limit_rows, generator))
        learned = schema.decode(schema.encode(kept))
    judged = _rows_of_few_patterns(values)
    own = density.reference.values if density.reference is not None else schema.encode(synthetic)
    return Material(
        schema=schema,
        density=density,
        metrics=estimator.metrics,
        rows=rows,
        given=given,
        values=values,
        real=schema.decode(values),
        synthetic=synthetic,
        train=learned,
        log_likelihood=density.score(values),
        comparable=comparable_scores(density, values[judged]),
        judged=judged,
        reference=np.sort(density.score(own)),
        generator=generator,
    )


def _some(count: int, limit: int, generator: np.random.Generator) -> Integers:
    if count <= limit:
        return np.arange(count)
    return np.sort(generator.choice(count, limit, replace=False))


def _rows_of_few_patterns(values: Floats) -> Integers:
    """Rows of the most frequent patterns of gaps: each pattern costs scoring a reference."""
    packed = np.packbits(np.isnan(values), axis=1)
    _, pattern, counts = np.unique(packed, axis=0, return_inverse=True, return_counts=True)
    frequent = np.argsort(-counts, kind="stable")[:PATTERNS]
    return np.flatnonzero(np.isin(pattern.ravel(), frequent))
