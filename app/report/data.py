"""The data of a report: the model, held-out rows, synthetic rows, scores."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from madeira.models import DensityEstimator
from madeira.models.arrays import Float64, Int64
from madeira.models.inference.density import Density
from madeira.models.inference.noise import noise_generator
from madeira.models.schema.schema import Schema

__all__ = ["ReportData", "collect"]


_MIN_SYNTHETIC_ROWS = 1_000


@dataclass(frozen=True)
class ReportData:
    """The data of a report.

    Attributes:
        schema: The columns of the model.
        density: The model.
        metrics: Metrics of its training.
        rows: 0-based row numbers of the held-out rows in their file, (n,).
        given: The held-out rows as in the file, columns of the schema.
        values: The same rows encoded, (n, D), NaN where missing.
        real: The same rows decoded: types and resolution of the schema.
        synthetic: Rows drawn from the model.
        train: Training rows, decoded likewise, if they were given.
        log_likelihood: Log-likelihood of the observed cells of each held-out row, nats, (n,).
        log_tail: Logarithm of the share of real rows that are at least as surprising as each,
            (n,).
        own_log_likelihood: Log-likelihoods of as many rows of the model, with the same cells
            missing, nats, (n,).
        generator: Random generator of the sections.
    """

    schema: Schema
    density: Density
    metrics: dict[str, Any]
    rows: Int64
    given: pa.Table
    values: Float64
    real: pa.Table
    synthetic: pa.Table
    train: pa.Table | None
    log_likelihood: Float64
    log_tail: Float64
    own_log_likelihood: Float64
    generator: np.random.Generator

    @property
    def codes(self) -> list[str]:
        """Names of the discrete columns."""
        return [column.name for column in self.schema.columns if column.discrete]


def collect(
    estimator: DensityEstimator,
    held_out: pa.Table,
    train: pa.Table | None,
    *,
    limit_rows: int,
    seed: int,
) -> ReportData:
    """Score held-out rows and draw synthetic ones.

    Args:
        estimator: The model.
        held_out: Rows that it was not trained on; needs the columns of the schema.
        train: Rows that it was trained on, if there are any.
        limit_rows: Maximum of held-out rows, and of training rows; the seed selects them.
        seed: Seed of all random numbers.

    Raises:
        TableError: Cells do not fit the schema.
    """
    schema, density = estimator.schema, estimator.density
    generator = noise_generator(seed)
    rows = _some(held_out.num_rows, limit_rows, generator)
    given = held_out.select(list(schema.names)).take(rows)
    values = schema.encode(given)
    synthetic = estimator.sample(max(len(values), _MIN_SYNTHETIC_ROWS), seed=seed)
    learned = None
    if train is not None:
        kept = train.select(list(schema.names)).take(_some(train.num_rows, limit_rows, generator))
        learned = schema.decode(schema.encode(kept))
    own = np.where(np.isnan(values), np.nan, schema.encode(synthetic)[: len(values)])
    log_likelihood, log_tail = density.log_tails(values)
    return ReportData(
        schema=schema,
        density=density,
        metrics=estimator.metrics,
        rows=rows,
        given=given,
        values=values,
        real=schema.decode(values),
        synthetic=synthetic,
        train=learned,
        log_likelihood=log_likelihood,
        log_tail=log_tail,
        own_log_likelihood=density.score(own),
        generator=generator,
    )


def _some(count: int, limit: int, generator: np.random.Generator) -> Int64:
    if count <= limit:
        return np.arange(count)
    return np.sort(generator.choice(count, limit, replace=False))
