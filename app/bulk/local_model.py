"""A model in this process, as the bulk commands ask it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from madeira.app.codecs.answer_tables import score_tables
from madeira.app.codecs.answers import Scores
from madeira.app.codecs.reasons import reasons_of
from madeira.app.jobs import ModelKey, SampleJob, ScoreJob
from madeira.app.workers.execute import execute
from madeira.models.arrays import Float64
from madeira.models.estimate_names import Estimate
from madeira.models.estimator import DensityEstimator
from madeira.models.inference.density import warm_up
from madeira.models.inference.impute import imputed_tables
from madeira.models.inference.noise import draw_noise, noise_generator
from madeira.models.tables.arrays import of_columns
from madeira.models.tables.filled import with_constants

__all__ = ["LocalModel"]


@dataclass(frozen=True)
class LocalModel:
    """A checkpoint.

    Attributes:
        key: Name and version.
        estimator: The model.
    """

    key: ModelKey
    estimator: DensityEstimator

    @classmethod
    def load(cls, path: Path, device: str) -> Self:
        """Load a model, and compile what it needs.

        Args:
            path: Directory of the checkpoint.
            device: Where it computes.

        Raises:
            CheckpointError: It is broken.
        """
        estimator = DensityEstimator.load(path, device)
        warm_up(estimator.density)
        return cls(ModelKey(path.absolute().parent.name, path.name), estimator)

    @cached_property
    def columns(self) -> Sequence[Mapping[str, Any]]:
        """The columns of the model, as `Schema.describe` gives them."""
        return self.estimator.schema.describe()

    @property
    def excluded(self) -> Sequence[str]:
        """Names of the columns that the model excludes."""
        return [column.name for column in self.estimator.schema.left_out]

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells it from any other."""
        trained = self.estimator.metrics.get("trained_at")
        return {"name": self.key.name, "version": self.key.version, "trained_at": trained}

    def unseen(self, table: pa.Table) -> Mapping[str, int]:
        """Count the cells whose category training has not seen, by column.

        Args:
            table: Columns of the model, whose cells fit.
        """
        schema = self.estimator.schema
        if schema.unknown_codes is None:
            return {}
        counts = np.count_nonzero(schema.encode(table) == schema.unknown_codes, axis=0)
        return {name: int(count) for name, count in zip(schema.names, counts, strict=True) if count}

    def score(self, table: pa.Table, contamination: float, *, reasons: bool) -> pa.Table:
        """Score rows.

        Args:
            table: Columns of the model.
            contamination: Share of real rows that count as anomalies.
            reasons: Whether the reasons of anomalies are wanted.

        Returns:
            The columns of an answer of `/score`.

        Raises:
            TableError: Cells do not fit the model.
        """
        schema = self.estimator.schema
        values = schema.encode(table)
        wanted = 1 - contamination if reasons else None
        job = ScoreJob(self.key, values, contributions=False, reasons=wanted)
        result = execute(job, self.estimator.density)
        scores = Scores(
            model=self.key,
            schema=schema,
            warnings=(),
            seed=None,
            log_likelihood=result.log_likelihood,
            anomaly_score=result.anomaly_score,
            is_anomaly=result.anomaly_score > 1 - contamination,
            contributions=None,
            reasons=None
            if result.reasons is None
            else reasons_of(schema, values, result.reasons, ()),
        )
        return pa.concat_tables(score_tables(scores))

    def impute(
        self,
        table: pa.Table,
        start: int,
        *,
        draws: int,
        seed: int,
        estimate: Estimate,
        within_range: bool,
    ) -> Sequence[pa.Table]:
        """Fill the gaps of rows.

        Args:
            table: Columns of the model.
            start: Place of the first row among all: a row has the same noise in any block.
            draws: How many filled tables.
            seed: Of the noise of all rows.
            estimate: What fills a gap.
            within_range: Whether numbers are drawn between the ends seen in training.

        Returns:
            The columns of the model, without gaps, one table a draw.

        Raises:
            TableError: Cells do not fit the model.
        """
        density, schema = self.estimator.density, self.estimator.schema
        values = schema.encode(table)
        generator = _generator(seed, start * draws * density.noise_width)
        filled = imputed_tables(density, values, generator, draws, estimate, within_range)
        return [schema.decode(one) for one in filled]

    def sample(
        self,
        start: int,
        rows: int,
        *,
        given: Mapping[str, Any],
        seed: int,
        temperature: float,
        within_range: bool,
        nulls: bool | None,
    ) -> pa.Table:
        """Draw rows.

        Args:
            start: Place of the first row among all.
            rows: How many.
            given: Values that every row has.
            seed: Of the noise of all rows.
            temperature: Above 1 for rarer values, below 1 for more typical ones.
            within_range: Whether numbers are drawn between the ends seen in training.
            nulls: Whether cells are missing as in the training rows; by default where nothing is
                given.

        Raises:
            TableError: A given value does not fit its column.
        """
        schema, density = self.estimator.schema, self.estimator.density
        fixed = of_columns({name: [value] for name, value in given.items()})
        values: Float64 = np.full((rows, density.variables), np.nan)
        if given:
            values[:] = schema.encode(fixed)
        joint = density.joint if nulls or (nulls is None and not given) else None
        width = (joint or density).noise_width
        noise = draw_noise(rows, width, _generator(seed, start * width))
        options = temperature, False, within_range, joint is not None
        job = SampleJob(self.key, values, noise, *options)
        drawn = schema.decode(execute(job, density).values)
        return with_constants(drawn, fixed)


def _generator(seed: int, skipped: int) -> np.random.Generator:
    """Return the generator of the noise, so many numbers after its start."""
    generator = noise_generator(seed)
    bits = generator.bit_generator
    assert isinstance(bits, np.random.PCG64)  # noqa: S101 - it can skip numbers
    bits.advance(skipped)
    return generator
