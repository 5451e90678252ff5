"""Continuous columns, compiled: see `models.columns.continuous.ContinuousHead`."""

from math import exp, log, log1p

import numpy as np

from models.columns.continuous import Continuous
from models.columns.kernels.amount import (
    COMPONENTS,
    FARTHEST,
    LOG_UNIT,
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

__all__ = ["CONTINUOUS"]


def _constants(column: Continuous) -> Values:
    return constants_of(column, float(np.log(column.scale)))


@inlined
def _log_prob(parameters: Floats, width: int, value: float, constants: Values, at: int) -> float:
    """Mixture of logistics, or an atom; sums of exponentials grow with their running maxima."""
    components = int(constants[at + COMPONENTS])
    atom = atom_at(value, constants, at)
    point = bounded(transformed(value, constants, at), -FARTHEST, FARTHEST)
    highest = highest_logit = -1e300
    mass = mass_of_logits = 0.0
    for m in range(components):
        logit = float(parameters[m])
        if atom < 0:
            spread = log_scale(parameters[2 * components + m])
            distance = abs(point - parameters[components + m]) * exp(-spread)
            term = logit - distance - 2.0 * log1p(exp(-distance)) - spread
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
    total = highest_logit + log(mass_of_logits)
    if atom >= 0:
        return float(parameters[3 * components + atom] - total)
    slope = log_slope(value, constants, at) - constants[at + LOG_UNIT]
    return float(highest + log(mass) - total + slope)


@inlined
def _draw(
    parameters: Floats,
    width: int,
    noise: Values,
    temperature: float,
    constants: Values,
    at: int,
) -> float:
    """An atom, or a point of the line."""
    code = draw_code(parameters, width, noise, temperature, constants, at)
    return bounded(code, -FARTHEST, FARTHEST)


CONTINUOUS = Kernel(_constants, place_features, _log_prob, _draw)
