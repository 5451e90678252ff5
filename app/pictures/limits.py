"""Limits of the vertical axis of learning curves."""

import math
from collections.abc import Sequence

__all__ = ["curve_limits"]


def curve_limits(nats: Sequence[float]) -> tuple[float, float]:
    """Return limits for the end of a curve, which may leave out the first steep epochs.

    Args:
        nats: Values of all curves of the panel, nats, (epochs,).
    """
    ordered = sorted(value for value in nats if math.isfinite(value))
    if not ordered:
        return (-1.0, 0.0)
    low, high = ordered[int(0.05 * len(ordered))], ordered[-1]
    margin = 0.08 * (high - low) or 0.5
    return (low - margin, high + margin)
