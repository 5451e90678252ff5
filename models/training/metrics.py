"""The figures of a training run, as a checkpoint keeps them."""

import platform
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

from madeira.models.training.fit import Fitted

__all__ = ["training_metrics"]


def training_metrics(fitted: Fitted, seconds: float) -> dict[str, Any]:
    """Likelihoods, members with their learning curves, and library versions; JSON values.

    Args:
        fitted: What the run left.
        seconds: How long it took.
    """
    members = [
        {
            "name": member.name,
            "any_order": member.any_order,
            "epochs": len(member.curve.train),
            "best_epoch": member.curve.best_epoch,
            "seconds": round(member.curve.seconds, 3),
            "weight": member.weight,
            "complete_nats": _or_none(member.complete_nats),
            "parameters": member.parameters,
            "curve": {"train": member.curve.train, "valid": member.curve.valid},
        }
        for member in fitted.members
    ]
    return {
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "columns": fitted.density.variables,
        "train_rows": fitted.train_rows,
        "valid_rows": fitted.valid_rows,
        "valid_nats": fitted.valid_nats,
        "independent_nats": fitted.independent_nats,
        "complete_independent_nats": _or_none(fitted.complete_independent_nats),
        "ordering_spread_nats": {
            "mean": fitted.ordering_spread[0],
            "p99": fitted.ordering_spread[1],
        },
        "interrupted": fitted.interrupted,
        "members": members,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }


def _or_none(nats: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(nats) else nats
