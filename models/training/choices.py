"""What a fit chose by looking at the table, and why, in words."""

import numpy as np

from madeira.models.arrays import Float64
from madeira.models.training.config import FitConfig
from madeira.models.training.fit import worth_training

__all__ = ["choices"]


def choices(config: FitConfig, values: Float64) -> list[str]:
    """Sentences on what the settings left open; none where they leave nothing open.

    Args:
        config: Settings of the fit.
        values: Encoded table, NaN where missing, shape `(rows, variables)`.
    """
    said = []
    if len(worth_training(config.members, values)) < len(config.members):
        complete = (~np.isnan(values).any(axis=1)).mean()
        said.append(
            f"no network of a fixed ordering is trained, since {complete:.0%} of the rows are "
            "complete"
        )
    return said
