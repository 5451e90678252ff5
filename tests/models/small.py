"""A checkpoint that is as small as can be, of a column of every kind."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from madeira.models import DensityEstimator, FitConfig, MemberConfig, TrainingConfig
from madeira.models.made import MaskConfig, NetworkConfig

__all__ = ["save_small"]

ROWS = 60
KINDS = {
    "b": "binary",
    "c": "categorical",
    "f": "factorised",
    "x": "continuous",
    "n": "integer",
    "t": "datetime",
}


def save_small(path: Path) -> None:
    """Train it for an epoch, and save it."""
    draw = np.random.default_rng(14)
    table = pa.table(
        {
            "b": draw.random(ROWS) < 0.5,
            "c": draw.choice(["p", "q", "r"], ROWS),
            "f": draw.choice([*"abcdefg"], ROWS),
            "x": draw.normal(size=ROWS),
            "n": draw.poisson(4, ROWS),
            "t": draw.integers(0, 10**9, ROWS).astype("datetime64[s]"),
        }
    )
    training = TrainingConfig(max_epochs=1)
    network = NetworkConfig((8, 8), residual=True)
    members = (
        MemberConfig("any", network, MaskConfig(ensemble=2), training),
        MemberConfig("natural", network, MaskConfig("natural", "sampled", 2), training),
    )
    config = FitConfig(members, weighing="even")
    DensityEstimator(config=config, seed=1).fit(table, KINDS).describe("small").save(path)
