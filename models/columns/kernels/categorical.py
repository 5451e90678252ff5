"""Categorical columns, compiled: see `madeira.models.columns.categorical.CategoricalHead`."""

from math import exp, log

from madeira.models.columns.kernels.base import Floats, Kernel, no_constants
from madeira.models.compiled import inlined
from madeira.models.values.numbers import Values

__all__ = ["CATEGORICAL"]


@inlined
def _features(value: float, units: Floats, constants: Values, at: int) -> None:
    """One-hot."""
    units[int(value)] = 1.0


@inlined
def _log_prob(parameters: Floats, width: int, value: float, constants: Values, at: int) -> float:
    """Log-softmax at the code."""
    highest = parameters[0]
    for code in range(1, width):
        highest = max(highest, parameters[code])
    mass = 0.0
    for code in range(width):
        mass += exp(parameters[code] - highest)
    return float(parameters[int(value)] - highest - log(mass))


@inlined
def _draw(
    parameters: Floats,
    width: int,
    noise: Values,
    temperature: float,
    within_range: bool,
    constants: Values,
    at: int,
) -> float:
    """Inverse distribution function over the known categories; `unknown`, the last, is left out."""
    known = width - 1
    highest = parameters[0]
    for code in range(1, known):
        highest = max(highest, parameters[code])
    mass = 0.0
    for code in range(known):
        mass += exp((parameters[code] - highest) / temperature)
        parameters[code] = mass
    place = noise[0] * mass
    drawn = 0
    while drawn < known - 1 and parameters[drawn] <= place:
        drawn += 1
    return float(drawn)


@inlined
def _masses(parameters: Floats, width: int, masses: Values, constants: Values, at: int) -> None:
    """Softmax over the known categories."""
    known = width - 1
    highest = float(parameters[0])
    for code in range(1, known):
        highest = max(highest, parameters[code])
    total = 0.0
    for code in range(known):
        masses[code] = exp(parameters[code] - highest)
        total += masses[code]
    for code in range(known):
        masses[code] /= total


CATEGORICAL = Kernel(no_constants, _features, _log_prob, _draw, _masses)
