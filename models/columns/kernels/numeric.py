"""Arithmetic that the kernels of numeric columns share; compiled, the same as `NumericHead`.

The constants of a column are the six numbers of its transform, the logarithm of the unit that a
density is per, the number of its logistics, the numbers of atoms that are values, of those that can
be drawn and of all, asinh of the ends of the transform, the codes of the ends of its range and
these on the scale of the mixture, the same of its support, whether it has one, whether no atom has
an input unit, and the codes of the atoms.
"""

from dataclasses import astuple
from math import asinh, cosh, exp, expm1, log, log1p, sinh, sqrt, tanh

import numpy as np

from madeira.models.arrays import Float32, Float64
from madeira.models.columns.mixture import MAX_LOG_SCALE
from madeira.models.columns.numeric import NULL_CODE, SCALAR_UNITS, Numeric
from madeira.models.columns.numeric_head import MAX_FEATURE, MAX_POINT, MAX_SCALES_OUTSIDE
from madeira.models.columns.truncation import MIN_WIDTH
from madeira.models.compiled import inlined

__all__ = [
    "ATOMS",
    "BENT_HIGH",
    "BENT_LOW",
    "BOUNDED",
    "CODED",
    "CODES",
    "COMPONENTS",
    "DRAWN",
    "HIGH",
    "HIGHEST",
    "LOG_UNIT",
    "LOW",
    "LOWEST",
    "RANGE",
    "SUPPORT",
    "atom_at",
    "bounded",
    "constants_of",
    "draw_code",
    "inside",
    "log_mass",
    "log_scale",
    "log_sigmoid",
    "log_slope",
    "log_total",
    "log_weight",
    "mean_near",
    "scalar_features",
    "slope",
    "supported_factor",
    "transformed",
    "untransformed",
]

LOG_UNIT, COMPONENTS = 6, 7  # places among the constants
ATOMS, DRAWN, CODED = 8, 9, 10
BENT_LOW, BENT_HIGH = 11, 12
RANGE, SUPPORT = 13, 17
LOWEST, HIGHEST, LOW, HIGH = 0, 1, 2, 3  # places after `RANGE` and after `SUPPORT`
BOUNDED, ONE_HOT = 21, 22
CODES = 23
_MIN_UNIFORM = 2.0**-53
_FAR = 38.0  # scales beyond which a logistic has no mass that 1 could show


def constants_of(column: Numeric, log_unit: float) -> Float64:
    """Return the constants of a column.

    Args:
        column: The column.
        log_unit: Logarithm of the unit that its density is per; 0 for masses.
    """
    bounded, codes = column.support.bounded, column.outcome_codes
    counts = [column.components, len(column.atoms), len(codes) - bounded, len(codes)]
    bent = np.arcsinh([column.transform.low, column.transform.high])
    ends = [*column.range_codes, *column.range_points]
    support = [*column.support_codes, *column.support_points]
    flags = [bounded, column.one_hot]
    start = [*astuple(column.transform), log_unit, *counts, *bent, *ends, *support, *flags]
    return np.array([*start, *codes])


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
    """Which atom a code is, of all, those that are no number included; -1 for none."""
    found = -1
    for atom in range(int(constants[at + CODED])):
        if constants[at + CODES + atom] == code:
            found = atom
    return found


@inlined
def scalar_features(value: float, units: Float32, constants: Float64, at: int) -> None:
    """T(code), clipped, three steps of it, and which atom the value is, or none.

    What is no number has its atom alone.
    """
    atom = atom_at(value, constants, at)
    if atom >= 0:
        units[SCALAR_UNITS + atom] = 1.0
        if atom >= constants[at + ATOMS]:
            return
    elif constants[at + ONE_HOT] > 0.0:
        units[SCALAR_UNITS + int(constants[at + CODED])] = 1.0
    point = transformed(value, constants, at)
    units[0] = bounded(point, -MAX_FEATURE, MAX_FEATURE)
    for step in range(3):
        units[1 + step] = tanh(2.0 * (point - (step - 1)))


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
def mean_near(mean: float, scale: float, constants: Float64, at: int) -> float:
    """Return the mean of a logistic, moved to 30 scales from the support where it is farther."""
    margin = MAX_SCALES_OUTSIDE * scale
    low, high = constants[at + SUPPORT + LOW] - margin, constants[at + SUPPORT + HIGH] + margin
    return bounded(mean, low, high)


@inlined
def supported_factor(mean: float, sharpness: float, constants: Float64, at: int) -> float:
    """1 / mass that a logistic has in the support; its mean is that of `mean_near`.

    The mass between standardised ends a and b is (1 - exp(a - b)) / ((1 + exp(a)) (1 + exp(-b))).
    """
    low = (constants[at + SUPPORT + LOW] - mean) * sharpness
    high = (constants[at + SUPPORT + HIGH] - mean) * sharpness
    factor = 1.0
    if low > -_FAR:
        factor = 1.0 + exp(low)
    if high < _FAR:
        factor *= 1.0 + exp(-high)
    if high - low < _FAR:
        factor /= -expm1(-max(high - low, MIN_WIDTH))
    return factor


