"""`DensityEstimator`: the exact density of a table, from fitting to serving."""

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import torch

from madeira.models.arrays import Float64
from madeira.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint, save_version
from madeira.models.checkpoint.card import model_card
from madeira.models.errors import (
    ConfigError,
    ModelsError,
    RowsTypeError,
    TableWarning,
    TrainingError,
    TrainingWarning,
)
from madeira.models.estimate_names import Estimate
from madeira.models.estimator_display import html_of, text_of
from madeira.models.inference.density import Density
from madeira.models.inference.impute import imputed_tables
from madeira.models.inference.noise import draw_noise, noise_generator
from madeira.models.inference.null_pattern import sample_with_nulls
from madeira.models.model_directories import find_checkpoint
from madeira.models.schema.overrides import Overrides
from madeira.models.schema.schema import Schema
from madeira.models.tables.arrays import of_columns
from madeira.models.tables.bad_cells import refuse_bad_cells, without_bad_cells
from madeira.models.tables.filled import fill_nulls, with_constants
from madeira.models.tables.form import ArrowForm, Data, Form
from madeira.models.tables.reading import OnBadCell
from madeira.models.tables.rows import Rows, rows_of
from madeira.models.training.cautions import cautions
from madeira.models.training.choices import choices
from madeira.models.training.config import FitConfig
from madeira.models.training.fit import Phase
from madeira.models.training.loop import Progress
from madeira.models.training.metrics import training_metrics
from madeira.models.training.presets import Preset
from madeira.models.training.presets import preset as settings_of
from madeira.models.training.trimmed import fit_trimmed

__all__ = ["DensityEstimator"]


_Part = TypeVar("_Part", Schema, Density)

STREAM_CHUNK_ROWS = 10_000


