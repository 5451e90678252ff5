"""How far orderings of the any-order networks disagree about the same row."""

import numpy as np

from benchmarks.held_out import Trial
from madeira.models.arrays import Float64
from madeira.models.inference.member import Component
from madeira.models.inference.walk.walk import walk_on
from madeira.models.inference.weights.sorted import sort_units
from madeira.models.made.ordering import random_positions

__all__ = ["ordering_measures"]

ORDERINGS = 16
MAX_CELLS = 8_000


def ordering_measures(trial: Trial, seed: int) -> dict[str, float]:
    """Return the spread of a held-out row's log-likelihood over random orderings.

    Args:
        trial: Model and rows.
        seed: Seed of the orderings.

    Returns:
        `spread` and `spread_most`: of its standard deviations the mean over rows and the 99th
        percentile, nats; nothing where no
        network knows every ordering.
    """
    held = trial.held[: MAX_CELLS // trial.held.shape[1]]
    nats = _by_ordering(trial, held[(~np.isnan(held)).any(axis=1)], seed)
    if nats is None:
        return {}
    spread = nats.std(axis=0, ddof=1)
    return {"spread": float(spread.mean()), "spread_most": float(np.quantile(spread, 0.99))}


def _by_ordering(trial: Trial, rows: Float64, seed: int) -> Float64 | None:
    """Log-likelihoods under the even mixture of the any-order networks: `(orderings, rows)`."""
    density, generator = trial.estimator.density, np.random.default_rng(seed)
    orderings = [random_positions(density.variables, generator) for _ in range(ORDERINGS)]
    observed = ~np.isnan(rows)
    by_member = []
    for index, member in enumerate(density.members):
        if not member.any_order:
            continue
        mask = member.masks[0]
        walk = walk_on(sort_units(member.network, mask.degrees), density.layout)
        components = [Component(index, mask.with_positions(one), True) for one in orderings]
        orders = [component.orders(observed) for component in components]
        by_member.append([walk.score(rows, one, observed.sum(axis=1))[:, 0] for one in orders])
    if not by_member:
        return None
    mixed: Float64 = np.logaddexp.reduce(by_member, axis=0) - np.log(len(by_member))
    return mixed
