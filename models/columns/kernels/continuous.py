"""Continuous columns, compiled: see `madeira.models.columns.continuous.ContinuousHead`."""

from math import exp, log

import numpy as np

from madeira.models.arrays import Float32, Float64
from madeira.models.columns.continuous import Continuous
from madeira.models.columns.kernels.base import Kernel
from madeira.models.columns.kernels.numeric import (
    BOUNDED,
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
    mean_near,
    scalar_features,
    supported_factor,
    transformed,
)
from madeira.models.columns.numeric import NULL_CODE
from madeira.models.columns.numeric_head import MAX_POINT
from madeira.models.compiled import inlined

__all__ = ["CONTINUOUS"]


def _constants(column: Continuous) -> Float64:
    return constants_of(column, float(np.log(column.scale)))


@inlined
def _log_prob(parameters: Float32, width: int, value: float, constants: Float64, at: int) -> float:
    """Mixture of logistics, or an atom; the sum of exponentials grows with its maximum.

    The density of a logistic at t scales from its mean is exp(-|t|) / (1 + exp(-|t|))^2 / scale.
    """
    components = int(constants[at + COMPONENTS])
    atom = atom_at(value, constants, at)
    total = log_total(parameters, width, components)
    if atom >= 0:
        return float(parameters[3 * components + atom] - total)
    point = bounded(transformed(value, constants, at), -MAX_POINT, MAX_POINT)
    cut = constants[at + BOUNDED] > 0.0
    highest, mass = -1e300, 0.0
    for m in range(components):
        spread = log_scale(parameters[2 * components + m])
        sharpness = exp(-spread)
        mean = float(parameters[components + m])
        factor = 1.0
        if cut:
            mean = mean_near(mean, 1.0 / sharpness, constants, at)
            factor = supported_factor(mean, sharpness, constants, at)
        distance = abs(point - mean) * sharpness
        beside = 1.0 + exp(-distance)
        share = factor / (beside * beside)
        term = parameters[m] - distance - spread
        if term > highest:
            mass = mass * exp(highest - term) + share
            highest = term
        else:
            mass += share * exp(term - highest)
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
    if code < NULL_CODE:
        code = bounded(code, -MAX_POINT, MAX_POINT)
    return inside(code, within_range, constants, at)


CONTINUOUS = Kernel(_constants, scalar_features, _log_prob, _draw)
