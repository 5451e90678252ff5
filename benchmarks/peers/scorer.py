"""What every peer does with a batch of rows: the calls that the service makes itself.

Imported by the servers of this folder, with the project on the path.
"""

import os
from typing import Any

import pyarrow as pa
import torch

from madeira.models import DensityEstimator
from madeira.models.inference.density import rarity, warm_up

__all__ = ["Scorer"]


class Scorer:
    """A model, loaded and warm.

    Args:
        checkpoint: Its directory.
    """

    def __init__(self, checkpoint: str) -> None:
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "0")) or os.cpu_count() or 1)
        estimator = DensityEstimator.load(checkpoint)
        self._schema, self._density = estimator.schema, estimator.density
        warm_up(self._density)

    def score(self, rows: list[dict[str, Any]]) -> tuple[list[float], list[float]]:
        """Log-likelihood and anomaly score of rows as JSON has them, by row."""
        table = pa.Table.from_pylist(rows, schema=self._schema.arrow_schema)
        values = self._schema.encode(table)
        log_likelihood, log_tail = self._density.log_tails(values)
        return log_likelihood.tolist(), rarity(log_tail).tolist()
