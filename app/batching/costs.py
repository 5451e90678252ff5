"""What work costs, in units that the queue is bounded in.

A unit is a row scored, or a cell drawn: of a sample or an imputation every row counts one, and
every cell of it that is missing one for each table that is drawn.
"""

from typing import Any

import numpy as np

from app.jobs import Array, ImputeJob, Job, SampleJob, ScoreJob

__all__ = ["cost_of", "cost_of_rows"]


def cost_of_rows(values: Array, tables: int) -> int:
    """Cost of filling rows.

    Args:
        values: `(rows, D)`, NaN where something is to be drawn.
        tables: How many times each row is drawn.
    """
    return len(values) + int(np.count_nonzero(np.isnan(values))) * tables


def cost_of(job: Job[Any]) -> int:
    """Cost of a job, at least 1."""
    match job:
        case ScoreJob():
            cost = len(job.values) * (1 + job.contributions * job.values.shape[1])
        case SampleJob():
            cost = cost_of_rows(job.values, 1)
        case ImputeJob():
            cost = cost_of_rows(job.values, job.noise.shape[1])
        case _:
            raise TypeError(f"not a job: {type(job).__name__}")
    return max(1, int(cost))