@inlined
def log_weight(
    parameters: Float32, outcome: int, temperature: float, ends: int, constants: Float64, at: int
) -> float:
    """Logarithm of the share of a logistic or an atom between two ends, not normalised.

    Args:
        parameters: Of the conditional.
        outcome: A logistic, or the number of logistics plus an atom.
        temperature: Of the draw; 1 for the share itself.
        ends: `RANGE` or `SUPPORT`.
        constants: Of the column, from `at` on.
        at: See there.
    """
    components = int(constants[at + COMPONENTS])
    if outcome >= components:
        atom = outcome - components
        code = constants[at + CODES + atom]
        beyond = code < constants[at + ends + LOWEST] or code > constants[at + ends + HIGHEST]
        if beyond and atom < constants[at + ATOMS]:
            return -np.inf
        return float(parameters[outcome + 2 * components] / temperature)
    weight = float(parameters[outcome] / temperature)
    if ends == SUPPORT:
        return weight
    scale = exp(log_scale(parameters[2 * components + outcome]))
    mean = mean_near(parameters[components + outcome], scale, constants, at)
    scale *= temperature
    low = (constants[at + ends + LOW] - mean) / scale
    high = (constants[at + ends + HIGH] - mean) / scale
    weight += log_mass(low, high)
    if constants[at + BOUNDED] > 0.0:
        low = (constants[at + SUPPORT + LOW] - mean) / scale
        high = (constants[at + SUPPORT + HIGH] - mean) / scale
        weight -= log_mass(low, high)
    return weight


@inlined
def log_mass(low: float, high: float) -> float:
    """Log-mass of the standard logistic between two ends."""
    return log_sigmoid(high) + log_sigmoid(-low) + log(-expm1(-max(high - low, MIN_WIDTH)))


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
        within_range: Whether to draw between the ends of the range, and not of the support.
        constants: Of the column, from `at` on.
        at: See there.
    """
    ends = RANGE if within_range else SUPPORT
    components = int(constants[at + COMPONENTS])
    outcomes = components + int(constants[at + DRAWN])
    highest = -np.inf
    for outcome in range(outcomes):
        place = outcome if outcome < components else outcome + 2 * components
        weight = log_weight(parameters, outcome, temperature, ends, constants, at)
        parameters[place] = weight
        highest = max(highest, parameters[place])
    mass = 0.0
    last = 0
    for outcome in range(outcomes):
        place = outcome if outcome < components else outcome + 2 * components
        share = exp(parameters[place] - highest)
        mass += share
        parameters[place] = mass
        last = outcome if share > 0.0 else last
    target = noise[0] * mass
    drawn = 0
    while drawn < last:
        place = drawn if drawn < components else drawn + 2 * components
        if parameters[place] > target:
            break
        drawn += 1
    if drawn >= components:
        return float(constants[at + CODES + drawn - components])
    scale = exp(log_scale(parameters[2 * components + drawn]))
    mean = mean_near(parameters[components + drawn], scale, constants, at)
    scale *= temperature
    where = bounded(noise[1], _MIN_UNIFORM, 1.0 - _MIN_UNIFORM)
    quantile = log(where) - log1p(-where)
    if within_range or constants[at + BOUNDED] > 0.0:
        low = (constants[at + ends + LOW] - mean) / scale
        high = (constants[at + ends + HIGH] - mean) / scale
        from_low, from_high = log1p(-where), log(where)
        below = _log_sum(from_low + log_sigmoid(low), from_high + log_sigmoid(high))
        above = _log_sum(from_low + log_sigmoid(-low), from_high + log_sigmoid(-high))
        quantile = below - above
    point = mean + scale * quantile
    point = bounded(point, constants[at + ends + LOW], constants[at + ends + HIGH])
    return untransformed(bounded(point, -MAX_POINT, MAX_POINT), constants, at)


@inlined
def inside(code: float, within_range: bool, constants: Float64, at: int) -> float:
    """Clip the code of a number to range or support: rounding may have put it beyond an end."""
    if code >= NULL_CODE:
        return code
    ends = RANGE if within_range else SUPPORT
    return bounded(code, constants[at + ends + LOWEST], constants[at + ends + HIGHEST])


@inlined
def log_sigmoid(value: float) -> float:
    """Log 1 / (1 + exp(-value))."""
    return min(value, 0.0) - log1p(exp(-abs(value)))


@inlined
def _log_sum(a: float, b: float) -> float:
    """Log(exp(a) + exp(b))."""
    return max(a, b) + log1p(exp(-abs(a - b)))
