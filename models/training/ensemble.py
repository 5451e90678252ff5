"""Weights of a mixture, by expectation-maximisation on held-out rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from madeira.models.arrays import Bool, Float64
from madeira.models.columns.layout import Layout
from madeira.models.inference.density import Density
from madeira.models.inference.member import Member
from madeira.models.training.config import Weighing
from madeira.models.training.data import complete_rows

__all__ = [
    "MIN_GAIN",
    "MixtureFit",
    "fit_mixture_weights",
    "mixture_weights",
    "sparse_mixture_weights",
]


MIN_GAIN = 0.05
"""Nats a row that members of fixed orderings must gain beside any-order ones to stay."""

SURE_ERRORS = 2.0
"""Standard errors of that gain that it must exceed, too."""


def mixture_weights(
    log_likelihoods: Float64, floor: float = 1e-3, tolerance: float = 1e-6, steps: int = 1_000
) -> Float64:
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


def sparse_mixture_weights(log_likelihoods: Float64, lasting: Bool, least: float = 5e-3) -> Float64:
    """Mixture weights of which very small ones are set to zero.

    The gain of a component falls with its weight, its cost does not. A component below `least` is
    therefore removed, and the others are weighted again.

    Components that do not last answer complete rows alone, so that the likelihoods of a complete
    row and of a part of it then come from different networks. Beside lasting ones they stay only
    where they gain `MIN_GAIN` and more than chance on the rows.

    Args:
        log_likelihoods: Of each row under each component, nats, shape `(rows, components)`.
        lasting: Components that stay even at a low weight, at the floor of `mixture_weights`,
            shape `(components,)`; where there is none, the best one stays.
        least: Smallest weight that another component keeps.

    Returns:
        Weights that sum to 1, shape `(components,)`.
    """
    weights = mixture_weights(log_likelihoods, floor=0.0)
    kept = lasting | (weights >= min(least, weights.max()))
    result = np.zeros(len(weights))
    result[kept] = mixture_weights(log_likelihoods[:, kept])
    if lasting.any() and not lasting.all():
        alone = np.zeros(len(weights))
        alone[lasting] = mixture_weights(log_likelihoods[:, lasting])
        gain = _mixed(log_likelihoods, result) - _mixed(log_likelihoods, alone)
        error = gain.std() / np.sqrt(len(gain))
        if gain.mean() < max(MIN_GAIN, SURE_ERRORS * error):
            return alone
    return result


def _mixed(log_likelihoods: Float64, weights: Float64) -> Float64:
    """Log-likelihood of each row under a mixture, `(rows,)`."""
    log_weights = np.log(np.maximum(weights, np.finfo(float).tiny))
    return np.asarray(np.logaddexp.reduce(log_likelihoods + log_weights, axis=1))


@dataclass(frozen=True)
class MixtureFit:
    """A mixture, and the weight and likelihood of each member.

    Attributes:
        density: The mixture; members that it gains nothing from are not in it.
        weights: Of each member, 0 where it is not, shape `(members,)`.
        complete_nats: Mean log-likelihood of the complete validation rows under each member
            alone, its masks weighed by the mixture or evenly, nats a row, shape `(members,)`;
            NaN where no validation row is complete.
    """

    density: Density
    weights: Float64
    complete_nats: Float64


def fit_mixture_weights(
    members: Sequence[Member], layout: Layout, valid: Float64, weighing: Weighing = "masks"
) -> MixtureFit:
    """Fit the weights of a mixture of the members' components to validation rows.

    Rows with missing values are left out of the weighing where any complete ones exist, since
    only complete rows are answered by every component. Components of fixed orderings that gain
    nothing are dropped, and members of which none is left.

    Args:
        members: The trained networks, of one layout.
        layout: Their variables.
        valid: Encoded rows that were not learned from, shape `(rows, variables)`.
        weighing: Whether every mask has a weight of its own, those of a member share one, or
            all members weigh the same.
    """
    owner = np.repeat(np.arange(len(members)), [len(member.masks) for member in members])
    any_order = np.array([member.any_order for member in members])[owner]
    weights = np.full(len(owner), 1 / len(owner))
    owned = [owner == index for index in range(len(members))]
    nats = np.full(len(members), np.nan)
    density = Density(members, layout, np.log(weights))
    complete = complete_rows(valid)
    if len(complete):
        scores = density.component_scores(complete)
        if weighing == "masks":
            weights = sparse_mixture_weights(scores, any_order)
        else:
            counts = np.array([len(member.masks) for member in members])
            alone = np.stack([_together(scores[:, own]) for own in owned], axis=1)
            lasting = np.array([member.any_order for member in members])
            shares = np.full(len(members), 1 / len(members))
            if weighing == "members":
                shares = sparse_mixture_weights(alone, lasting)
            weights = (shares / counts)[owner]
        nats = np.array([_alone(scores[:, own], weights[own]) for own in owned])
    kept = iter(weights > 0)
    sparse = [
        replace(member, masks=tuple(mask for mask in member.masks if next(kept)))
        for member in members
    ]
    return MixtureFit(
        density=Density([m for m in sparse if m.masks], layout, np.log(weights[weights > 0])),
        weights=np.array([weights[own].sum() for own in owned]),
        complete_nats=nats,
    )


def _together(scores: Float64) -> Float64:
    """Log-likelihood of each row under components of like weight, shape `(rows,)`."""
    together: Float64 = np.logaddexp.reduce(scores, axis=1) - np.log(scores.shape[1])
    return together


def _alone(scores: Float64, weights: Float64) -> float:
    """Mean log-likelihood of the rows under the components of one member."""
    if not weights.any():
        weights = np.ones(len(weights))
    return float(_mixed(scores, weights / weights.sum()).mean())
