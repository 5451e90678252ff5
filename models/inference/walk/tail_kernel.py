"""Tail probabilities of cells and rows under their conditionals, compiled.

A conditional is given by the parameters of a variable under each of some networks, and the share
of each; see `madeira.models.columns.kernels.tails` for what a tail probability is.
"""

from math import exp
from typing import NamedTuple

import numpy as np

from madeira.models.arrays import Float32, Float64, Int64
from madeira.models.columns.kernels import BINARY_NUMBER, log_prob, masses
from madeira.models.columns.kernels.mixture import add_mixture
from madeira.models.columns.kernels.numeric import CODED, COMPONENTS, SUPPORT
from madeira.models.columns.kernels.numeric_tails import MAX_NODES, numeric_tail
from madeira.models.columns.kernels.tails import discrete_tail, expected_surprise
from madeira.models.columns.layout import Layout
from madeira.models.columns.numeric import Numeric
from madeira.models.compiled import compiled, subroutine
from madeira.models.inference.walk.cpu_walk import in_parallel
from madeira.models.inference.walk.kernel_tables import KernelLayout, kernel_layout
from madeira.models.inference.walk.row_tail import row_tail

__all__ = ["TailLayout", "cell_tails", "row_tails", "tail_layout"]

MIN_TAIL = 1e-300
"""No tail probability is smaller, so that each has a logarithm."""


class TailLayout(NamedTuple):
    """Where parameters stand, and what the values of each variable are.

    Attributes:
        layout: Kinds, outputs and constants.
        outcomes: Number of outcomes of a discrete variable, `unknown` included; 0 of a number,
            `(variables,)`.
        cells: 1 where codes are a grid, `(variables,)`.
    """

    layout: KernelLayout
    outcomes: Int64
    cells: Float64


def tail_layout(layout: Layout) -> TailLayout:
    """Return what `tails` needs to know of a layout."""
    outcomes = np.zeros(layout.variables, np.int64)
    cells = np.zeros(layout.variables)
    for variable, column in enumerate(layout.columns):
        if isinstance(column, Numeric):
            cells[variable] = column.cell
        else:
            unknown = column.unknown_code
            outcomes[variable] = 2 if unknown is None else int(unknown) + 1
    return TailLayout(kernel_layout(layout), outcomes, cells)


def cell_tails(
    tables: TailLayout,
    rows: Int64,
    variables: Int64,
    values: Float64,
    parameters: Float32,
    shares: Float64,
) -> Float64:
    """Tail probabilities of some cells, in as many threads as torch is set to use.

    Args:
        tables: The variables.
        rows: Of each cell, the row of `parameters`, `(cells,)`.
        variables: Of each cell, `(cells,)`.
        values: Of each cell, its code, `(cells,)`.
        parameters: Of the one variable of each row under each network, from the first on,
            `(rows, networks, at least its outputs)`.
        shares: Of the networks, `(rows, networks)`.

    Returns:
        Shape `(cells,)`, positive.
    """
    found = np.empty(len(rows))

    def part(some: slice) -> None:
        _cells(tables, rows[some], variables[some], values[some], parameters, shares, found[some])

    in_parallel(part, len(rows))
    return found


def row_tails(tables: TailLayout, values: Float64, parameters: Float32) -> Float64:
    """Tail probabilities of rows, in as many threads as torch is set to use.

    Args:
        tables: The variables.
        values: Codes, NaN where missing, `(rows, variables)`.
        parameters: Of the conditionals along an ordering of each row, `(rows, outputs)`.

    Returns:
        Shape `(rows,)`, positive; 1 where nothing is observed.
    """
    found = np.empty(len(values))

    def part(some: slice) -> None:
        _rows(tables, values[some], parameters[some], found[some])

    in_parallel(part, len(values))
    return found


class _Room(NamedTuple):
    """Buffers of one thread: of parameters, masses, logistics, atoms, nodes and an answer."""

    own: Float32
    some: Float64
    total: Float64
    parts: Float64
    active: Float64
    spikes: Float64
    nodes: Float64
    answer: Float64


