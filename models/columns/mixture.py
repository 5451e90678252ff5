"""Mixtures of logistics with atoms: their units, and a fit to a marginal that starts training.

After Salimans, Karpathy, Chen, Kingma, PixelCNN++, ICLR 2017. The units of a column with M
logistics and A atoms are M logits, M means, M raw log-scales and A logits; all M + A logits are
of one softmax. A log-scale is 7 tanh(raw / 7): smooth, so that no component loses its gradient.
"""

from dataclasses import dataclass

import numpy as np

from madeira.models.arrays import Float64

__all__ = ["COMPONENTS", "MAX_LOG_SCALE", "MIN_SHARE", "Points", "fit_mixture"]

COMPONENTS = 8
MAX_LOG_SCALE = 7.0
"""Log-scales stay within it: a spike cannot grow without bound."""

MIN_SHARE = 1e-4
"""Share of the rows that an outcome keeps, so that it can grow in training."""

_ITERATIONS = 30
_MAX_POINTS = 1024
_MIN_SCALE = 1 / 12  # cells: a logistic of this scale has 99.5 % of its mass in one


@dataclass(frozen=True)
class Points:
    """A marginal, as weighted points on the scale of the mixture.

    Attributes:
        places: Where the points stand, (points,).
        weights: Shares of the rows, (points,), 1 in all.
        widths: Widths of the cells whose mass counts, (points,); 0 where the density counts.
        atoms: Which atom each point is, (points,); -1 for none.
    """

    places: Float64
    weights: Float64
    widths: Float64
    atoms: Float64

    @staticmethod
    def thin(codes: Float64) -> tuple[Float64, Float64]:
        """Return at most 1024 codes that stand for all, (rows,), and their shares."""
        distinct, counts = np.unique(codes, return_counts=True)
        if len(distinct) > _MAX_POINTS:
            ranks = (np.arange(_MAX_POINTS) + 0.5) / _MAX_POINTS
            return np.quantile(codes, ranks, method="nearest"), np.full(
                _MAX_POINTS, 1 / _MAX_POINTS
            )
        return distinct, counts / max(1, len(codes))


def fit_mixture(points: Points, atoms: int, components: int) -> Float64:
    """Fit a mixture of logistics and atoms to the marginal of one column.

    Expectation-maximisation from quantiles, with moments in the place of the logistic's own
    maximum-likelihood estimates: it starts the training, no more. An atom on a grid shares its
    rows with the logistics; one on a continuum has them alone.

    Args:
        points: The marginal.
        atoms: Number of atoms, A.
        components: Number of logistics, M.

    Returns:
        Units, (3 M + A,).
    """
    places, weights = points.places[:, None], points.weights
    smooth = (points.atoms < 0) | (points.widths > 0)
    alone = np.where(points.atoms < 0, weights, 0.0)
    means = _quantiles(points.places, alone if alone.sum() > 0 else weights, components)
    floor = np.exp(-MAX_LOG_SCALE) * 3
    gaps = np.gradient(means) if components > 1 else np.ones(1)
    scales = np.maximum(np.maximum(gaps / 2, points.widths.min() / 4), floor)
    scales *= np.where(np.arange(components) % 2, 1.25, 0.8)  # no two logistics start alike
    shares = np.full(components + atoms, 1 / (components + atoms))
    hits = np.where(points.atoms[:, None] == np.arange(atoms), 0.0, -np.inf)
    for _ in range(_ITERATIONS):
        logs = _log_logistics(places, points.widths[:, None], means, scales)
        logs = np.hstack([np.where(smooth[:, None], logs, -np.inf), hits]) + np.log(shares)
        parts = np.exp(logs - np.logaddexp.reduce(logs, axis=1)[:, None]) * weights[:, None]
        shares = parts.sum(0) + MIN_SHARE / len(shares)
        shares /= shares.sum()
        rows = parts[:, :components]
        mass = rows.sum(0)
        held = mass > 1e-9
        safe = np.where(held, mass, 1.0)
        means = np.where(held, (rows * places).sum(0) / safe, means)
        variances = (rows * (places - means) ** 2).sum(0) / safe
        narrowest = (rows * points.widths[:, None]).sum(0) / safe * _MIN_SCALE
        estimate = np.maximum(np.sqrt(3 * variances) / np.pi, np.maximum(narrowest, floor))
        scales = np.where(held, estimate, scales)
    bound = MAX_LOG_SCALE * 0.99
    raw = np.arctanh(np.clip(np.log(scales), -bound, bound) / MAX_LOG_SCALE) * MAX_LOG_SCALE
    logits = np.log(shares)
    return np.concatenate([logits[:components], means, raw, logits[components:]])


def _log_logistics(places: Float64, widths: Float64, means: Float64, scales: Float64) -> Float64:
    """Return log-densities, or log-masses of cells, (points, M); see `columns/numeric.py`."""
    t = (places - means) / scales
    cells = np.maximum(widths, 1e-30) / scales
    sigmoids = np.logaddexp(0, -t - cells / 2) + np.logaddexp(0, t - cells / 2)
    volumes = np.where(widths > 0, np.log(-np.expm1(-cells)), -np.log(scales))
    return np.asarray(volumes - sigmoids)


def _quantiles(places: Float64, weights: Float64, count: int) -> Float64:
    """Return evenly spread quantiles of weighted points, (count,)."""
    order = np.argsort(places)
    ranks = weights[order].cumsum() / weights.sum()
    chosen = np.searchsorted(ranks, (np.arange(count) + 0.5) / count)
    return places[order][np.minimum(chosen, len(places) - 1)]
