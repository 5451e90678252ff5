"""The tail probability of a row, from those of its cells along one ordering; compiled.

By the chain rule the tail probabilities of the conditionals along an ordering are independent and,
under the model, uniform, also where values are missing. Two tests of that look for two kinds of
anomaly: the sum of -log p for many cells that are slightly odd (Fisher), and the smallest p for one
that is all but impossible (Sidak). The smaller of the two is corrected for having chosen.

A discrete value stands for a range of p. Its -log p is the mean over that range, which has the
mean 1 as it should, and a variance below 1: a column that holds one value in every row adds
nothing. So the sum has the variance V in the place of the number of cells n, and S - n + V is
compared with a gamma distribution of the shape V.
"""

from math import exp, expm1, lgamma, log, log1p, sqrt

from madeira.models.compiled import subroutine

__all__ = ["row_tail"]

_TERMS = 2_000
_PRECISION = 1e-12


@subroutine
def row_tail(count: int, surprise: float, spread: float, smallest: float) -> float:
    """Tail probability of a row.

    R. A. Fisher, Statistical Methods for Research Workers, 1932; Z. Sidak, Rectangular Confidence
    Regions for the Means of Multivariate Normal Distributions, JASA 1967. How many tests the two
    amount to, from 1 for one cell to 2 for many, was found by simulation.

    Args:
        count: Number of cells, at least 1.
        surprise: Sum over cells of the mean of -log of the p that a value stands for.
        spread: Sum of the variances of these under the model.
        smallest: Smallest tail probability of a cell.
    """
    shape = max(spread, 1.0)
    many = _gamma_above(shape, surprise - count + shape)
    one = -expm1(count * log1p(-smallest)) if smallest < 1.0 else 1.0
    smaller = min(many, one)
    if not smaller < 1.0:
        return 1.0
    tests = 1.0 + (1.0 - 1.0 / sqrt(shape)) * (1.0 - sqrt(smaller) / 2.0)
    return -expm1(tests * log1p(-smaller))


@subroutine
def _gamma_above(shape: float, x: float) -> float:
    """Mass of a gamma distribution above a number: its series, or its continued fraction."""
    if not x > 0.0:
        return 1.0
    front = exp(shape * log(x) - x - lgamma(shape))
    if x < shape + 1.0:
        term = total = 1.0 / shape
        for n in range(1, _TERMS):
            term *= x / (shape + n)
            total += term
            if term < total * _PRECISION:
                break
        return max(1.0 - front * total, 0.0)
    # Lentz's method.
    b = x + 1.0 - shape
    c, d = 1e300, 1.0 / b
    total = d
    for n in range(1, _TERMS):
        a = -n * (n - shape)
        b += 2.0
        d = 1.0 / (a * d + b)
        c = b + a / c
        total *= c * d
        if abs(c * d - 1.0) < _PRECISION:
            break
    return front * total
