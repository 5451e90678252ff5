"""Arithmetic that the kernels of numeric columns share; compiled, the same as `NumericHead`.

The constants of a column are the six numbers of its transform, the logarithm of the unit that a
density is per, the number of its logistics, the number of its atoms, the codes of the ends of its
range, these on the scale of the mixture, asinh of the ends of the transform, whether no atom has an
input unit, and the codes of the atoms.
"""

from dataclasses import astuple
from math import asinh, cosh, exp, expm1, log, log1p, sinh, sqrt, tanh

import numpy as np

from madeira.models.arrays import Float32, Float64
from madeira.models.columns.mixture import MAX_LOG_SCALE
from madeira.models.columns.numeric import SCALAR_UNITS, Numeric
from madeira.models.columns.numeric_head import MAX_FEATURE, MAX_POINT
from madeira.models.columns.truncation import MIN_WIDTH
from madeira.models.compiled import inlined

__all__ = [
    "ATOMS",
    "BENT_HIGH",
    "BENT_LOW",
    "CODES",
    "COMPONENTS",
    "HIGH",
    "HIGHEST",
    "LOG_UNIT",
    "LOW",
    "LOWEST",
    "atom_at",
    "bounded",
    "constants_of",
    "draw_code",
    "inside",
    "log_scale",
    "log_sigmoid",
    "log_slope",
    "log_total",
    "log_weight_inside",
    "scalar_features",
    "slope",
    "transformed",
    "untransformed",
]

LOG_UNIT, COMPONENTS = 6, 7  # places among the constants
ATOMS = 8
LOWEST, HIGHEST, LOW, HIGH = 9, 10, 11, 12
BENT_LOW, BENT_HIGH = 13, 14
ONE_HOT = 15
CODES = 16
_MIN_UNIFORM = 2.0**-53


def constants_of(column: Numeric, log_unit: float) -> Float64:
    """Return the constants of a column.

    Args:
        column: The column.
        log_unit: Logarithm of the unit that its density is per; 0 for masses.
    """
    counts = [column.components, len(column.atoms)]
    ends = [*column.range_codes, *column.range_points]
    bent = np.arcsinh([column.transform.low, column.transform.high])
    start = [*astuple(column.transform), log_unit, *counts, *ends, *bent, column.one_hot]
    return np.array([*start, *column.atom_codes])


@inlined
def bounded(value: float, low: float, high: float) -> float:
    """Return the nearest number between two ends."""
    return min(max(value, low), high)


@inlined
def transformed(code: float, constants: Float64, at: int) -> float:
    """T(code)."""
    y = (code - constants[at]) / constants[at + 1]
    inside = bounded(y, constants[at + 2], constants[at + 3])
    bent = asinh(inside) + (y - inside) / sqrt(1.0 + inside * inside)
    return float((bent - constants[at + 4]) / constants[at + 5])


@inlined
def log_slope(code: float, constants: Float64, at: int) -> float:
    """Log T'(code)."""
    y = (code - constants[at]) / constants[at + 1]
    inside = bounded(y, constants[at + 2], constants[at + 3])
    return -log(constants[at + 1] * constants[at + 5]) - 0.5 * log1p(inside * inside)


@inlined
def slope(code: float, constants: Float64, at: int) -> float:
    """T'(code)."""
    y = (code - constants[at]) / constants[at + 1]
    inside = bounded(y, constants[at + 2], constants[at + 3])
    return float(1.0 / (constants[at + 1] * constants[at + 5] * sqrt(1.0 + inside * inside)))


@inlined
def untransformed(point: float, constants: Float64, at: int) -> float:
    """Return the code at which T is a point."""
    bent = point * constants[at + 5] + constants[at + 4]
    inside = bounded(bent, constants[at + BENT_LOW], constants[at + BENT_HIGH])
    y = sinh(inside) + (bent - inside) * cosh(inside)
    return float(constants[at] + constants[at + 1] * y)


@inlined
def log_scale(raw: float) -> float:
    """7 tanh(raw / 7)."""
    return MAX_LOG_SCALE * tanh(raw / MAX_LOG_SCALE)


@inlined
def atom_at(code: float, constants: Float64, at: int) -> int:
    """Which atom a code is; -1 for none."""
    found = -1
    for atom in range(int(constants[at + ATOMS])):
        if constants[at + CODES + atom] == code:
            found = atom
    return found


@inlined
def scalar_features(value: float, units: Float32, constants: Float64, at: int) -> None:
    """T(code), clipped, three steps of it, and which atom the value is, or none."""
    point = transformed(value, constants, at)
    units[0] = bounded(point, -MAX_FEATURE, MAX_FEATURE)
    for step in range(3):
        units[1 + step] = tanh(2.0 * (point - (step - 1)))
    atom = atom_at(value, constants, at)
    if atom >= 0:
        units[SCALAR_UNITS + atom] = 1.0
    elif constants[at + ONE_HOT] > 0.0:
        units[SCALAR_UNITS + int(constants[at + ATOMS])] = 1.0


