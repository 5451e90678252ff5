"""What the kernels of amounts share, compiled: see `models.columns.amount_head.AmountHead`.

The constants of a column are the six numbers of its transform, the logarithm of the unit that a
density is per, the number of its logistics, the number of its atoms and their codes.
"""

from dataclasses import astuple
from math import asinh, cosh, exp, log, log1p, sinh, sqrt, tanh

import numpy as np

from models.columns.amount import Amount
from models.columns.kernels.base import Floats, inlined
from models.columns.numbers import Values

__all__ = [
    "COMPONENTS",
    "FARTHEST",
    "LOG_UNIT",
    "atom_at",
    "bounded",
    "constants_of",
    "draw_code",
    "log_scale",
    "log_slope",
    "log_total",
    "place_features",
    "transformed",
]

FARTHEST = 1e6
LOG_UNIT, COMPONENTS = 6, 7  # places among the constants
_ATOMS = 8
_CODES = 9
_FEATURE_LIMIT = 8.0
_PLACE_UNITS = 4
_LOG_SCALE_LIMIT = 7.0
_SMALLEST = 2.0**-53


def constants_of(column: Amount, log_unit: float) -> Values:
    """The constants of a column."""
    counts = [column.components, len(column.atoms)]
    return np.array([*astuple(column.transform), log_unit, *counts, *column.atom_codes])


@inlined
def bounded(value: float, low: float, high: float) -> float:
    """The nearest number between two ends."""
    return min(max(value, low), high)


@inlined
def transformed(code: float, constants: Values, at: int) -> float:
    """T(code)."""
    y = (code - constants[at]) / constants[at + 1]
    inside = bounded(y, constants[at + 2], constants[at + 3])
    bent = asinh(inside) + (y - inside) / sqrt(1.0 + inside * inside)
    return float((bent - constants[at + 4]) / constants[at + 5])


@inlined
def log_slope(code: float, constants: Values, at: int) -> float:
    """Log T'(code)."""
    y = (code - constants[at]) / constants[at + 1]
    inside = bounded(y, constants[at + 2], constants[at + 3])
    return -log(constants[at + 1] * constants[at + 5]) - 0.5 * log1p(inside * inside)


@inlined
def untransformed(point: float, constants: Values, at: int) -> float:
    """The code at which T is a point."""
    bent = point * constants[at + 5] + constants[at + 4]
    inside = bounded(bent, asinh(constants[at + 2]), asinh(constants[at + 3]))
    y = sinh(inside) + (bent - inside) * cosh(inside)
    return float(constants[at] + constants[at + 1] * y)


@inlined
def log_scale(raw: float) -> float:
    """7 tanh(raw / 7)."""
    return _LOG_SCALE_LIMIT * tanh(raw / _LOG_SCALE_LIMIT)


@inlined
def atom_at(code: float, constants: Values, at: int) -> int:
    """Which atom a code is; -1 for none."""
    found = -1
    for atom in range(int(constants[at + _ATOMS])):
        if constants[at + _CODES + atom] == code:
            found = atom
    return found


@inlined
def place_features(value: float, units: Floats, constants: Values, at: int) -> None:
    """T(code), clipped, three steps of it, and which atom the value is."""
    point = transformed(value, constants, at)
    units[0] = bounded(point, -_FEATURE_LIMIT, _FEATURE_LIMIT)
    for step in range(3):
        units[1 + step] = tanh(2.0 * (point - (step - 1)))
    atom = atom_at(value, constants, at)
    if atom >= 0:
        units[_PLACE_UNITS + atom] = 1.0


@inlined
def log_total(parameters: Floats, width: int, components: int) -> float:
    """Log of the sum of exponentials of all logits, those of logistics and those of atoms."""
    highest = float(parameters[0])
    for m in range(1, components):
        highest = max(highest, parameters[m])
    for place in range(3 * components, width):
        highest = max(highest, parameters[place])
    mass = 0.0
    for m in range(components):
        mass += exp(parameters[m] - highest)
    for place in range(3 * components, width):
        mass += exp(parameters[place] - highest)
    return float(highest + log(mass))


@inlined
def draw_code(
    parameters: Floats,
    width: int,
    noise: Values,
    temperature: float,
    constants: Values,
    at: int,
) -> float:
    """A logistic or an atom by one uniform, the quantile of a logistic by another."""
    components = int(constants[at + COMPONENTS])
    atoms = int(constants[at + _ATOMS])
    outcomes = components + atoms
    highest = parameters[0]
    for outcome in range(outcomes):
        place = outcome if outcome < components else outcome + 2 * components
        highest = max(highest, parameters[place])
    mass = 0.0
    for outcome in range(outcomes):
        place = outcome if outcome < components else outcome + 2 * components
        mass += exp((parameters[place] - highest) / temperature)
        parameters[place] = mass
    target = noise[0] * mass
    drawn = 0
    while drawn < outcomes - 1:
        place = drawn if drawn < components else drawn + 2 * components
        if parameters[place] > target:
            break
        drawn += 1
    if drawn >= components:
        return float(constants[at + _CODES + drawn - components])
    where = bounded(noise[1], _SMALLEST, 1.0 - _SMALLEST)
    quantile = log(where) - log1p(-where)
    spread = exp(log_scale(parameters[2 * components + drawn])) * temperature
    point = bounded(parameters[components + drawn] + spread * quantile, -FARTHEST, FARTHEST)
    return untransformed(point, constants, at)
