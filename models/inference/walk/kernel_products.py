"""Sums of products, compiled: what a walk is made of.

Loops over whole arrays that are arguments, with places instead of slices: a slice is an object
with a reference count, and costs more than the few numbers that it names.
"""

from math import exp, log1p, tanh

import numpy as np

from madeira.models.arrays import Float32, Int64
from madeira.models.compiled import inlined
from madeira.models.inference.walk.vectors import dot, dots_4_1, dots_4_2, fma

__all__ = ["activate", "add_product", "add_rows"]


@inlined
def activate(activation: int, value: np.float32) -> np.float32:
    """Return the nonlinearity: 0 relu, 1 softplus, 2 tanh."""
    if activation == 0:
        return value if value > 0 else np.float32(0.0)
    if activation == 1:
        return np.float32((value if value > 0 else 0.0) + log1p(exp(-abs(value))))
    return np.float32(tanh(value))


@inlined
def add_product(
    weight: Float32,
    picks: Int64,
    count: int,
    units: Float32,
    top: int,
    bottom: int,
    length: int,
    out: Float32,
) -> None:
    """Add `weight[picks[:count], :length] @ units[top:bottom, :length].T` to `out`.

    Four rows of one and two of the other are taken at a time, so that a number is loaded once for
    several products.

    Args:
        weight: Shape `(any, at least length)`; zeros up to a multiple of the lanes.
        picks: Rows of `weight`.
        count: Number of picks.
        units: Shape `(at least bottom, at least length)`, filled up alike.
        top: First row of `units`.
        bottom: End of the rows of `units`.
        length: Columns that count; a multiple of the lanes.
        out: Shape `(at least count, at least bottom)`.
    """
    whole_picks = count - count % 4
    whole_rows = bottom - (bottom - top) % 2
    for q in range(0, whole_picks, 4):
        four = (picks[q], picks[q + 1], picks[q + 2], picks[q + 3])
        for r in range(top, whole_rows, 2):
            au, av, aw, az, bu, bv, bw, bz = dots_4_2(weight, four, units, (r, r + 1), length)
            out[q, r] += au
            out[q + 1, r] += av
            out[q + 2, r] += aw
            out[q + 3, r] += az
            out[q, r + 1] += bu
            out[q + 1, r + 1] += bv
            out[q + 2, r + 1] += bw
            out[q + 3, r + 1] += bz
        for r in range(whole_rows, bottom):
            au, av, aw, az = dots_4_1(weight, four, units, (r,), length)
            out[q, r] += au
            out[q + 1, r] += av
            out[q + 2, r] += aw
            out[q + 3, r] += az
    for q in range(whole_picks, count):
        for r in range(top, bottom):
            (au,) = dot(weight, (picks[q],), units, (r,), length)
            out[q, r] += au


@inlined
def add_rows(
    weight: Float32, which: Int64, factors: Float32, count: int, out: Float32, begin: int
) -> None:
    """Add `factors[:count] @ weight[which[:count], begin:]` to `out[begin:]`, four at a time.

    Args:
        weight: Shape `(any, width)`.
        which: Rows of `weight`.
        factors: A number for each.
        count: Number of rows.
        out: Shape `(at least width,)`.
        begin: First column that counts.
    """
    whole = count - count % 4
    first, end = np.uint64(begin), np.uint64(weight.shape[1])
    for p in range(0, whole, 4):
        u, v, w, z = which[p], which[p + 1], which[p + 2], which[p + 3]
        a, b, c, d = factors[p], factors[p + 1], factors[p + 2], factors[p + 3]
        for k in range(first, end):
            ab = fma(b, weight[v, k], fma(a, weight[u, k], out[k]))
            out[k] = fma(d, weight[z, k], fma(c, weight[w, k], ab))
    for p in range(whole, count):
        u, a = which[p], factors[p]
        for k in range(first, end):
            out[k] = fma(a, weight[u, k], out[k])
