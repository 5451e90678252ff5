"""Summaries of the conditionals of cells, compiled: one cell after the other.

A cell's conditional is a mixture: the same variable under each network, by its share. Every number
here is a function of that cell alone.
"""

import numpy as np

from madeira.models.arrays import Float32, Float64
from madeira.models.columns.kernels import masses
from madeira.models.columns.kernels.mixture import (
    add_mixture,
    mean_of,
    most_probable_of,
    quantile_of,
)
from madeira.models.columns.kernels.numeric import ATOMS, COMPONENTS
from madeira.models.compiled import compiled

__all__ = ["MEAN", "MODE", "NEITHER", "numeric_summaries", "probabilities"]


NEITHER, MEAN, MODE = 0, 1, 2


@compiled
def probabilities(
    kind: int,
    parameters: Float32,
    shares: Float64,
    constants: Float64,
    size: int,
    codes: Float64,
    result: Float64,
) -> None:
    """Write the probability of a value of each cell, or of its most probable value, and that value.

    Args:
        kind: Number of the kernel, of a choice among a few.
        parameters: Of each cell under each network, `(cells, networks, width)`.
        shares: Of the networks, `(cells, networks)`.
        constants: Of the column.
        size: Number of values that can be drawn.
        codes: The value of each cell; NaN is replaced by the most probable, the first of several,
            `(cells,)`.
        result: Receives the probabilities, `(cells,)`.
    """
    cells, networks, width = parameters.shape
    own = np.empty(width, np.float32)
    some = np.empty(size)
    total = np.empty(size)
    for cell in range(cells):
        for code in range(size):
            total[code] = 0.0
        for network in range(networks):
            for place in range(width):
                own[place] = parameters[cell, network, place]
            masses(kind, own, width, some, constants, 0)
            for code in range(size):
                total[code] += shares[cell, network] * some[code]
        if np.isnan(codes[cell]):
            best = 0
            for code in range(1, size):
                best = code if total[code] > total[best] else best
            codes[cell] = best
        result[cell] = total[int(codes[cell])]


@compiled
def numeric_summaries(
    cell_width: float,
    parameters: Float32,
    shares: Float64,
    constants: Float64,
    ends: int,
    wanted: Float64,
    estimate: int,
    quantiles: Float64,
    points: Float64,
) -> None:
    """Quantiles of numbers, and their mean or most probable value; what is no number is left out.

    Args:
        cell_width: 1 where the codes are a grid, 0 where they are a continuum.
        parameters: Of each cell under each network, `(cells, networks, width)`.
        shares: Of the networks, `(cells, networks)`.
        constants: Of the column.
        ends: `RANGE` or `SUPPORT`: between which ends numbers lie.
        wanted: Probabilities in (0, 1), `(wanted,)`.
        estimate: `MEAN`, or `MODE` of a grid, or `NEITHER`.
        quantiles: Receives the codes, `(wanted, cells)`.
        points: Receives means or most probable codes, `(cells,)`.
    """
    cells, networks, width = parameters.shape
    components, atoms = int(constants[COMPONENTS]), int(constants[ATOMS])
    parts = np.empty((4, networks * components))
    spikes = np.empty(atoms + 1)
    own = np.empty(width, np.float32)
    for cell in range(cells):
        for atom in range(atoms):
            spikes[atom] = 0.0
        for network in range(networks):
            for place in range(width):
                own[place] = parameters[cell, network, place]
            first, share = network * components, shares[cell, network]
            add_mixture(own, share, ends, True, constants, 0, parts, first, spikes)
        for place in range(len(wanted)):
            quantiles[place, cell] = quantile_of(
                wanted[place], cell_width, ends, constants, 0, parts, spikes
            )
        if estimate == MEAN:
            points[cell] = mean_of(cell_width, ends, constants, 0, parts, spikes)
        elif estimate == MODE:
            points[cell] = most_probable_of(ends, constants, 0, parts, spikes)
