"""Calibration: tail probabilities under the model become those among real rows.

Under the model a tail probability is uniform. Among real rows it is not: a model that fits its
training rows too closely finds real ones too surprising, and conditionals of categories are cruder
than a uniform number. So rows that the model has not learned from are scored, and a rising map of
-log p is kept by which they are uniform. It is a few quantiles; no row is kept.
"""

from dataclasses import dataclass

import numpy as np

from madeira.models.arrays import Float64

__all__ = ["LEVELS", "Calibration", "calibrate"]

LEVELS = np.array([0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001])
"""Tail probabilities whose quantiles are kept."""

_PRIOR_ROWS = 20
_TRUSTED_ROWS = 10
_MILD_ROWS = 100
_MIN_SURPRISE, _MAX_SURPRISE = 1e-3, 700.0


@dataclass(frozen=True)
class Calibration:
    """A rising map of -log p.

    Attributes:
        quantiles: What -log p exceeds in the shares `LEVELS` of real rows, rising, `(levels,)`.
    """

    quantiles: Float64

    @classmethod
    def identity(cls) -> "Calibration":
        """Return the map that changes nothing."""
        return cls(-np.log(LEVELS))

    def log_tail(self, p: Float64) -> Float64:
        """Return log of calibrated tail probabilities, of the shape of `p`.

        Between quantiles the map is straight, and beyond the last proportional.
        """
        surprise, last = -np.log(p), self.quantiles[-1]
        known, wanted = np.append(0.0, self.quantiles), np.append(0.0, -np.log(LEVELS))
        inside = np.interp(surprise, known, wanted)
        beyond = np.maximum(surprise - last, 0.0) * (wanted[-1] / last)
        return np.asarray(-(inside + beyond))


def calibrate(p: Float64) -> Calibration:
    """Fit a calibration.

    A quantile is the average of the observed one and that of a Weibull distribution fitted to all
    -log p, by how many rows lie beyond it: few rows give a curve of two parameters, many their own
    quantiles. Some rows as the model expects them are added first, so that few rows change
    little.

    Args:
        p: Tail probabilities of rows that were not learned from, `(rows,)`.
    """
    expected = -np.log((np.arange(_PRIOR_ROWS) + 0.5) / _PRIOR_ROWS)
    surprise = np.clip(-np.log(p), _MIN_SURPRISE, _MAX_SURPRISE)
    shape, scale = _weibull(np.concatenate([surprise, expected]))
    smooth = scale * (-np.log(LEVELS)) ** (1.0 / shape)
    beyond = len(p) * LEVELS
    trust = beyond / (beyond + _TRUSTED_ROWS)
    if not len(p):
        return Calibration(smooth)
    observed = np.quantile(surprise, 1.0 - LEVELS)
    quantiles = trust * observed + (1.0 - trust) * smooth
    # Training stopped where these rows were likeliest: others are more surprising than they are.
    milder = np.maximum(-np.log(LEVELS) - quantiles, 0.0)
    quantiles += milder * _MILD_ROWS / (len(p) + _MILD_ROWS)
    return Calibration(_rising(quantiles))


def _rising(quantiles: Float64) -> Float64:
    """Return quantiles that rise by a little at least, from above 0."""
    steps = np.maximum(np.diff(quantiles, prepend=0.0), 1e-3)
    return np.asarray(np.cumsum(steps))


def _weibull(sample: Float64) -> tuple[float, float]:
    """Maximum-likelihood shape and scale of a Weibull distribution, by bisection on the shape."""
    logs = np.log(sample)
    low, high = 0.2, 5.0
    for _ in range(50):
        shape = (low + high) / 2.0
        powers = sample**shape
        slope = (powers * logs).sum() / powers.sum() - logs.mean() - 1.0 / shape
        low, high = (low, shape) if slope > 0 else (shape, high)
    return shape, float((sample**shape).mean() ** (1.0 / shape))