class DensityEstimator:
    """An exact density of a table: its columns, and a mixture of masked autoencoders.

    Rows may be a data frame of pandas, Polars, DuckDB or another library with the Arrow PyCapsule
    interface, a `pyarrow.Table`, a dict of columns, a list of dicts, a NumPy array, or the path or
    URL of a CSV, Parquet or Arrow file; results have the same form
    (`madeira.models.tables.rows` lists all).

    Args:
        preset: Named settings: `fast`, `balanced` or `best`. Not to be given with `config`.
        config: Settings of every part.
        seed: Seed of training; on a CPU the same seed and table give the same density.
        device: Where to train and answer, such as `cpu` or `cuda`.

    Attributes:
        metrics: Where, on what and how well the density was trained; JSON values.

    Raises:
        ConfigError: No preset or device has that name, or the arguments contradict each other.
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
        if config is not None and not isinstance(config, FitConfig):
            raise ConfigError(f"config is expected to be a FitConfig, got {config!r:.60}")
        self._preset: Preset | None = None if config is not None else preset or "balanced"
        self._config = config or settings_of(self._preset or "balanced")
        self._seed = _checked_seed(seed)
        self._device = _checked_device(device)
        self._schema: Schema | None = None
        self._density: Density | None = None
        self._form: Form = ArrowForm()
        self._names: tuple[str, ...] | None = None
        self._card = ""
        self.metrics: dict[str, Any] = {}

    def __repr__(self) -> str:
        return text_of(self._preset, self._schema, self.metrics)

    def _repr_html_(self) -> str:
        """HTML that a notebook shows."""
        return html_of(self._preset, self._schema, self.metrics)

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
        """Put a name and a description into the model card.

        Args:
            name: Title of the card.
            description: Text under it.
        """
        self._card = model_card(self.schema, self.metrics, name, description)
        return self

    def fit(
        self,
        table: Data,
        schema: Schema | Overrides | None = None,
        *,
        validation: Data | None = None,
        names: Sequence[str] | None = None,
        on_bad_cell: OnBadCell = "drop",
        on_epoch: Callable[[Progress], None] = lambda _: None,
        on_phase: Callable[[Phase], None] = lambda _: None,
    ) -> Self:
        """Train on a table. Nulls are missing values; rows that have some are used, not dropped.

        Args:
            table: Training rows, in any form that the class names.
            schema: The columns, or overrides of the inferred ones.
            validation: Rows for early stopping and mixture weights; by default some of `table`
                are held out.
            names: Names of the columns of an array; `x0`, `x1`, ... by default.
            on_bad_cell: What becomes of the few cells that are not what their column is, such as
                a word among prices: `drop` takes them as missing, `fail` raises an error.
            on_epoch: Called at the end of every epoch. A KeyboardInterrupt, from it or from
                Ctrl-C, ends training and keeps the best so far.
            on_phase: Called when training has ended, and as each part of what follows begins:
                `weighing`, `calibrating`, `measuring`.

        Returns:
            The estimator itself.

        Raises:
            RowsTypeError: No table is made of rows of this type.
            SchemaError: No schema can be inferred, or an override cannot be met.
            TableError: Cells do not fit the schema.
            TableFileError: The file that was named holds no readable table.
            TrainingError: The table cannot be trained on.

        Warns:
            TableWarning: Cells were taken as missing, since they do not fit their column.
            TrainingWarning: There is little to learn from; it says what to expect.
        """
        rows = _clean(rows_of(table, names), schema, on_bad_cell)
        held_out = None
        if validation is not None:
            held_out = _clean(rows_of(validation, rows.table.column_names), schema, on_bad_cell)
        if not isinstance(schema, Schema):
            schema = Schema.infer(rows.table, schema)
        if not schema.columns:
            reasons = "; ".join(f"{left.name}: {left.reason}" for left in schema.left_out)
            raise TrainingError(f"every column is excluded, nothing is left to model: {reasons}")
        start = time.monotonic()
        values = schema.encode(rows.table)
        schema = schema.with_null_indicators(values)
        trimmed = fit_trimmed(
            values,
            schema.columns,
            self._config,
            valid=None if held_out is None else schema.encode(held_out.table),
            derived=schema.derived,
            seed=self._seed,
            device=self._device,
            on_epoch=on_epoch,
            on_phase=on_phase,
        )
        self._density, self._card = trimmed.fitted.density, ""
        derived = () if self._density.joint is None else schema.derived
        self._schema = replace(schema, columns=trimmed.columns, derived=derived)
        self._form, self._names = rows.form, tuple(rows.table.column_names)
        self.metrics = training_metrics(trimmed.fitted, time.monotonic() - start) | trimmed.metrics
        self.metrics["choices"] = choices(self._config, values)
        self.metrics |= {"preset": self._preset, "seed": self._seed, "device": str(self._device)}
        for caution in cautions(self.metrics, self._schema.columns):
            warnings.warn(caution, TrainingWarning, stacklevel=2)
        return self

    def log_prob(self, table: Data) -> Float64:
        """Log-likelihood of the observed values of each row.

        Returns:
            Nats, shape `(rows,)`; densities are in the columns' own units.

        Raises:
            TableError: Cells do not fit the schema.
        """
        return self.density.score(self._encoded(table))

    def anomaly_score(self, table: Data) -> Float64:
        """How rare it is that a row is as surprising as each of these, by its observed values.

        Returns:
            1 minus the share of real rows that are at least as surprising, in [0, 1], shape
            `(rows,)`: 0.99 says rarer than 99 % of rows.
        """
        return self.density.anomaly_score(self._encoded(table))

    def cell_anomaly(self, table: Data) -> Float64:
        """How rare each value is given all others that are observed of its row.

        Returns:
            1 minus the tail probability of the value under its conditional, in [0, 1], shape
            `(rows, columns of the schema)`, NaN where missing: 0.99 says that one of a hundred
            such values is as surprising.
        """
        return self.density.cell_anomaly(self._encoded(table))

    def contributions(self, table: Data) -> Float64:
        """Surprise -log p(x_d | all other observed) of each cell.

        Returns:
            Nats, shape `(rows, columns of the schema)`, NaN where missing.
        """
        return self.density.contributions(self._encoded(table))

    def sample(
        self,
        n: int,
        given: Mapping[str, Any] | None = None,
        seed: int | None = None,
        temperature: float = 1.0,
        within_range: bool = True,
        nulls: bool | None = None,
    ) -> Data:
        """Synthetic rows, of the modelled columns.

        Args:
            n: Number of rows.
            given: Values that every row is to have; the rest is drawn given them, exactly.
            seed: Seed of the draw.
            temperature: Above 1 draws rarer values, below 1 more typical ones.
            within_range: Draw numbers and instants between the ends seen in training; False for all
                of their support.
            nulls: Whether cells are missing as in the training rows; by default where nothing is
                given. A value that is given is there.

        Returns:
            Rows in the form of those that `fit` was given, a data frame of pandas after a data
            frame of pandas; a `pyarrow.Table` after `load`, or where `fit` was given a path. An
            array has all columns of the training rows, those not modelled NaN.

        Raises:
            ConfigError: `n` is negative, or `temperature` not positive.
            TableError: A given value does not fit its column.
        """
        return next(self.stream(n, given, seed, temperature, max(n, 1), within_range, nulls))

    def stream(
        self,
        n: int,
        given: Mapping[str, Any] | None = None,
        seed: int | None = None,
        temperature: float = 1.0,
        chunk_rows: int = STREAM_CHUNK_ROWS,
        within_range: bool = True,
        nulls: bool | None = None,
    ) -> Iterator[Data]:
        """Yield the rows of `sample`, some at a time: memory does not grow with `n`.

        The rows are the same for any `chunk_rows`; one without rows comes where `n` is 0.
        Arguments and errors are those of `sample`.

        Raises:
            ConfigError: `n` or `temperature` is out of range.
            RowsTypeError: `given` is not a dict.
        """
        if n < 0:
            raise ConfigError(f"n must not be negative: {n}")
        if not 0 < temperature < float("inf"):
            raise ConfigError(f"temperature must be positive and finite, not {temperature}")
        if given is not None and not isinstance(given, Mapping):
            raise RowsTypeError(
                "given is expected to be a dict from column to value, such as "
                f"{{'species': 'cat'}}; this is of type {type(given).__name__}"
            )
        fixed = of_columns({name: [value] for name, value in (given or {}).items()})
        evidence = self.schema.encode(fixed) if given else None
        joint = self.density.joint if nulls or (nulls is None and not given) else None
        width = (joint or self.density).noise_width
        generator = noise_generator(seed)
        for start in range(0, max(n, 1), chunk_rows):
            rows = min(chunk_rows, n - start)
            values = np.full((rows, self.density.variables), np.nan)
            if evidence is not None:
                values[:] = evidence
            noise = draw_noise(rows, width, generator)
            if joint is None:
                drawn = self.density.sample(values, noise, temperature, within_range)
            else:
                drawn = sample_with_nulls(self.density, values, noise, temperature, within_range)
            yield self._form.fresh(with_constants(self.schema.decode(drawn), fixed))

    def impute(
        self,
        table: Data,
        draws: int = 1,
        seed: int | None = None,
        estimate: Estimate = "draw",
        within_range: bool = False,
        fill_all: bool = False,
    ) -> Data:
        """Fill the missing values of rows; observed cells come back as they were.

        Args:
            table: Rows, in any form that the class names. Columns of the schema that they lack
                are filled altogether, and put after the others.
            draws: Number of fillings, each with other draws of the missing values.
            seed: Seed of the draws.
            estimate: `draw` keeps the honest spread; `mean`, `median` and `mode` are guesses.
            within_range: Draw numbers and instants between the ends seen in training.
            fill_all: Also fill nulls that are a value of their column; what is drawn may be null
                again.

        Returns:
            The filled rows in the form that they came in; a list of such where `draws` is more
            than 1.

        Raises:
            ConfigError: Draws of a point estimate, or fewer than one.
            TableError: Cells do not fit the schema.
        """
        if draws < 1:
            raise ConfigError(f"draws must be at least 1, not {draws}")
        rows = self._rows(table)
        values = self.schema.encode(rows.table)
        if fill_all:
            values = self.schema.without_null_values(values)
        generator = noise_generator(seed)
        filled = imputed_tables(self.density, values, generator, draws, estimate, within_range)
        results = [rows.filled(fill_nulls(rows.table, self.schema.decode(one))) for one in filled]
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

    def save_version(
        self,
        directory: str | Path,
        extra: Mapping[str, bytes] | None = None,
        others: Sequence[str | Path] = (),
    ) -> Path:
        """Write a checkpoint as the next version of a model, whole or not at all.

        Args:
            directory: Of the model, such as `checkpoints/NAME`.
            extra: Further files by name, such as pictures.
            others: Directories of the same model elsewhere, whose numbers are taken as well.

        Returns:
            The directory of the version: the first number that is free.

        Raises:
            CheckpointError: It cannot be written.
        """
        checkpoint = Checkpoint(self.schema, self.density, self.metrics, self.card)
        return save_version(directory, checkpoint, extra, others)

    @classmethod
    def load(cls, model: str | Path, device: str | torch.device = "cpu") -> Self:
        """Read a checkpoint directory, or a model by its name.

        Args:
            model: The directory of one version, or of a model, of which the latest version is
                read; or the name of a model that is bundled, such as `penguins`, or that
                `madeira train` has saved.
            device: Where the weights go.

        Raises:
            CheckpointError: It is missing, broken, truncated or tampered with.
        """
        checkpoint = load_checkpoint(find_checkpoint(model), device)
        estimator = cls(device=device)
        estimator._schema, estimator._density = checkpoint.schema, checkpoint.density
        estimator._card, estimator.metrics = checkpoint.card, dict(checkpoint.metrics)
        estimator._preset = checkpoint.metrics.get("preset")
        return estimator

    def _rows(self, data: Data) -> Rows:
        """Rows to answer; an array has the columns of the training rows, or the modelled ones."""
        names: Sequence[str] = self._names or self.schema.names
        if isinstance(data, np.ndarray) and data.ndim == 2 and data.shape[1] != len(names):
            names = self.schema.names
        return rows_of(data, names, self._form)

    def _encoded(self, data: Data) -> Float64:
        return self.schema.encode(self._rows(data).table)


def _clean(rows: Rows, schema: Schema | Overrides | None, on_bad_cell: OnBadCell) -> Rows:
    """Return rows without the cells that do not fit their column, and warn of them.

    Raises:
        TableError: There are some, and they are to be an error.
    """
    if isinstance(schema, Schema):
        kinds = {column.name: column.kind for column in schema.columns}
    else:
        named = (schema or {}).items()
        kinds = {
            name: str(one.get("kind") if isinstance(one, Mapping) else one) for name, one in named
        }
    table, bad, notes = without_bad_cells(rows.table, kinds)
    if on_bad_cell == "fail":
        refuse_bad_cells(bad)
    for note in (*notes, *map(str, bad)):
        warnings.warn(note, TableWarning, stacklevel=3)
    return replace(rows, table=table)


def _fitted(part: _Part | None) -> _Part:
    if part is None:
        raise ModelsError("this estimator is not fitted yet")
    return part


def _checked_seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ConfigError(f"seed is expected to be a whole number from 0, got {seed!r}")
    return int(seed)


def _checked_device(device: str | torch.device) -> torch.device:
    try:
        return torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ConfigError(f"no device is called {device!r}; such are cpu, cuda, cuda:1") from error
