"""Integer columns, compiled: see `madeira.models.columns.integer.IntegerHead`."""

from math import exp, expm1, log

import numpy as np

from madeira.models.arrays import Float32, Float64
from madeira.models.columns.integer import MAX_CODE, MIN_SLOPE, Integer
from madeira.models.columns.kernels.base import Kernel
from madeira.models.columns.kernels.numeric import (
    ATOMS,
    BOUNDED,
    COMPONENTS,
    atom_at,
    bounded,
    constants_of,
    draw_code,
    inside,
    log_scale,
    log_total,
    mean_near,
    scalar_features,
    slope,
    supported_factor,
    transformed,
)
from madeira.models.columns.numeric_head import MAX_POINT
from madeira.models.compiled import inlined

__all__ = ["INTEGER"]


def _constants(column: Integer) -> Float64:
    return constants_of(column, 0.0)


@inlined
def _log_prob(parameters: Float32, width: int, value: float, constants: Float64, at: int) -> float:
    """Masses of the cell around the value; the sum of exponentials grows with its maximum.

    The mass of a logistic between its ends, in units of its scale from its mean, is
    (1 - exp(low - high)) / ((1 + exp(low)) (1 + exp(-high))).
    """
    components = int(constants[at + COMPONENTS])
    total = log_total(parameters, width, components)
    atom = atom_at(value, constants, at)
    if atom >= constants[at + ATOMS]:  # no number
        return float(parameters[3 * components + atom] - total)
    low = transformed(value - 0.5, constants, at)
    high = transformed(value + 0.5, constants, at)
    steepness = slope(value, constants, at)
    rounded = steepness < MIN_SLOPE or abs(value) > MAX_CODE
    cell = steepness if rounded else high - low
    middle = bounded((low + high) / 2.0, -MAX_POINT, MAX_POINT)
    cut = constants[at + BOUNDED] > 0.0
    highest, mass = -1e300, 0.0
    if atom >= 0:
        highest = float(parameters[3 * components + atom])
        mass = 1.0
    for m in range(components):
        sharpness = exp(-log_scale(parameters[2 * components + m]))
        mean = float(parameters[components + m])
        factor = 1.0
        if cut:
            mean = mean_near(mean, 1.0 / sharpness, constants, at)
            factor = supported_factor(mean, sharpness, constants, at)
        distance = (middle - mean) * sharpness
        half = cell * sharpness / 2.0
        near, far = abs(half - abs(distance)), half + abs(distance)
        share = -factor * expm1(-2.0 * half) / ((1.0 + exp(-near)) * (1.0 + exp(-far)))
        term = parameters[m] - max(abs(distance) - half, 0.0)
        if term > highest:
            mass = mass * exp(highest - term) + share
            highest = term
        else:
            mass += share * exp(term - highest)
    return float(highest + log(mass) - total)


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
    """Return an atom, or the grid point nearest to a point of the line."""
    code = draw_code(parameters, width, noise, temperature, within_range, constants, at)
    return inside(float(np.rint(code)), within_range, constants, at)


INTEGER = Kernel(_constants, scalar_features, _log_prob, _draw)
