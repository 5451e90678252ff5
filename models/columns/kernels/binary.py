"""Binary columns, compiled: see `madeira.models.columns.binary.BinaryHead`."""

from math import exp, log1p

import numpy as np

from madeira.models.arrays import Float32, Float64
from madeira.models.columns.binary import Binary
from madeira.models.columns.kernels.base import Kernel
from madeira.models.compiled import inlined

__all__ = ["BINARY"]


def _constants(column: Binary) -> Float64:
    """Return 1 where each value has an input unit, 0 where the code is the only one."""
    return np.array([float(column.one_hot)])


@inlined
def _features(value: float, units: Float32, constants: Float64, at: int) -> None:
    if constants[at] == 0.0:
        units[0] = value
    elif value > 0.5:
        units[1] = 1.0
    else:
        units[0] = 1.0


@inlined
def _log_prob(parameters: Float32, width: int, value: float, constants: Float64, at: int) -> float:
    """Log sigmoid((2 x - 1) logit)."""
    logit = parameters[0] if value > 0.5 else -parameters[0]
    return float(min(logit, 0.0) - log1p(exp(-abs(logit))))


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
    """1 where the uniform is below sigmoid(logit / T)."""
    chance = 1.0 / (1.0 + exp(-parameters[0] / temperature))
    return 1.0 if noise[0] < chance else 0.0


@inlined
def _masses(parameters: Float32, width: int, masses: Float64, constants: Float64, at: int) -> None:
    """Sigmoids of the logit and of its negative: neither is a difference."""
    masses[0] = 1.0 / (1.0 + exp(parameters[0]))
    masses[1] = 1.0 / (1.0 + exp(-parameters[0]))


BINARY = Kernel(_constants, _features, _log_prob, _draw, _masses)
