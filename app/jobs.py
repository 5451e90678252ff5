"""Jobs and results: what travels between the API and the workers.

Arrays and plain values only. A job holds everything its result depends on, its noise included,
so that running it again, elsewhere or beside others, gives the same result. Arrays are encoded
float64, NaN where a value is missing; `D` is the number of variables of the model and `W` the
number of uniforms one drawn row consumes.

The queue is bounded in units of cost. One unit is a row scored, or a cell drawn: a row of a sample
or an imputation costs 1, and 1 more for each missing cell and table.
"""

from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from madeira.models.arrays import Float64
from madeira.models.estimate_names import Estimate

__all__ = [
    "INITIAL_COST",
    "ROW_AXIS",
    "ImputeJob",
    "ImputeResult",
    "Job",
    "ModelKey",
    "ResultT",
    "SampleJob",
    "SampleResult",
    "ScoreJob",
    "ScoreResult",
    "cost_of_scoring",
    "costs_of_filling",
]

INITIAL_COST = 512.0
"""Cost of a batch of jobs before any has been timed, in units of cost."""


ResultT = TypeVar("ResultT", covariant=True)

ROW_AXIS = "row_axis"
"""Metadata of a field that holds an array: the axis of its rows, where it is not the first.

Every array of a job or a result has one, so that jobs can be merged and results cut."""


class ModelKey(NamedTuple):
    """One version of one model."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, eq=False)
class ScoreResult:
    """Answer to a `ScoreJob`.

    Attributes:
        log_likelihood: Log-likelihoods of the observed cells, nats, `(rows,)`.
        anomaly_score: `(rows,)` in [0, 1].
        contributions: `(rows, D)` nats, NaN where missing; None where not wanted.
        cell_anomaly: `(rows, D)` in [0, 1], NaN where missing; None where not wanted.
        reasons: Of each row that is an anomaly, as `find_reasons` gives them, `(rows, reasons,
            numbers)`; None where not wanted.
    """

    log_likelihood: Float64
    anomaly_score: Float64
    contributions: Float64 | None
    cell_anomaly: Float64 | None = None
    reasons: Float64 | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SampleResult:
    """Answer to a `SampleJob`.

    Attributes:
        values: `(rows, D)`, NaN where a row is drawn with a null.
        log_likelihood: `(rows,)` nats of the values that are there; None where not wanted.
    """

    values: Float64
    log_likelihood: Float64 | None


@dataclass(frozen=True, slots=True, eq=False)
class ImputeResult:
    """Answer to an `ImputeJob`.

    Attributes:
        tables: `(draws, rows, D)`, nothing missing, observed values untouched.
        probability: `(rows, D)` of the value chosen; NaN where observed or not discrete.
        lower: `(rows, D)` lower end of the central 90 % interval; NaN where observed or discrete.
        upper: `(rows, D)` upper end.
    """

    tables: Float64 = field(metadata={ROW_AXIS: 1})
    probability: Float64
    lower: Float64
    upper: Float64


@dataclass(frozen=True, slots=True, eq=False)
class Job(Generic[ResultT]):
    """One computation; its type says what comes back.

    Attributes:
        model: The model that answers.
        values: `(rows, D)`, NaN where missing.
    """

    model: ModelKey
    values: Float64

    @property
    def cost(self) -> int:
        """Units of work, at least 1."""
        return max(1, int(self._cost()))

    def _cost(self) -> float:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class ScoreJob(Job[ScoreResult]):
    """How likely are these rows?

    Attributes:
        contributions: Whether the surprise of each column is wanted as well.
        cell_anomaly: Whether it is wanted how rare each value is.
        reasons: Anomaly score above which the reasons of a row are wanted; None for no row.
        null_pattern: Whether it counts which cells are null.
    """

    contributions: bool
    cell_anomaly: bool = False
    reasons: float | None = None
    null_pattern: bool = False

    def _cost(self) -> float:
        by_cell = self.contributions or self.cell_anomaly or self.reasons is not None
        return len(self.values) * cost_of_scoring(self.values.shape[1], by_cell)


@dataclass(frozen=True, slots=True, eq=False)
class SampleJob(Job[SampleResult]):
    """Give me rows that agree with the evidence.

    The values are evidence; missing ones are drawn.

    Attributes:
        noise: `(rows, W)` uniforms in (0, 1); of null indicators too where nulls are wanted.
        temperature: 1 is the model's own distribution; below 1 is more typical rows.
        log_likelihood: Whether the likelihood of the drawn rows is wanted as well.
        within_range: Whether amounts are drawn between the ends seen in training.
        nulls: Whether rows are drawn with the nulls of the training rows: the pattern first, and
            then the values.
    """

    noise: Float64
    temperature: float
    log_likelihood: bool
    within_range: bool = False
    nulls: bool = False

    def _cost(self) -> float:
        return float(costs_of_filling(self.values, 1 + self.nulls).sum())


@dataclass(frozen=True, slots=True, eq=False)
class ImputeJob(Job[ImputeResult]):
    """Fill the missing cells of these rows.

    Attributes:
        noise: `(rows, draws, W)` uniforms in (0, 1); a point estimate uses none.
        draws: Completed tables wanted.
        estimate: What fills a cell.
        within_range: Whether amounts are drawn between the ends seen in training.
    """

    noise: Float64
    draws: int
    estimate: Estimate
    within_range: bool = False

    def _cost(self) -> float:
        return float(costs_of_filling(self.values, self.draws).sum())


def cost_of_scoring(columns: int, by_cell: bool) -> int:
    """Cost of scoring one row: 1, and 1 for each column where its cells are judged one by one.

    Args:
        columns: How many columns the model has.
        by_cell: Whether contributions, anomalies of cells or reasons are wanted.
    """
    return 1 + by_cell * columns


def costs_of_filling(values: Float64, tables: int) -> Float64:
    """Cost of filling each row, `(rows,)`: 1, and 1 for each missing cell and table.

    Args:
        values: `(rows, D)`, NaN where a cell is to be drawn.
        tables: How many times each row is drawn.
    """
    costs: Float64 = 1.0 + tables * np.count_nonzero(np.isnan(values), axis=1)
    return costs
