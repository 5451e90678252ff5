"""`MADEDensity`: an exact density of a table as an estimator of scikit-learn."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, OutlierMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.errors import ModelsError
from madeira.models.estimate_names import Estimate
from madeira.models.estimator import DensityEstimator
from madeira.models.inference.noise import draw_noise, noise_generator
from madeira.models.schema.schema import Schema
from madeira.models.sklearn.containers import read_rows
from madeira.models.tables.filled import fill_nulls
from madeira.models.tables.form import Data
from madeira.models.tables.rows import Rows
from madeira.models.training.config import FitConfig
from madeira.models.training.presets import Preset

__all__ = ["MADEDensity"]


_DRAWN_ROWS = 1_000
_MAX_SEED = 2**31 - 1


class MADEDensity(OneToOneFeatureMixin, TransformerMixin, OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Exact density of tables of numbers, categories, instants and missing values.

    One fit answers three jobs: likelihoods and outliers (`score_samples`, `predict`), synthetic
    rows (`sample`), and imputation (`transform`). Takes data frames of pandas and Polars, of any
    column types, Arrow tables and arrays, and gives back the same type.

    Args:
        preset: Effort of training: `fast`, `balanced` or `best`. Not used where `config` is given.
        config: Every setting of training, in the place of a preset.
        schema: Kinds of columns that override the inferred ones, `{"column": "kind"}`, or a whole
            `Schema`. Columns of arrays are named `x0`, `x1` and so on.
        contamination: Share of the training rows that `predict` is to call outliers, in (0, 0.5].
        estimate: What `transform` fills in: `mean`, `median`, `mode`, or `draw` for a value drawn
            from its distribution. A category is filled with its most probable value unless drawn.
        random_state: Seed of training and of `transform`.
        device: Where to compute, such as `cpu` or `cuda`.

    Attributes:
        density_: The fitted `DensityEstimator`: contributions, conditional samples, multiple
            imputation, saving, and what else it can do.
        offset_: Log-likelihood, in nats, of a complete row on the border of the outliers.
        constants_: Values of the columns that hold but one, by name; null where they hold none.
        n_features_in_: Number of columns.
        feature_names_in_: Names of the columns of a data frame, if all are texts.

    Example:
        >>> import numpy as np
        >>> from madeira.models.sklearn import MADEDensity
        >>> generator = np.random.default_rng(0)
        >>> rows = generator.normal(size=(300, 2)) @ [[1, 0.9], [0, 0.4]]
        >>> density = MADEDensity("fast", random_state=0).fit(rows)
        >>> density.predict([[1.0, 1.0], [1.0, -4.0]])
        array([ 1, -1])
        >>> bool(abs(density.transform([[1.0, np.nan]])[0, 1] - 0.9) < 0.3)
        True
    """

    def __init__(
        self,
        preset: Preset = "balanced",
        *,
        config: FitConfig | None = None,
        schema: Schema | Mapping[str, str | Mapping[str, Any]] | None = None,
        contamination: float = 0.1,
        estimate: Estimate = "mean",
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
    ) -> None:
        self.preset = preset
        self.config = config
        self.schema = schema
        self.contamination = contamination
        self.estimate = estimate
        self.random_state = random_state
        self.device = device

    def fit(self, X: Data, y: object = None) -> Self:
        """Learn the density of the rows; missing values are used, not dropped.

        Args:
            X: Rows, an array `(rows, columns)` or a data frame; at least two.
            y: Not used; there for pipelines.

        Returns:
            The estimator itself.

        Raises:
            ValueError: A parameter is out of range, or the rows cannot be learned: the message
                names the cause, with row and column where there are such.
        """
        self._check_parameters()
        seeds = check_random_state(self.random_state).randint(_MAX_SEED, size=2)
        preset = None if self.config is not None else self.preset
        with _value_errors():
            rows = read_rows(self, X, reset=True)
            self.density_ = DensityEstimator(
                preset, config=self.config, seed=int(seeds[0]), device=self.device
            ).fit(rows.table, self.schema)
            self._seed = int(seeds[1])
            self._form = rows.form
            self._schema = rows.table.schema
            self.constants_ = _constants(rows.table, self.density_.schema)
            nats, tails, complete = self._scored(rows)
            compared = nats[complete], tails[complete]
            if not complete.any():
                compared = self.density_.density.log_tails(self._drawn())
            self._nats, self._tails = (np.sort(part) for part in compared)
            scores = self._as_complete(nats, tails, complete)
            self.offset_ = float(np.quantile(scores, self.contamination))
        return self

    def score_samples(self, X: Data) -> Float64:
        """Log-likelihood of the observed values of each row.

        Returns:
            Nats, shape `(rows,)`; densities are in the columns' own units.
        """
        check_is_fitted(self)
        rows = self._read(X)
        with _value_errors():
            return self.density_.log_prob(rows.table)

    def score(self, X: Data, y: object = None) -> float:
        """Mean log-likelihood of a row in nats, the higher the better; for model selection.

        Args:
            X: The rows.
            y: Ignored; scikit-learn passes it.
        """
        return float(self.score_samples(X).mean())

    def decision_function(self, X: Data) -> Float64:
        """How far each row is from being an outlier: negative for outliers.

        Of a complete row it is `score_samples(X) - offset_`. A row with missing values counts as
        the complete row that is as rare by its tail probability: none is an outlier for what is
        not known of it.

        Returns:
            Nats, shape `(rows,)`.
        """
        check_is_fitted(self)
        rows = self._read(X)
        with _value_errors():
            return self._complete_scores(rows) - self.offset_

    def predict(self, X: Data) -> Int64:
        """1 for each row that is like the training rows, -1 for outliers, shape `(rows,)`."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def transform(self, X: Data) -> Data:
        """Fill missing values; observed cells come back as they were.

        A column that was excluded when the density was fitted is not filled, unless it holds
        one value only.

        Returns:
            Rows in the form and the types that they came in.
        """
        check_is_fitted(self)
        rows = self._read(X)
        with _value_errors():
            filled = self.density_.impute(rows.table, seed=self._seed, estimate=self.estimate)
        constants = self._repeated_constants(filled.num_rows, rows.table.schema)
        filled = fill_nulls(filled, pa.table(constants))
        return rows.filled(filled)

    def sample(
        self,
        n_samples: int = 1,
        random_state: int | np.random.RandomState | None = None,
        *,
        given: Mapping[str, Any] | None = None,
        temperature: float = 1.0,
    ) -> Data:
        """Synthetic rows.

        Args:
            n_samples: Number of rows.
            random_state: Seed of the draw; None for other rows in each call.
            given: Values that every row is to have, by column; the rest is drawn given them.
            temperature: Above 1 draws rarer values, below 1 more typical ones.

        Returns:
            Rows with all the columns of the training rows, in the form and types of those.
            Excluded columns are missing, unless they hold one value only.

        Raises:
            ValueError: A value does not fit its column, or `n_samples` is negative.
        """
        check_is_fitted(self)
        seed = int(check_random_state(random_state).randint(_MAX_SEED))
        with _value_errors():
            drawn = self.density_.sample(n_samples, given, seed, temperature)
        columns = self._repeated_constants(n_samples, self._schema)
        columns |= {name: drawn.column(name) for name in drawn.column_names}
        table = pa.table(
            {
                field.name: columns.get(field.name, pa.nulls(n_samples, field.type))
                for field in self._schema
            }
        )
        return self._form.fresh(table)

    def _read(self, X: Data) -> Rows:
        with _value_errors():
            return read_rows(self, X, reset=False, trained=self._form)

    def _drawn(self) -> Float64:
        """Return encoded rows of the model, to compare with where no training row is complete."""
        density = self.density_.density
        noise = draw_noise(_DRAWN_ROWS, density.noise_width, noise_generator(self._seed))
        return density.sample(np.full((_DRAWN_ROWS, density.variables), np.nan), noise)

    def _complete_scores(self, rows: Rows) -> Float64:
        """Log-likelihood of each row, or of a complete row that is as rare, nats, `(rows,)`."""
        return self._as_complete(*self._scored(rows))

    def _as_complete(self, nats: Float64, tails: Float64, complete: Bool) -> Float64:
        """Return the log-likelihoods, and of incomplete rows those of complete ones as rare."""
        return np.where(complete, nats, np.interp(tails, self._tails, self._nats))

    def _scored(self, rows: Rows) -> tuple[Float64, Float64, Bool]:
        """Return log-likelihoods, log-tails, and which rows are complete, each `(rows,)`."""
        values = self.density_.schema.encode(rows.table)
        nats, tails = self.density_.density.log_tails(values)
        return nats, tails, np.logical_not(np.isnan(values).any(axis=1))

    def _repeated_constants(self, rows: int, schema: pa.Schema) -> dict[str, pa.Array]:
        return {
            name: pa.repeat(value.cast(self._schema.field(name).type), rows)
            for name, value in self.constants_.items()
            if value.is_valid and name in schema.names
        }

    def _check_parameters(self) -> None:
        if not isinstance(self.contamination, int | float) or not 0 < self.contamination <= 0.5:
            raise ValueError(f"contamination must be in (0, 0.5], not {self.contamination!r}")
        if self.estimate not in get_args(Estimate):
            allowed = ", ".join(get_args(Estimate))
            raise ValueError(f"estimate must be one of {allowed}, not {self.estimate!r}")

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to pickle: the density as the files of a checkpoint, without caches."""
        state: dict[str, Any] = dict(super().__getstate__())
        if "density_" in state:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "checkpoint"
                state.pop("density_").save(path)
                state["_checkpoint"] = {file.name: file.read_bytes() for file in path.iterdir()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state; a density of a GPU is put on the CPU where there is none."""
        state = dict(state)
        files = state.pop("_checkpoint", None)
        super().__setstate__(state)
        if files is None:
            return
        gone = self.device.startswith("cuda") and not torch.cuda.is_available()
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            self.density_ = DensityEstimator.load(folder, "cpu" if gone else self.device)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags


def _constants(table: pa.Table, schema: Schema) -> dict[str, pa.Scalar]:
    """Return the value of each excluded column that has one value at most."""
    constants = {}
    for left in schema.left_out:
        column = table.column(left.name)
        if isinstance(column.type, pa.DictionaryType):
            column = column.cast(column.type.value_type)
        if pa.types.is_nested(column.type):
            continue
        known = pc.unique(column.drop_null())
        if len(known) <= 1:
            constants[left.name] = known[0] if len(known) else pa.scalar(None, column.type)
    return constants


@contextmanager
def _value_errors() -> Iterator[None]:
    """Raise errors of rows and settings as the `ValueError` that scikit-learn expects.

    Raises:
        ValueError: A `ModelsError` was raised inside.
    """
    try:
        yield
    except ModelsError as error:
        raise ValueError(str(error)) from error
