"""Continuous columns, compiled: see `madeira.models.columns.continuous.ContinuousHead`."""

from math import exp, log, log1p

import numpy as np

from madeira.models.arrays import Float32, Float64
from madeira.models.columns.continuous import Continuous
from madeira.models.columns.kernels.base import Kernel
from madeira.models.columns.kernels.numeric import (
    COMPONENTS,
    LOG_UNIT,
    atom_at,
    bounded,
    constants_of,
    draw_code,
    inside,
    log_scale,
    log_slope,
    log_total,
    scalar_features,
    transformed,
)
from madeira.models.columns.numeric_head import MAX_POINT
from madeira.models.compiled import inlined

__all__ = ["CONTINUOUS"]


def _constants(column: Continuous) -> Float64:
    return constants_of(column, float(np.log(column.scale)))


@inlined
def _log_prob(parameters: Float32, width: int, value: float, constants: Float64, at: int) -> float:
    """Mixture of logistics, or an atom; the sum of exponentials grows with its maximum."""
    components = int(constants[at + COMPONENTS])
    atom = atom_at(value, constants, at)
    total = log_total(parameters, width, components)
    if atom >= 0:
        return float(parameters[3 * components + atom] - total)
    point = bounded(transformed(value, constants, at), -MAX_POINT, MAX_POINT)
    highest, mass = -1e300, 0.0
    for m in range(components):
        spread = log_scale(parameters[2 * components + m])
        distance = abs(point - parameters[components + m]) * exp(-spread)
        term = parameters[m] - distance - 2.0 * log1p(exp(-distance)) - spread
        if term > highest:
            mass = mass * exp(highest - term) + 1.0
            highest = term
        else:
            mass += exp(term - highest)
    slope = log_slope(value, constants, at) - constants[at + LOG_UNIT]
    return float(highest + log(mass) - total + slope)


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
    """Return an atom, or a point of the line."""
    code = draw_code(parameters, width, noise, temperature, within_range, constants, at)
    return inside(bounded(code, -MAX_POINT, MAX_POINT), within_range, constants, at)


CONTINUOUS = Kernel(_constants, scalar_features, _log_prob, _draw)