@inlined
def log_total(parameters: Float32, width: int, components: int) -> float:
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
    parameters: Float32,
    width: int,
    noise: Float64,
    temperature: float,
    within_range: bool,
    constants: Float64,
    at: int,
) -> float:
    """Return a logistic or an atom by one uniform, the quantile of a logistic by another.

    Args:
        parameters: Of the conditional; written to.
        width: How many there are.
        noise: Two uniforms.
        temperature: Below 1 for likelier values.
        within_range: Whether to draw between the ends of the range.
        constants: Of the column, from `at` on.
        at: See there.
    """
    if within_range:
        return _draw_inside(parameters, noise, temperature, constants, at)
    components = int(constants[at + COMPONENTS])
    atoms = int(constants[at + ATOMS])
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
        return float(constants[at + CODES + drawn - components])
    where = bounded(noise[1], _MIN_UNIFORM, 1.0 - _MIN_UNIFORM)
    quantile = log(where) - log1p(-where)
    spread = exp(log_scale(parameters[2 * components + drawn])) * temperature
    point = bounded(parameters[components + drawn] + spread * quantile, -MAX_POINT, MAX_POINT)
    return untransformed(point, constants, at)


@inlined
def inside(code: float, within_range: bool, constants: Float64, at: int) -> float:
    """Clip a code to the range, if asked: rounding may have put it beyond an end."""
    return bounded(code, constants[at + LOWEST], constants[at + HIGHEST]) if within_range else code


@inlined
def _draw_inside(
    parameters: Float32, noise: Float64, temperature: float, constants: Float64, at: int
) -> float:
    """As `draw_code`, from the distribution cut at the ends of the range."""
    components = int(constants[at + COMPONENTS])
    outcomes = components + int(constants[at + ATOMS])
    highest = -np.inf
    for outcome in range(outcomes):
        weight = log_weight_inside(parameters, outcome, temperature, constants, at)
        highest = max(highest, weight)
    mass = 0.0
    for outcome in range(outcomes):
        mass += exp(log_weight_inside(parameters, outcome, temperature, constants, at) - highest)
    target = noise[0] * mass
    mass = 0.0
    drawn, last = -1, 0
    for outcome in range(outcomes):
        share = exp(log_weight_inside(parameters, outcome, temperature, constants, at) - highest)
        mass += share
        last = outcome if share > 0.0 else last
        if drawn < 0 and mass > target:
            drawn = outcome
    drawn = last if drawn < 0 else drawn
    if drawn >= components:
        return float(constants[at + CODES + drawn - components])
    mean = parameters[components + drawn]
    spread = exp(log_scale(parameters[2 * components + drawn])) * temperature
    low, high = (constants[at + LOW] - mean) / spread, (constants[at + HIGH] - mean) / spread
    where = bounded(noise[1], _MIN_UNIFORM, 1.0 - _MIN_UNIFORM)
    from_low, from_high = log1p(-where), log(where)
    below = _log_sum(from_low + log_sigmoid(low), from_high + log_sigmoid(high))
    above = _log_sum(from_low + log_sigmoid(-low), from_high + log_sigmoid(-high))
    point = bounded(mean + spread * (below - above), constants[at + LOW], constants[at + HIGH])
    return untransformed(bounded(point, -MAX_POINT, MAX_POINT), constants, at)


@inlined
def log_weight_inside(
    parameters: Float32, outcome: int, temperature: float, constants: Float64, at: int
) -> float:
    """Logarithm of the share of a logistic or an atom within the range, not normalised.

    Args:
        parameters: Of the conditional.
        outcome: A logistic, or the number of logistics plus an atom.
        temperature: Of the draw; 1 for the share itself.
        constants: Of the column, from `at` on.
        at: See there.
    """
    components = int(constants[at + COMPONENTS])
    if outcome >= components:
        code = constants[at + CODES + outcome - components]
        if code < constants[at + LOWEST] or code > constants[at + HIGHEST]:
            return -np.inf
        return float(parameters[outcome + 2 * components] / temperature)
    spread = exp(log_scale(parameters[2 * components + outcome])) * temperature
    low = (constants[at + LOW] - parameters[components + outcome]) / spread
    high = (constants[at + HIGH] - parameters[components + outcome]) / spread
    both = log_sigmoid(high) + log_sigmoid(-low)
    width = log(-expm1(-max(high - low, MIN_WIDTH)))
    return float(parameters[outcome] / temperature + both + width)


@inlined
def log_sigmoid(value: float) -> float:
    """Log 1 / (1 + exp(-value))."""
    return min(value, 0.0) - log1p(exp(-abs(value)))


@inlined
def _log_sum(a: float, b: float) -> float:
    """Log(exp(a) + exp(b))."""
    return max(a, b) + log1p(exp(-abs(a - b)))
