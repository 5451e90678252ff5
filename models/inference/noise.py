"""The noise of a draw, made from a request's own seed before anything is batched.

Rows are filled one after the other from a single generator: cutting a request into chunks, or
batching it with others, changes nothing of what is drawn.
"""

import numpy as np

from madeira.models.arrays import Float64

__all__ = ["draw_noise", "noise_generator"]

MIN_UNIFORM = 2.0**-54


def noise_generator(seed: int | None) -> np.random.Generator:
    """Return the generator of one request; an unpredictable one where there is no seed."""
    return np.random.Generator(np.random.PCG64(seed))


def draw_noise(rows: int, width: int, generator: np.random.Generator) -> Float64:
    """Uniform noise in the open interval (0, 1), shape `(rows, width)`.

    Args:
        rows: Number of rows.
        width: Uniforms that a row takes.
        generator: Source of the noise.
    """
    return np.maximum(generator.random((rows, width)), MIN_UNIFORM)
