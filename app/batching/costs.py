"""What work costs, in units that the queue is bounded in.

A unit is a row scored, or a cell drawn: of a sample or an imputation every row counts one, and
every cell of it that is missing one for each table that is drawn.
"""

from typing import Any

import numpy as np

from madeira.app.jobs import Array, ImputeJob, Job, SampleJob, ScoreJob

__all__ = ["cost_of", "costs_of_rows"]


def costs_of_rows(values: Array, tables: int) -> Array:
    """Cost of filling each of some rows, `(rows,)`.

    Args:
        values: `(rows, D)`, NaN where something is to be drawn.
        tables: How many times each row is drawn.
    """
    costs: Array = 1.0 + tables * np.count_nonzero(np.isnan(values), axis=1)
    return costs


def cost_of(job: Job[Any]) -> int:
    """Cost of a job, at least 1."""
    match job:
        case ScoreJob():
            cost = float(len(job.values) * (1 + job.contributions * job.values.shape[1]))
        case SampleJob():
            cost = _total(job.values, 1)
        case ImputeJob():
            cost = _total(job.values, job.noise.shape[1])
        case _:
            raise TypeError(f"not a job: {type(job).__name__}")
    return max(1, int(cost))


def _total(values: Array, tables: int) -> float:
    return len(values) + tables * float(np.count_nonzero(np.isnan(values)))