@subroutine
def _room(tables: TailLayout, networks: int) -> _Room:
    """Make room for any variable under some networks."""
    spans, constants = tables.layout
    widest = most_atoms = most_outcomes = most_logistics = 1
    for d in range(len(spans)):
        widest = max(widest, spans[d, 4] - spans[d, 3])
        most_outcomes = max(most_outcomes, tables.outcomes[d])
        if tables.outcomes[d] == 0:
            most_atoms = max(most_atoms, int(constants[spans[d, 7] + CODED]))
            most_logistics = max(most_logistics, int(constants[spans[d, 7] + COMPONENTS]))
    logistics = networks * most_logistics
    return _Room(
        np.empty(widest, np.float32),
        np.empty(most_outcomes),
        np.empty(most_outcomes),
        np.zeros((4, logistics)),
        np.empty((4, logistics)),
        np.empty(most_atoms),
        np.empty(1 + logistics * MAX_NODES),
        np.empty(3),
    )


@subroutine
def _cell(
    tables: TailLayout,
    d: int,
    value: float,
    parameters: Float32,
    shares: Float64,
    r: int,
    first: int,
    room: _Room,
) -> None:
    """Write tail probability, mass of what is as surprising and variance to `room.answer`."""
    spans, constants = tables.layout
    kind, at, width = spans[d, 0], spans[d, 7], spans[d, 4] - spans[d, 3]
    outcomes = tables.outcomes[d]
    own, some, total = room.own, room.some, room.total
    for outcome in range(outcomes):
        total[outcome] = 0.0
    for atom in range(len(room.spikes)):
        room.spikes[atom] = 0.0
    for j in range(room.parts.shape[1]):
        room.parts[0, j] = 0.0
    for network in range(shares.shape[1]):
        for place in range(width):
            own[place] = parameters[r, network, first + place]
        share = shares[r, network]
        if outcomes == 0:
            start = network * int(constants[at + COMPONENTS])
            add_mixture(own, share, SUPPORT, False, constants, at, room.parts, start, room.spikes)
            continue
        unknown = 0.0
        if kind != BINARY_NUMBER:
            unknown = exp(log_prob(kind, own, width, outcomes - 1.0, constants, at))
            total[outcomes - 1] += share * unknown
        masses(kind, own, width, some, constants, at)  # of the values that can be drawn
        for outcome in range(outcomes if kind == BINARY_NUMBER else outcomes - 1):
            total[outcome] += share * (1.0 - unknown) * some[outcome]
    answer = room.answer
    if outcomes == 0:
        numeric_tail(
            value,
            tables.cells[d],
            constants,
            at,
            room.parts,
            room.active,
            room.spikes,
            room.nodes,
            answer,
        )
    else:
        discrete_tail(total, outcomes, int(value), answer)
    answer[0] = min(answer[0], 1.0) if answer[0] > MIN_TAIL else MIN_TAIL  # of NaN too


@compiled
def _cells(
    tables: TailLayout,
    rows: Int64,
    variables: Int64,
    values: Float64,
    parameters: Float32,
    shares: Float64,
    found: Float64,
) -> None:
    """Write what `cell_tails` returns to `found`."""
    room = _room(tables, shares.shape[1])
    for c in range(len(rows)):
        _cell(tables, variables[c], values[c], parameters, shares, rows[c], 0, room)
        found[c] = room.answer[0]


@compiled
def _rows(tables: TailLayout, values: Float64, parameters: Float32, found: Float64) -> None:
    """Write what `row_tails` returns to `found`."""
    spans, _ = tables.layout
    rows, variables = values.shape
    room = _room(tables, 1)
    shares = np.ones((rows, 1))
    networks = parameters.reshape(rows, 1, parameters.shape[1])
    for r in range(rows):
        count, surprise, spread, smallest = 0, 0.0, 0.0, 1.0
        for d in range(variables):
            if np.isnan(values[r, d]):
                continue
            _cell(tables, d, values[r, d], networks, shares, r, spans[d, 3], room)
            p = room.answer[0]
            count += 1
            surprise += expected_surprise(p, room.answer[1])
            spread += room.answer[2]
            smallest = min(smallest, p)
        tail = row_tail(count, surprise, spread, smallest) if count else 1.0
        found[r] = tail if tail > MIN_TAIL else MIN_TAIL
