"""Mixtures of logistics and atoms, compiled: quantiles, mean and most probable value of a number.

The conditional of a number under several networks is one mixture: the logistics of all of them,
each with a share, and the atoms, whose shares add up. A logistic stands on the scale of the
column's transform T and is cut at two ends, those of the support or of the range. The distribution
function is

    H(x) = sum_j share_j F_j(T(x + cell / 2)) + sum of the shares of atoms up to x

with a cell of one step for grids, whose values are the points nearest to those of the line,
and of none for densities.
"""

from math import exp, log, log1p

import numpy as np

from madeira.models.arrays import Float32, Float64
from madeira.models.columns.kernels.numeric import (
    ATOMS,
    BOUNDED,
    CODED,
    CODES,
    COMPONENTS,
    HIGH,
    HIGHEST,
    LOW,
    LOWEST,
    RANGE,
    bounded,
    log_mass,
    log_scale,
    log_sigmoid,
    log_weight,
    mean_near,
    transformed,
    untransformed,
)
from madeira.models.columns.numeric_head import MAX_POINT
from madeira.models.compiled import subroutine

__all__ = [
    "LOG_MASS",
    "MEAN",
    "SCALE",
    "SHARE",
    "add_mixture",
    "mean_of",
    "most_probable_of",
    "quantile_of",
]

SHARE, MEAN, SCALE, LOG_MASS = 0, 1, 2, 3  # rows of `parts`

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_REACH = 30.0  # scales from its mean: a logistic has 1e-13 of its mass beyond
_NEGLIGIBLE, _NOTHING = 1e-12, 1e-15
_FEW_CELLS = 256
_MAX_VALUES = 256
_TAIL = 1 / (_MAX_VALUES + 4)
_STEPS = 200


@subroutine
def add_mixture(
    parameters: Float32,
    weight: float,
    ends: int,
    numbers_only: bool,
    constants: Float64,
    at: int,
    parts: Float64,
    first: int,
    spikes: Float64,
) -> None:
    """Add the conditional under one network to a mixture.

    Args:
        parameters: Of the conditional.
        weight: Of the network.
        ends: `RANGE` or `SUPPORT`: where the logistics are cut.
        numbers_only: Whether to leave out what is no number, and give its share to the rest.
        constants: Of the column, from `at` on.
        at: See there.
        parts: Share, mean, scale and log-mass between the ends of each logistic, `(4, any)`;
            those of this network go to the columns from `first` on.
        first: See there.
        spikes: Shares of atoms, `(at least atoms,)`; this network's are added.
    """
    components = int(constants[at + COMPONENTS])
    outcomes = components + int(constants[at + (ATOMS if numbers_only else CODED)])
    highest, mass = -np.inf, 0.0
    for outcome in range(outcomes):
        share = log_weight(parameters, outcome, 1.0, ends, constants, at)
        if share > highest:
            mass = mass * exp(highest - share) + 1.0
            highest = share
        else:
            mass += exp(share - highest)
    for outcome in range(outcomes):
        share = log_weight(parameters, outcome, 1.0, ends, constants, at)
        share = weight * exp(share - highest) / mass
        if outcome >= components:
            spikes[outcome - components] += share
            continue
        place = first + outcome
        scale = exp(log_scale(parameters[2 * components + outcome]))
        mean = mean_near(parameters[components + outcome], scale, constants, at)
        low = (constants[at + ends + LOW] - mean) / scale
        high = (constants[at + ends + HIGH] - mean) / scale
        parts[SHARE, place] = share
        parts[MEAN, place] = mean
        parts[SCALE, place] = scale
        parts[LOG_MASS, place] = log_mass(low, high)


@subroutine
def _smooth_below(point: float, ends: int, constants: Float64, at: int, parts: Float64) -> float:
    """Mass of the logistics up to a point of the line, on the scale of T."""
    if point <= constants[at + ends + LOW]:
        return 0.0
    cut = ends == RANGE or constants[at + BOUNDED] > 0.0
    point = min(point, constants[at + ends + HIGH])
    mass = 0.0
    for j in range(parts.shape[1]):
        if parts[SHARE, j] < _NOTHING:
            continue
        t = (point - parts[MEAN, j]) / parts[SCALE, j]
        if cut:
            low = (constants[at + ends + LOW] - parts[MEAN, j]) / parts[SCALE, j]
            mass += parts[SHARE, j] * exp(min(log_mass(low, t) - parts[LOG_MASS, j], 0.0))
        else:
            mass += parts[SHARE, j] / (1.0 + exp(-t))
    return mass


@subroutine
def _below(
    code: float,
    cell: float,
    ends: int,
    constants: Float64,
    at: int,
    parts: Float64,
    spikes: Float64,
) -> float:
    """H(code): the probability of no more than a code."""
    point = transformed(code + cell / 2.0, constants, at)
    mass = _smooth_below(point, ends, constants, at, parts)
    for atom in range(int(constants[at + ATOMS])):
        mass += spikes[atom] if constants[at + CODES + atom] <= code else 0.0
    return mass


@subroutine
def quantile_of(
    probability: float,
    cell: float,
    ends: int,
    constants: Float64,
    at: int,
    parts: Float64,
    spikes: Float64,
) -> float:
    """Return the smallest code with H of at least a probability in (0, 1).

    It lies between the least and the greatest of those of the parts; bisection ends at neighbours,
    of the grid or of the floats.

    Args:
        probability: In (0, 1).
        cell: 1 on a grid, 0 on a continuum.
        ends: `RANGE` or `SUPPORT`: where the logistics are cut.
        constants: Of the column, from `at` on.
        at: See there.
        parts: The logistics, as of `add_mixture`, `(4, logistics)`.
        spikes: Shares of the atoms, `(atoms,)`.
    """
    low, high = np.inf, -np.inf
    logit = log(probability) - log1p(-probability)
    for j in range(parts.shape[1]):
        if parts[SHARE, j] >= _NOTHING:
            point = parts[MEAN, j] + parts[SCALE, j] * logit
            low, high = min(low, point), max(high, point)
    if high >= low and (ends == RANGE or constants[at + BOUNDED] > 0.0):
        low, high = constants[at + ends + LOW], constants[at + ends + HIGH]
    if high >= low:
        low = untransformed(bounded(low, -MAX_POINT, MAX_POINT), constants, at)
        high = untransformed(bounded(high, -MAX_POINT, MAX_POINT), constants, at)
    for atom in range(int(constants[at + ATOMS])):
        if spikes[atom] > 0.0:
            low = min(low, constants[at + CODES + atom])
            high = max(high, constants[at + CODES + atom])
    # From here on H(low) < probability <= H(high), up to rounding.
    if cell > 0.0:
        low, high = np.rint(low) - 1.0, np.rint(high) + 1.0
    else:
        margin = 1e-9 * (1.0 + abs(low) + abs(high))
        low, high = low - margin, high + margin
    for _ in range(_STEPS):
        middle = low + (high - low) / 2.0
        if cell > 0.0:
            middle = np.floor(middle)
        if middle <= low or middle >= high:
            break
        if _below(middle, cell, ends, constants, at, parts, spikes) < probability:
            low = middle
        else:
            high = middle
    if cell == 0.0:
        for atom in range(int(constants[at + ATOMS])):  # near 0 floats have no end of neighbours
            code = constants[at + CODES + atom]
            if low < code < high:
                below = _below(code, cell, ends, constants, at, parts, spikes)
                high = code if below >= probability else high
        high = bounded(high, -MAX_POINT, MAX_POINT)
    return float(bounded(high, constants[at + ends + LOWEST], constants[at + ends + HIGHEST]))


@subroutine
def mean_of(
    cell: float,
    ends: int,
    constants: Float64,
    at: int,
    parts: Float64,
    spikes: Float64,
) -> float:
    """Return the mean of the codes.

    That of a logistic on a grid is a sum over its cells where they are few; else it is an
    integral by Gauss and Legendre's rule, in pieces between the ends of which T has all
    derivatives.

    Args:
        cell: As for `quantile_of`, as are all others.
        ends: See there.
        constants: See there.
        at: See there.
        parts: See there.
        spikes: See there.
    """
    mean = total = 0.0
    for atom in range(int(constants[at + ATOMS])):
        mean += spikes[atom] * constants[at + CODES + atom]
        total += spikes[atom]
    for j in range(parts.shape[1]):
        share = parts[SHARE, j]
        if share <= _NEGLIGIBLE:
            continue
        total += share
        centre, scale = parts[MEAN, j], parts[SCALE, j]
        low = (constants[at + ends + LOW] - centre) / scale
        high = (constants[at + ends + HIGH] - centre) / scale
        peak = bounded(0.0, low, high)
        low, high = max(low, peak - _REACH), min(high, peak + _REACH)
        first = untransformed(bounded(centre + scale * low, -MAX_POINT, MAX_POINT), constants, at)
        last = untransformed(bounded(centre + scale * high, -MAX_POINT, MAX_POINT), constants, at)
        if cell > 0.0 and last - first <= _FEW_CELLS:
            of_part = _grid_mean(np.rint(first), np.rint(last), j, ends,
                                    constants, at, parts)  # fmt: skip
        else:
            of_part = _line_mean(low, high, j, constants, at, parts)
        mean += share * of_part
    mean /= total
    return float(bounded(mean, constants[at + ends + LOWEST], constants[at + ends + HIGHEST]))


@subroutine
def _grid_mean(
    first: float,
    last: float,
    j: int,
    ends: int,
    constants: Float64,
    at: int,
    parts: Float64,
) -> float:
    """Return the mean of one logistic over grid points: first + sum of 1 - F at cells' ends."""
    low = (constants[at + ends + LOW] - parts[MEAN, j]) / parts[SCALE, j]
    high = (constants[at + ends + HIGH] - parts[MEAN, j]) / parts[SCALE, j]
    mean, code = first, first
    while code < last:
        t = (transformed(code + 0.5, constants, at) - parts[MEAN, j]) / parts[SCALE, j]
        if t <= low:
            mean += 1.0
        elif t < high:
            mean += exp(min(log_mass(t, high) - parts[LOG_MASS, j], 0.0))
        code += 1.0
    return float(mean)


@subroutine
def _line_mean(
    low: float, high: float, j: int, constants: Float64, at: int, parts: Float64
) -> float:
    """Return the mean of one logistic between standardised ends, by quadrature."""
    centre, scale = parts[MEAN, j], parts[SCALE, j]
    start = transformed(constants[at] + constants[at + 1] * constants[at + 2], constants, at)
    end = transformed(constants[at] + constants[at + 1] * constants[at + 3], constants, at)
    bent_from = bounded((start - centre) / scale, low, high)
    bent_to = bounded((end - centre) / scale, low, high)
    mean = mass = 0.0
    for piece in range(3):
        left = low if piece == 0 else (bent_from if piece == 1 else bent_to)
        right = bent_from if piece == 0 else (bent_to if piece == 1 else high)
        if right <= left:
            continue
        for node in range(len(_NODES)):
            t = left + (right - left) * (1.0 + _NODES[node]) / 2.0
            density = log_sigmoid(t) + log_sigmoid(-t) - parts[LOG_MASS, j]
            weight = _WEIGHTS[node] * (right - left) / 2.0 * exp(density)
            point = bounded(centre + scale * t, -MAX_POINT, MAX_POINT)
            mean += weight * untransformed(point, constants, at)
            mass += weight
    return float(mean / mass)


@subroutine
def _mass_at(
    code: float, ends: int, constants: Float64, at: int, parts: Float64, spikes: Float64
) -> float:
    """Return the probability of a grid point."""
    low = transformed(code - 0.5, constants, at)
    high = transformed(code + 0.5, constants, at)
    mass = _smooth_below(high, ends, constants, at, parts)
    mass -= _smooth_below(low, ends, constants, at, parts)
    for atom in range(int(constants[at + ATOMS])):
        mass += spikes[atom] if constants[at + CODES + atom] == code else 0.0
    return mass


@subroutine
def most_probable_of(
    ends: int, constants: Float64, at: int, parts: Float64, spikes: Float64
) -> float:
    """Return the most probable point of a grid, the smallest where several are.

    What lies below the first and above the last quantile that are looked at is less than the
    average of as many points as there may be between: all between are looked at. Where there are
    more, the atoms and what lies around the means of the logistics are.

    Args:
        ends: As for `quantile_of`, as are all others.
        constants: See there.
        at: See there.
        parts: See there.
        spikes: See there.
    """
    first = quantile_of(_TAIL, 1.0, ends, constants, at, parts, spikes)
    last = quantile_of(1.0 - _TAIL, 1.0, ends, constants, at, parts, spikes)
    best, highest = first, -1.0
    if last - first < _MAX_VALUES:
        code = first
        below = _smooth_below(transformed(code - 0.5, constants, at), ends, constants, at, parts)
        while code <= last:
            upto = _smooth_below(transformed(code + 0.5, constants, at), ends, constants, at, parts)
            mass = upto - below
            for atom in range(int(constants[at + ATOMS])):
                mass += spikes[atom] if constants[at + CODES + atom] == code else 0.0
            if mass > highest:
                best, highest = code, mass
            below = upto
            code += 1.0
        return float(best)
    for atom in range(int(constants[at + ATOMS])):
        code = constants[at + CODES + atom]
        mass = _mass_at(code, ends, constants, at, parts, spikes)
        if mass > highest:
            best, highest = code, mass
    for j in range(parts.shape[1]):
        if parts[SHARE, j] <= highest / 8.0:  # too little for a summit of its own
            continue
        middle = bounded(parts[MEAN, j], -MAX_POINT, MAX_POINT)
        beyond = bounded(parts[MEAN, j] + parts[SCALE, j], -MAX_POINT, MAX_POINT)
        code = untransformed(middle, constants, at)
        step = max(np.rint(untransformed(beyond, constants, at) - code), 1.0)
        code = bounded(np.rint(code), first, last)
        here = _mass_at(code, ends, constants, at, parts, spikes)
        while step >= 1.0:  # uphill by ever smaller steps
            for side in range(2):
                other = bounded(code + (step if side == 0 else -step), first, last)
                mass = _mass_at(other, ends, constants, at, parts, spikes)
                if mass > here:
                    code, here = other, mass
            step = np.floor(step / 2.0)
        if here > highest:
            best, highest = code, here
    return float(best)
