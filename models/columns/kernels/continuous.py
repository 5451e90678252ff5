"""Continuous columns, compiled: see `models.columns.continuous.ContinuousHead`."""

from math import exp, log, log1p, tanh

import numpy as np

from models.columns.continuous import Continuous
from models.columns.kernels.base import Floats, Kernel, inlined
from models.columns.numbers import Values

__all__ = ["CONTINUOUS"]

_FARTHEST = 1e6
_FEATURE_LIMIT = 8.0
_LOG_SCALE_LIMIT = 7.0
_SMALLEST = 2.0**-53


def _constants(column: Continuous) -> Values:
    return np.array([np.log(column.scale)])


@inlined
def _features(value: float, units: Floats, constants: Values, at: int) -> None:
    """The clipped standardised value."""
    units[0] = min(max(value, -_FEATURE_LIMIT), _FEATURE_LIMIT)


@inlined
def _log_prob(parameters: Floats, width: int, value: float, constants: Values, at: int) -> float:
    """Mixture of logistics; the two sums of exponentials grow with their running maxima."""
    components = width // 3
    z = min(max(value, -_FARTHEST), _FARTHEST)
    highest = highest_logit = -1e300
    mass = mass_of_logits = 0.0
    for m in range(components):
        logit = float(parameters[m])
        log_scale = _LOG_SCALE_LIMIT * tanh(parameters[2 * components + m] / _LOG_SCALE_LIMIT)
        distance = abs(z - parameters[components + m]) * exp(-log_scale)
        term = logit - distance - 2.0 * log1p(exp(-distance)) - log_scale
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
    return float(highest + log(mass) - highest_logit - log(mass_of_logits) - constants[at])


@inlined
def _draw(
    parameters: Floats,
    width: int,
    noise: Values,
    temperature: float,
    constants: Values,
    at: int,
) -> float:
    """A component by one uniform, its quantile by another."""
    components = width // 3
    highest = parameters[0]
    for m in range(1, components):
        highest = max(highest, parameters[m])
    mass = 0.0
    for m in range(components):
        mass += exp((parameters[m] - highest) / temperature)
        parameters[m] = mass
    place = noise[0] * mass
    drawn = 0
    while drawn < components - 1 and parameters[drawn] <= place:
        drawn += 1
    log_scale = _LOG_SCALE_LIMIT * tanh(parameters[2 * components + drawn] / _LOG_SCALE_LIMIT)
    where = min(max(noise[1], _SMALLEST), 1.0 - _SMALLEST)
    quantile = log(where) - log1p(-where)
    value = parameters[components + drawn] + exp(log_scale) * temperature * quantile
    return float(min(max(value, -_FARTHEST), _FARTHEST))


CONTINUOUS = Kernel(_constants, _features, _log_prob, _draw)
