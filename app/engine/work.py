"""What a request wants computed, and where it is cut into jobs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

import numpy as np

from madeira.app.jobs import Job, ModelKey, ResultT
from madeira.models.arrays import Float64

__all__ = ["Work"]


@dataclass(frozen=True, slots=True, eq=False)
class Work(Generic[ResultT]):
    """The rows of one request, whole; a job of some of them is made when its turn comes near.

    Attributes:
        kind: Type of the jobs.
        model: The model that answers.
        rows: How many there are; none are one job of no rows.
        row_cost: `(rows,)` cost of each, or one number where all cost the same.
        most_rows: Most rows of a job, whatever they cost.
        row_bytes: Bytes that making a job writes for each of its rows.
        job: Makes the job of the rows from the first number up to the second. Called once for
            each job, in the order of the rows.
    """

    kind: type[Job[ResultT]]
    model: ModelKey
    rows: int
    row_cost: float | Float64
    most_rows: int
    row_bytes: int
    job: Callable[[int, int], Job[ResultT]]

    @property
    def cost(self) -> float:
        """Of all rows, at least 1."""
        if isinstance(self.row_cost, np.ndarray):
            return max(1.0, float(self.row_cost.sum()))
        return max(1.0, self.rows * self.row_cost)

    @property
    def dearest_row(self) -> float:
        """Cost of a row, of the one that costs most."""
        if isinstance(self.row_cost, np.ndarray):
            return float(self.row_cost.max(initial=1.0))
        return self.row_cost

    def stop(self, start: int, cost: float) -> int:
        """Return the row behind the last of a job.

        Args:
            start: Its first row.
            cost: What it may cost; one row is taken whatever it costs.
        """
        limit = min(start + self.most_rows, self.rows)
        if isinstance(self.row_cost, np.ndarray):
            costs = np.cumsum(self.row_cost[start:limit])
            rows = int(np.searchsorted(costs, cost, side="right"))
        else:
            rows = int(cost / self.row_cost)
        return min(start + max(1, rows), limit)
