"""Tail probabilities of a value under its conditional, compiled: how surprising it is.

    p(x) = P(q(X) < q(x)) + P(q(X) = q(x)) / 2

counts the values that are more surprising than x, not those that are larger. q is the mass of a
value. Masses that are equal but for rounding count as equal. Those of numbers are in
`numeric_tails.py`.
"""

from math import log

from madeira.models.arrays import Float64
from madeira.models.compiled import inlined, subroutine

__all__ = ["MAX_RANKS", "TIE", "discrete_tail", "expected_surprise", "lost_spread"]

TIE = 1e-6
"""Relative difference of masses below which they are equal."""

MAX_RANKS = 8
"""Largest masses, whose width is taken from the spread of -log p."""


@inlined
def _primitive(u: float) -> float:
    """Integral of -log from 0 to u."""
    return u - u * log(u) if u > 0.0 else 0.0


@inlined
def _square_primitive(u: float) -> float:
    """Integral of log squared from 0 to u."""
    return u * (log(u) * (log(u) - 2.0) + 2.0) if u > 0.0 else 0.0


@inlined
def expected_surprise(p: float, tied: float) -> float:
    """Mean of -log u over the tail probabilities u that a value stands for.

    They are those of p minus and plus half of its mass. Under the model the mean of this over all
    values is 1 for any masses; the mean of -log p would be less.

    Args:
        p: Tail probability of the value.
        tied: Mass of all that is as surprising.
    """
    low = max(p - tied / 2.0, 0.0)
    if tied <= 1e-6 * p:
        return -log(p)
    return (_primitive(low + tied) - _primitive(low)) / tied


@inlined
def lost_spread(top: float, mass: float) -> float:
    """How much a mass takes from the variance 1 of -log u, as it stands below a place `top`."""
    low = max(top - mass, 0.0)
    if mass <= 1e-6 * top:
        return 0.0
    first = _primitive(top) - _primitive(low)
    return max(_square_primitive(top) - _square_primitive(low) - first * first / mass, 0.0)


@subroutine
def discrete_tail(masses: Float64, size: int, code: int, found: Float64) -> None:
    """Tail probability of one of a few values.

    Args:
        masses: Of all outcomes, `unknown` included; written to.
        size: How many there are.
        code: The value.
        found: Receives the tail probability, the mass of all that is as surprising, and the
            variance of `expected_surprise` under the model.
    """
    own = masses[code]
    less = tied = 0.0
    for other in range(size):
        if masses[other] < own * (1.0 - TIE):
            less += masses[other]
        elif masses[other] <= own * (1.0 + TIE):
            tied += masses[other]
    spread, top = 1.0, 1.0
    for _ in range(min(MAX_RANKS, size)):
        best = 0
        for other in range(1, size):
            best = other if masses[other] > masses[best] else best
        spread -= lost_spread(top, masses[best])
        top -= masses[best]
        masses[best] = -1.0
    found[0], found[1], found[2] = less + tied / 2.0, tied, max(spread, 0.0)
