"""The figures of a training run, as a checkpoint keeps them."""

import platform
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

from models.training.fit import Fitted

__all__ = ["training_metrics"]


def training_metrics(fitted: Fitted, seconds: float) -> dict[str, Any]:
    """Likelihoods, members with their learning curves, and library versions; JSON values.

    Args:
        fitted: What the run left.
        seconds: How long it took.
    """
    weights = np.exp(fitted.density.log_weights)
    members, start = [], 0
    for member, curve in zip(fitted.density.members, fitted.curves, strict=True):
        stop = start + len(member.masks)
        members.append(
            {
                "name": member.name,
                "any_order": member.any_order,
                "epochs": len(curve.train),
                "best_epoch": curve.best_epoch,
                "seconds": round(curve.seconds, 3),
                "weight": float(weights[start:stop].sum()),
                "parameters": sum(p.numel() for p in member.network.parameters()),
                "curve": {"train": curve.train, "valid": curve.valid},
            }
        )
        start = stop
    return {
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "columns": fitted.density.variables,
        "train_rows": fitted.train_rows,
        "valid_rows": fitted.valid_rows,
        "valid_nats": fitted.valid_nats,
        "interrupted": fitted.interrupted,
        "members": members,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }
