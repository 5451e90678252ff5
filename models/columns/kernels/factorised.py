"""Factorised columns, compiled: see `madeira.models.columns.factorised.FactorisedHead`.

The constants of a column are the numbers of its groups, of members of one, of coordinates and of
categories, the log-share of each category in its group, and the coordinates of each.
"""

from math import exp, log

import numpy as np

from madeira.models.arrays import Float32, Float64
from madeira.models.columns.factorised import Factorised
from madeira.models.columns.kernels.base import Kernel
from madeira.models.compiled import inlined

__all__ = ["FACTORISED"]

_GROUPS, _MEMBERS, _COORDINATES, _SIZE, _SHARES = range(5)


def _constants(column: Factorised) -> Float64:
    size = len(column.vocabulary)
    numbers = [column.groups, column.group_size, column.dimensions, size]
    shares = column.log_shares.flatten()[:size]
    points = column.points.flatten()[: size * column.dimensions]
    return np.concatenate([numbers, shares, points])


@inlined
def _features(value: float, units: Float32, constants: Float64, at: int) -> None:
    """Write the group one-hot, and the coordinates; of `unknown` the group alone."""
    groups, size = int(constants[at + _GROUPS]), int(constants[at + _SIZE])
    code, dimensions = int(value), int(constants[at + _COORDINATES])
    if code >= size:
        units[groups] = 1.0
        return
    units[code // int(constants[at + _MEMBERS])] = 1.0
    points = at + _SHARES + size + code * dimensions
    for axis in range(dimensions):
        units[groups + 1 + axis] = constants[points + axis]


@inlined
def _logit(parameters: Float32, code: int, constants: Float64, at: int) -> float:
    """Return the logit of a category among those of its group."""
    groups, dimensions = int(constants[at + _GROUPS]), int(constants[at + _COORDINATES])
    points = at + _SHARES + int(constants[at + _SIZE]) + code * dimensions
    logit = constants[at + _SHARES + code]
    for axis in range(dimensions):
        logit += parameters[groups + 1 + axis] * constants[points + axis]
    return float(logit)


@inlined
def _end_of(first: int, constants: Float64, at: int) -> int:
    """Where the group that begins at a code ends."""
    return min(first + int(constants[at + _MEMBERS]), int(constants[at + _SIZE]))


@inlined
def _log_prob(parameters: Float32, width: int, value: float, constants: Float64, at: int) -> float:
    """Return the log-probability of the group, and of the member of it."""
    groups, members = int(constants[at + _GROUPS]), int(constants[at + _MEMBERS])
    code = int(value)
    known = code < int(constants[at + _SIZE])
    group = code // members if known else groups
    highest = float(parameters[0])
    for other in range(1, groups + 1):
        highest = max(highest, parameters[other])
    mass = 0.0
    for other in range(groups + 1):
        mass += exp(parameters[other] - highest)
    of_group = float(parameters[group] - highest - log(mass))
    if not known:
        return of_group
    first = group * members
    highest, mass = -1e300, 0.0
    for other in range(first, _end_of(first, constants, at)):
        term = _logit(parameters, other, constants, at)
        if term > highest:
            mass = mass * exp(highest - term) + 1.0
            highest = term
        else:
            mass += exp(term - highest)
    return of_group + _logit(parameters, code, constants, at) - highest - log(mass)


@inlined
def _draw(
    parameters: Float32,
    width: int,
    noise: Float64,
    temperature: float,
    within_range: bool,
    constants: Float64,
    at: int,
) -> float:
    """Draw a group by one uniform, a member by another; never `unknown`, the last group."""
    groups = int(constants[at + _GROUPS])
    highest = float(parameters[0])
    for group in range(1, groups):
        highest = max(highest, parameters[group])
    mass = 0.0
    for group in range(groups):
        mass += exp((parameters[group] - highest) / temperature)
        parameters[group] = mass
    target = noise[0] * mass
    drawn = 0
    while drawn < groups - 1 and parameters[drawn] <= target:
        drawn += 1
    code = drawn * int(constants[at + _MEMBERS])
    end = _end_of(code, constants, at)
    highest = -1e300
    for member in range(code, end):
        highest = max(highest, _logit(parameters, member, constants, at))
    mass = 0.0
    for member in range(code, end):
        mass += exp((_logit(parameters, member, constants, at) - highest) / temperature)
    target = noise[1] * mass
    mass = exp((_logit(parameters, code, constants, at) - highest) / temperature)
    while code < end - 1 and mass <= target:
        code += 1
        mass += exp((_logit(parameters, code, constants, at) - highest) / temperature)
    return float(code)


@inlined
def _masses(parameters: Float32, width: int, masses: Float64, constants: Float64, at: int) -> None:
    """Softmax over the known groups, times that over the members of each."""
    groups, members = int(constants[at + _GROUPS]), int(constants[at + _MEMBERS])
    highest = float(parameters[0])
    for group in range(1, groups):
        highest = max(highest, parameters[group])
    of_groups = 0.0
    for group in range(groups):
        of_groups += exp(parameters[group] - highest)
    for group in range(groups):
        first = group * members
        end = _end_of(first, constants, at)
        best = -1e300
        for code in range(first, end):
            masses[code] = _logit(parameters, code, constants, at)
            best = max(best, masses[code])
        total = 0.0
        for code in range(first, end):
            masses[code] = exp(masses[code] - best)
            total += masses[code]
        share = exp(parameters[group] - highest) / of_groups
        for code in range(first, end):
            masses[code] *= share / total


FACTORISED = Kernel(_constants, _features, _log_prob, _draw, _masses)
