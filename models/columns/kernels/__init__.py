"""Column kinds as compiled scalar code: what a walk through an ordering calls for one cell.

A kind is one file with a `Kernel`, and an entry in `dispatch.py`.
"""

from madeira.models.columns.kernels.base import Kernel
from madeira.models.columns.kernels.dispatch import (
    BINARY_NUMBER,
    KERNELS,
    draw,
    features,
    kernel_of,
    log_prob,
    masses,
)

__all__ = [
    "BINARY_NUMBER",
    "KERNELS",
    "Kernel",
    "draw",
    "features",
    "kernel_of",
    "log_prob",
    "masses",
]
