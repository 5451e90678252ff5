"""What a fit chose by looking at the table, and why, in words."""

from collections.abc import Sequence

import numpy as np

from madeira.models.arrays import Float64
from madeira.models.columns.base import Column
from madeira.models.training.config import FitConfig, categorical_columns
from madeira.models.training.fit import worth_training

__all__ = ["choices"]

_NAMES = {"adamw": "AdamW", "adadelta": "AdaDelta"}


def choices(config: FitConfig, columns: Sequence[Column], values: Float64) -> list[str]:
    """Sentences on what the settings left open; none where they leave nothing open.

    Args:
        config: Settings of the fit.
        columns: The columns that are modelled.
        values: Encoded table, NaN where missing, shape `(rows, variables)`.
    """
    said = []
    if any(member.training.optimizer == "auto" for member in config.members):
        member = next(one for one in config.members if one.training.optimizer == "auto")
        optimizer = _NAMES[member.training.for_columns(columns).optimizer]
        said.append(
            f"the optimizer is {optimizer}, since {categorical_columns(columns)} of "
            f"{len(columns)} columns are categorical"
        )
    if len(worth_training(config.members, values)) < len(config.members):
        complete = (~np.isnan(values).any(axis=1)).mean()
        said.append(
            f"no network of a fixed ordering is trained, since {complete:.0%} of the rows are "
            "complete"
        )
    return said
