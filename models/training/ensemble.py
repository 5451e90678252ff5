"""Weights of a mixture, by expectation-maximisation on held-out rows."""

import numpy as np
import numpy.typing as npt

__all__ = ["mixture_weights"]

Floats = npt.NDArray[np.float64]


def mixture_weights(
    log_likelihoods: Floats, floor: float = 1e-3, tolerance: float = 1e-6, steps: int = 1_000
) -> Floats:
    """Weights that maximise the mixture's likelihood of held-out rows.

    Each step sets a component's weight to its mean responsibility (Dempster, Laird, Rubin 1977);
    the likelihood is concave in the weights, so the maximum is the global one.

    Args:
        log_likelihoods: Of each row under each component, nats, shape `(rows, components)`.
        floor: Share of the mass spread evenly over all components, so that none is ever lost:
            a component of little use on complete rows may be the only one for some evidence.
        tolerance: Gain in nats a row below which to stop.
        steps: Most steps.

    Returns:
        Weights that sum to 1, shape `(components,)`.

    Example:
        >>> mixture_weights(np.log([[0.9, 0.1], [0.9, 0.1]]), floor=0.0).round(3)
        array([1., 0.])
    """
    components = log_likelihoods.shape[1]
    weights = np.full(components, 1 / components)
    before = -np.inf
    for _ in range(steps):
        joint = log_likelihoods + np.log(np.maximum(weights, np.finfo(float).tiny))
        row = np.logaddexp.reduce(joint, axis=1, keepdims=True)
        if row.mean() - before < tolerance:
            break
        before = row.mean()
        weights = np.exp(joint - row).mean(axis=0)
    return np.asarray((1 - floor) * weights + floor / components)
