"""`DensityEstimator`: the exact density of a table, from fitting to serving."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from models.card import model_card
from models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from models.columns.overrides import Overrides
from models.columns.schema import Schema
from models.errors import ConfigError, ModelsError, TrainingError
from models.inference.density import Density
from models.inference.impute import Estimate, filled_tables
from models.inference.noise import draw_noise, noise_generator
from models.tables.filled import fill_nulls, with_constants
from models.training.config import FitConfig
from models.training.loop import Progress
from models.training.metrics import training_metrics
from models.training.presets import Preset, preset
from models.training.robust import fit_robust

__all__ = ["DensityEstimator"]

Floats = npt.NDArray[np.float64]

_Part = TypeVar("_Part", Schema, Density)

STREAM_CHUNK_ROWS = 10_000


class DensityEstimator:
    """An exact density of a table: its columns, and a mixture of masked autoencoders.

    Args:
        preset: Named settings: `fast`, `balanced` or `best`. Not to be given with `config`.
        config: Settings of every part.
        seed: Seed of training; on a CPU the same seed and table give the same density.
        device: Where to train and answer, such as `cpu` or `cuda`.

    Attributes:
        metrics: Where, on what and how well the density was trained; JSON values.
    """

    def __init__(
        self,
        preset: Preset | None = None,
        *,
        config: FitConfig | None = None,
        seed: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        if preset is not None and config is not None:
            raise ConfigError("give a preset or a config, not both")
        self._preset: Preset | None = None if config is not None else preset or "balanced"
        self._config = config
        self._seed = seed
        self._device = torch.device(device)
        self._schema: Schema | None = None
        self._density: Density | None = None
        self._card = ""
        self.metrics: dict[str, Any] = {}

    @property
    def schema(self) -> Schema:
        """The columns; raises `ModelsError` before `fit`."""
        return _fitted(self._schema)

    @property
    def density(self) -> Density:
        """The density of encoded rows; raises `ModelsError` before `fit`."""
        return _fitted(self._density)

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return self._card or model_card(self.schema, self.metrics)

    def describe(self, name: str, description: str = "") -> Self:
        """Puts a name and a description into the model card."""
        self._card = model_card(self.schema, self.metrics, name, description)
        return self

    def fit(
        self,
        table: pa.Table,
        schema: Schema | Overrides | None = None,
        *,
        validation: pa.Table | None = None,
        on_epoch: Callable[[Progress], None] = lambda _: None,
    ) -> Self:
        """Train on a table. Nulls are missing values; rows that have some are used, not dropped.

        Args:
            table: Training rows.
            schema: The columns, or overrides of what is inferred from the table.
            validation: Rows for early stopping and mixture weights; by default some of `table`
                are held out.
            on_epoch: Called at the end of every epoch. A KeyboardInterrupt, from it or from
                Ctrl-C, ends training and keeps the best so far.

        Returns:
            The estimator itself.

        Raises:
            SchemaError: No schema can be inferred, or an override cannot be met.
            TableError: Cells do not fit the schema.
            TrainingError: The table cannot be trained on.
        """
        if not isinstance(schema, Schema):
            schema = Schema.infer(table, schema)
        if not schema.columns:
            reasons = "; ".join(f"{left.name}: {left.reason}" for left in schema.left_out)
            raise TrainingError(f"every column is left out, nothing is left to model: {reasons}")
        start = time.monotonic()
        config = self._config or preset(self._preset or "balanced")
        robust = fit_robust(
            schema.encode(table),
            schema.columns,
            config,
            valid=None if validation is None else schema.encode(validation),
            seed=self._seed,
            device=self._device,
            on_epoch=on_epoch,
        )
        self._schema, self._card = Schema(robust.columns, schema.left_out), ""
        self._density = robust.fitted.density
        self.metrics = training_metrics(robust.fitted, time.monotonic() - start) | robust.metrics
        self.metrics |= {"preset": self._preset, "seed": self._seed, "device": str(self._device)}
        return self

    def log_prob(self, table: pa.Table) -> Floats:
        """Log-likelihood of what is observed of each row.

        Returns:
            Nats, shape `(rows,)`; densities are in the columns' own units.

        Raises:
            TableError: Cells do not fit the schema.
        """
        return self.density.score(self.schema.encode(table))

    def anomaly_score(self, table: pa.Table) -> Floats:
        """How rare each row is among rows of the model, on what it has observed.

        Returns:
            1 minus the share of rows of the model that are less likely, shape `(rows,)`.
        """
        values = self.schema.encode(table)
        return self.density.anomaly_score(values, self.density.score(values))

    def contributions(self, table: pa.Table) -> Floats:
        """Surprise -log p(x_d | all other observed) of each cell.

        Returns:
            Nats, shape `(rows, columns of the schema)`, NaN where missing.
        """
        return self.density.contributions(self.schema.encode(table))

    def sample(
        self,
        n: int,
        given: Mapping[str, Any] | None = None,
        seed: int | None = None,
        temperature: float = 1.0,
        within_range: bool = False,
    ) -> pa.Table:
        """Synthetic rows.

        Args:
            n: Number of rows.
            given: Values that every row is to have; the rest is drawn given them, exactly.
            seed: Seed of the draw.
            temperature: Above 1 draws rarer values, below 1 more typical ones.
            within_range: Draw numbers and instants between the ends seen in training.

        Raises:
            ConfigError: `n` is negative, or `temperature` not positive.
            TableError: A given value does not fit its column.
        """
        return next(self.stream(n, given, seed, temperature, max(n, 1), within_range))

    def stream(
        self,
        n: int,
        given: Mapping[str, Any] | None = None,
        seed: int | None = None,
        temperature: float = 1.0,
        chunk_rows: int = STREAM_CHUNK_ROWS,
        within_range: bool = False,
    ) -> Iterator[pa.Table]:
        """The rows of `sample`, some at a time: memory does not grow with `n`.

        The rows are the same for any `chunk_rows`; one empty table comes where `n` is 0.
        Arguments and errors are those of `sample`.
        """
        if n < 0:
            raise ConfigError(f"n must not be negative: {n}")
        if not 0 < temperature < float("inf"):
            raise ConfigError(f"temperature must be positive and finite, not {temperature}")
        fixed = pa.table({name: [value] for name, value in (given or {}).items()})
        evidence = self.schema.encode(fixed) if given else None
        generator = noise_generator(seed)
        for start in range(0, max(n, 1), chunk_rows):
            rows = min(chunk_rows, n - start)
            values = np.full((rows, self.density.variables), np.nan)
            if evidence is not None:
                values[:] = evidence
            noise = draw_noise(rows, self.density.noise_width, generator)
            drawn = self.density.sample(values, noise, temperature, within_range)
            yield with_constants(self.schema.decode(drawn), fixed)

    @overload
    def impute(
        self,
        table: pa.Table,
        *,
        seed: int | None = None,
        estimate: Estimate = "draw",
        within_range: bool = False,
    ) -> pa.Table: ...

    @overload
    def impute(
        self,
        table: pa.Table,
        draws: int,
        seed: int | None = None,
        estimate: Estimate = "draw",
        within_range: bool = False,
    ) -> pa.Table | list[pa.Table]: ...

    def impute(
        self,
        table: pa.Table,
        draws: int = 1,
        seed: int | None = None,
        estimate: Estimate = "draw",
        within_range: bool = False,
    ) -> pa.Table | list[pa.Table]:
        """Fill the nulls of a table; observed cells come back as they were.

        Args:
            table: Rows with nulls. Columns of the schema that it lacks are filled altogether.
            draws: Number of tables, each with other draws of the missing values.
            seed: Seed of the draws.
            estimate: `draw` keeps the honest spread; `mean`, `median` and `mode` are guesses.
            within_range: Draw numbers and instants between the ends seen in training.

        Returns:
            The filled table; a list of them where `draws` is more than 1.

        Raises:
            ConfigError: Draws of a point estimate, or fewer than one.
            TableError: Cells do not fit the schema.
        """
        if draws < 1:
            raise ConfigError(f"draws must be at least 1, not {draws}")
        values = self.schema.encode(table)
        generator = noise_generator(seed)
        filled = filled_tables(self.density, values, generator, draws, estimate, within_range)
        results = [fill_nulls(table, self.schema.decode(one)) for one in filled]
        return results[0] if draws == 1 else results

    def save(self, path: str | Path, extra: Mapping[str, bytes] | None = None) -> None:
        """Write a checkpoint directory, whole or not at all.

        Args:
            path: A directory that does not exist yet, such as `checkpoints/NAME/VERSION`.
            extra: Further files by name, such as pictures.

        Raises:
            CheckpointError: The directory exists, or cannot be written.
        """
        checkpoint = Checkpoint(self.schema, self.density, self.metrics, self.card)
        save_checkpoint(path, checkpoint, extra)

    @classmethod
    def load(cls, path: str | Path, device: str | torch.device = "cpu") -> Self:
        """Read a checkpoint directory.

        Raises:
            CheckpointError: It is missing, broken, truncated or tampered with.
        """
        checkpoint = load_checkpoint(path, device)
        estimator = cls(device=device)
        estimator._schema, estimator._density = checkpoint.schema, checkpoint.density
        estimator._card, estimator.metrics = checkpoint.card, dict(checkpoint.metrics)
        return estimator


def _fitted(part: _Part | None) -> _Part:
    if part is None:
        raise ModelsError("this estimator is not fitted yet")
    return part
