"""Integer columns, compiled: see `models.columns.integer.IntegerHead`."""

from math import exp, expm1, log, log1p

import numpy as np

from models.columns.integer import Integer
from models.columns.kernels.amount import (
    COMPONENTS,
    FARTHEST,
    atom_at,
    bounded,
    constants_of,
    draw_code,
    log_scale,
    log_slope,
    place_features,
    transformed,
)
from models.columns.kernels.base import Floats, Kernel, inlined
from models.columns.numbers import Values

__all__ = ["INTEGER"]

_FINEST = 1e-7
_FARTHEST_CODE = 2.0**30


def _constants(column: Integer) -> Values:
    return constants_of(column, 0.0)


@inlined
def _softplus(value: float) -> float:
    """Log(1 + exp(value))."""
    return max(value, 0.0) + log1p(exp(-abs(value)))


@inlined
def _log_prob(parameters: Floats, width: int, value: float, constants: Values, at: int) -> float:
    """Masses of the cell around the value; sums of exponentials grow with their maxima."""
    components = int(constants[at + COMPONENTS])
    low = transformed(value - 0.5, constants, at)
    high = transformed(value + 0.5, constants, at)
    slope = exp(log_slope(value, constants, at))
    rounded = slope < _FINEST or abs(value) > _FARTHEST_CODE
    cell = slope if rounded else high - low
    middle = bounded((low + high) / 2.0, -FARTHEST, FARTHEST)
    highest = highest_logit = -1e300
    mass = mass_of_logits = 0.0
    atom = atom_at(value, constants, at)
    if atom >= 0:
        highest = float(parameters[3 * components + atom])
        mass = 1.0
    for m in range(components):
        logit = float(parameters[m])
        sharpness = exp(-log_scale(parameters[2 * components + m]))
        distance = (middle - parameters[components + m]) * sharpness
        half = cell * sharpness / 2.0
        ends = _softplus(-half - distance) + _softplus(distance - half)
        term = logit - ends + log(-expm1(-2.0 * half))
        if term > highest:
            mass = mass * exp(highest - term) + 1.0
            highest = term
        else:
            mass += exp(term - highest)
        if logit > highest_logit:
            mass_of_logits = mass_of_logits * exp(highest_logit - logit) + 1.0
            highest_logit = logit
        else:
            mass_of_logits += exp(logit - highest_logit)
    for place in range(3 * components, width):
        logit = float(parameters[place])
        if logit > highest_logit:
            mass_of_logits = mass_of_logits * exp(highest_logit - logit) + 1.0
            highest_logit = logit
        else:
            mass_of_logits += exp(logit - highest_logit)
    return float(highest + log(mass) - highest_logit - log(mass_of_logits))


@inlined
def _draw(
    parameters: Floats,
    width: int,
    noise: Values,
    temperature: float,
    constants: Values,
    at: int,
) -> float:
    """An atom, or the lattice point nearest to a point of the line."""
    return float(np.rint(draw_code(parameters, width, noise, temperature, constants, at)))


INTEGER = Kernel(_constants, place_features, _log_prob, _draw)
