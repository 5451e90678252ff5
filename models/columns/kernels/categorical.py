"""Categorical columns, compiled: see `madeira.models.columns.categorical.CategoricalHead`."""

from math import exp, log

from madeira.models.arrays import Float32, Float64
from madeira.models.columns.kernels.base import Kernel, no_constants
from madeira.models.compiled import inlined

__all__ = ["CATEGORICAL"]


@inlined
def _features(value: float, units: Float32, constants: Float64, at: int) -> None:
    """One-hot."""
    units[int(value)] = 1.0


@inlined
def _log_prob(parameters: Float32, width: int, value: float, constants: Float64, at: int) -> float:
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
    parameters: Float32,
    width: int,
    noise: Float64,
    temperature: float,
    within_range: bool,
    constants: Float64,
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
def _masses(parameters: Float32, width: int, masses: Float64, constants: Float64, at: int) -> None:
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
