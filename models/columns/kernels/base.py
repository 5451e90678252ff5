"""Kernels: column kinds as compiled scalar code, one variable of one row at a time.

A head evaluates many columns of many rows at once; a kernel evaluates one cell, which is what a
walk through an ordering needs. Both say the same: a test holds every kernel to its head.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from madeira.models.arrays import Float64
from madeira.models.columns.base import Column

__all__ = [
    "NO_CONSTANTS",
    "Kernel",
    "no_constants",
]


NO_CONSTANTS: Float64 = np.zeros(0)


def no_constants(_: Column) -> Float64:
    """Return the constants of a kind that needs none."""
    return NO_CONSTANTS


@dataclass(frozen=True)
class Kernel:
    """One column kind, compiled.

    Attributes:
        constants: What the functions need to know of a column, float64, any length.
        features: `(value, units, constants, at)` writes the input units of a known value to the
            front of `units`, float32, zero before.
        log_prob: `(parameters, width, value, constants, at)` -> nats, in original units.
        draw: `(parameters, width, noise, temperature, within_range, constants, at)` -> encoded
            value.
        masses: `(parameters, width, masses, constants, at)` writes the probability of each value
            that can be drawn, by its code, to the front of `masses`, float64. None for numbers,
            whose values are not a few: see `madeira.models.columns.kernels.mixture`.

    `parameters` (float32, `width` of them count) and `noise` (float64) are buffers that may be
    written to; the column's constants are those of `constants` from `at` on. Buffers and places
    stand for slices, whose making would cost as much as the arithmetic.
    """

    constants: Callable[[Any], Float64]
    features: Callable[..., None]
    log_prob: Callable[..., float]
    draw: Callable[..., float]
    masses: Callable[..., None] | None = None
