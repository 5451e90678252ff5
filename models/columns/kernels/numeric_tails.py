"""Tail probabilities of numbers, compiled; see `tails.py`.

Between two common values a rare one has a small p. A value of a continuum has no mass, so it is
compared by the mass of the logistics in a window of fixed width on the scale of the column's
transform T, whose unit is the spread of the training values: p is the same in metres and in feet.

The mixture of logistics rises and falls monotonically between its *nodes*, a few points around
each mean, and outwards from the last of them. So the region of rarer values is a few intervals,
whose ends are searched for and whose masses are differences of distribution functions. What is no
number has the mass of its atom. But what lies outside the support has no end: its mass is spread
over any number of cells or windows, and nothing is rarer.
"""

from math import cosh, exp, log

import numpy as np

from madeira.models.arrays import Float64
from madeira.models.columns.kernels.mixture import LOG_MASS, MEAN, SCALE, SHARE
from madeira.models.columns.kernels.numeric import (
    ATOMS,
    BENT_HIGH,
    BENT_LOW,
    BOUNDED,
    CODED,
    CODES,
    HIGH,
    HIGHEST,
    LOW,
    LOWEST,
    SUPPORT,
    bounded,
    transformed,
    untransformed,
)
from madeira.models.columns.kernels.tails import MAX_RANKS, TIE, lost_spread
from madeira.models.columns.numeric_head import MAX_POINT
from madeira.models.compiled import inlined, subroutine

__all__ = ["MAX_NODES", "WINDOW", "numeric_tail"]

WINDOW = 0.02
"""Width of the window that stands for a value of a continuum, on the scale of T."""

MAX_NODES = 5
"""Nodes around the mean of one logistic."""

_OFFSETS = np.array([-4.0, -1.3, 0.0, 1.3, 4.0])
_COARSE, _FINE = 0.02, 0.001  # relative differences of masses at which an edge is found
_MIN_MASS = 1e-9  # of a limit: masses count as no less in the search for an edge
_NOTHING = 1e-15
_FAINT_SHARE = 1e-3  # of logistics that are left out where values are common:
_COMMON = 0.1  # those of larger tail probabilities
_SERIES_BELOW = 0.25
_STEPS = 60
_SMALL_SPIKE = 0.02


@inlined
def _logistic(t: float) -> float:
    """1 / (1 + exp(-t))."""
    return 1.0 / (1.0 + exp(-t))


@inlined
def _window_mass(t: float, half: float) -> float:
    """Mass of the standard logistic between t - half and t + half, no near numbers subtracted."""
    t = abs(t)
    if half < _SERIES_BELOW:
        square = half * half
        rise = half * (1.0 + square / 6.0 * (1.0 + square / 20.0))
        level = 1.0 + square / 2.0 * (1.0 + square / 12.0)
        decay = exp(-t)
        return 2.0 * rise * decay / (1.0 + decay * (decay + 2.0 * level))
    return _logistic(half - t) - _logistic(-half - t)


@inlined
def _width_at(point: float, cell: float, constants: Float64, at: int) -> float:
    """Width, on the scale of T, of what stands for a value: of a grid's cell, or of the window."""
    if cell == 0.0:
        return WINDOW
    bent = point * constants[at + 5] + constants[at + 4]
    bent = bounded(bent, constants[at + BENT_LOW], constants[at + BENT_HIGH])
    return float(cell / (constants[at + 1] * constants[at + 5] * cosh(bent)))


@subroutine
def _smooth_mass(
    point: float, cell: float, constants: Float64, at: int, parts: Float64, count: int
) -> float:
    """Mass of the logistics in what stands for a value, around a point of the scale of T.

    A cell ends where the support does; a window does not, for what stands for a density.
    """
    half = _width_at(point, cell, constants, at) / 2.0
    if cell > 0.0:
        low = max(point - half, constants[at + SUPPORT + LOW])
        high = min(point + half, constants[at + SUPPORT + HIGH])
        if high <= low:
            return 0.0
        point, half = (low + high) / 2.0, (high - low) / 2.0
    mass = 0.0
    for j in range(count):
        scale = parts[SCALE, j]
        t = (point - parts[MEAN, j]) / scale
        mass += parts[SHARE, j] * _window_mass(t, half / scale)
    return mass


@subroutine
def _beyond(
    point: float, sign: float, constants: Float64, at: int, parts: Float64, count: int
) -> float:
    """Mass of the logistics in the support below a point, or above it where the sign is negative.

    It is a difference of two numbers that are small on the side where the logistic's mean is not.
    """
    low, high = constants[at + SUPPORT + LOW], constants[at + SUPPORT + HIGH]
    if sign > 0.0:
        high = bounded(point, low, high)
    else:
        low = bounded(point, low, high)
    mass = 0.0
    for j in range(count):
        a, b = (low - parts[MEAN, j]) / parts[SCALE, j], (high - parts[MEAN, j]) / parts[SCALE, j]
        if a + b > 0.0:
            a, b = -b, -a
        mass += parts[SHARE, j] * (_logistic(b) - _logistic(a))
    return mass


@subroutine
def _edge(
    inner: float,
    outer: float,
    inner_mass: float,
    outer_mass: float,
    limit: float,
    near: float,
    cell: float,
    constants: Float64,
    at: int,
    parts: Float64,
    count: int,
) -> float:
    """Find where masses fall below a limit, between a common and a rare point.

    By false position on the logarithm of the mass (the Illinois variant, whose steps do not stall).
    On a grid the answer is the end of the last common point's cell, where cells are not too small
    to matter.

    Args:
        inner: A point whose mass is not below the limit.
        outer: One whose mass is.
        inner_mass: Mass of the one.
        outer_mass: Mass of the other.
        limit: The mass.
        near: Relative difference of masses at which the edge is found.
        cell: 1 on a grid, 0 on a continuum.
        constants: Of the column, from `at` on.
        at: See there.
        parts: The logistics, of which so many `count`.
        count: See there.
    """
    sign = 1.0 if outer > inner else -1.0
    least = limit * _MIN_MASS
    above = log(max(inner_mass, least) / limit) + near / 2.0
    below = log(max(outer_mass, least) / limit) - near / 2.0
    middle, side = inner, 0
    for _ in range(_STEPS):
        middle = inner + (outer - inner) * bounded(above / (above - below), 0.05, 0.95)
        mass = _smooth_mass(middle, cell, constants, at, parts, count)
        if abs(mass - limit) < near * limit or middle in (inner, outer):
            break
        level = log(max(mass, least) / limit)
        if mass < limit:
            outer, below = middle, level
            above = above / 2.0 if side < 0 else above
            side = -1
        else:
            inner, above = middle, level
            below = below / 2.0 if side > 0 else below
            side = 1
    if cell == 0.0 or (near == _COARSE and limit < near):
        return middle
    # The grid points beside the edge are looked at one by one: the edge itself is only near.
    code = np.rint(untransformed(middle, constants, at))
    for _ in range(3):
        point = transformed(code, constants, at)
        if _smooth_mass(point, cell, constants, at, parts, count) < limit:
            break
        code += sign
    for _ in range(3):
        point = transformed(code - sign, constants, at)
        if not _smooth_mass(point, cell, constants, at, parts, count) < limit:
            break
        code -= sign
    return transformed(code - sign * cell / 2.0, constants, at)


@subroutine
def _beyond_last(
    point: float,
    step: float,
    mass: float,
    limit: float,
    near: float,
    cell: float,
    constants: Float64,
    at: int,
    parts: Float64,
    count: int,
) -> float:
    """Find the edge outwards from the last node, beyond which the mass only falls."""
    inner, inner_mass = point, mass
    for _ in range(_STEPS):
        outer = inner + step
        mass = _smooth_mass(outer, cell, constants, at, parts, count)
        if mass < limit:
            ends = inner, outer, inner_mass, mass
            return _edge(*ends, limit, near, cell, constants, at, parts, count)
        inner, inner_mass = outer, mass
        step *= 2.0
    return inner


@subroutine
def _nodes_of(
    limit: float,
    own: float,
    coarse: bool,
    cell: float,
    constants: Float64,
    at: int,
    parts: Float64,
    count: int,
    nodes: Float64,
) -> int:
    """Write the nodes of a mixture, rising, and return how many there are.

    Args:
        limit: Mass of the value that is asked about: what is much lower everywhere has no nodes.
        own: Point of that value, a node too; NaN for an atom of a continuum, and for no number.
        coarse: Whether few nodes will do.
        cell: 1 on a grid, 0 on a continuum.
        constants: Of the column, from `at` on.
        at: See there.
        parts: The logistics, of which so many `count`.
        count: See there.
        nodes: Receives points of the scale of T.
    """
    found = 0
    lowest = max(transformed(constants[at + SUPPORT + LOWEST], constants, at), -MAX_POINT)
    highest = min(transformed(constants[at + SUPPORT + HIGHEST], constants, at), MAX_POINT)
    if not np.isnan(own):
        nodes[0] = own
        found = 1
    for j in range(count):
        mean, scale = parts[MEAN, j], parts[SCALE, j]
        width = _width_at(mean, cell, constants, at)
        faint = 0.05 if coarse else 0.01
        if parts[SHARE, j] * min(width / scale / 4.0, 1.0) < faint * limit:
            continue
        gap = scale * (0.4 if coarse else 0.05)
        for offset in _OFFSETS:
            # A logistic that is narrower than a cell is as wide as the cell.
            point = mean + offset * scale + np.sign(offset) * width / 2.0
            point = bounded(point, lowest, highest)
            slot = found
            while slot > 0 and nodes[slot - 1] > point:
                slot -= 1
            if slot > 0 and point - nodes[slot - 1] < gap:
                continue
            if slot < found and nodes[slot] - point < gap:
                continue
            for later in range(found, slot, -1):
                nodes[later] = nodes[later - 1]
            nodes[slot] = point
            found += 1
    return found


@subroutine
def numeric_tail(
    code: float,
    cell: float,
    constants: Float64,
    at: int,
    parts: Float64,
    active: Float64,
    spikes: Float64,
    nodes: Float64,
    found: Float64,
) -> None:
    """Tail probability of a number.

    Most values are common, and what the fainter logistics add is little to a large p: they are
    left out first.

    Args:
        code: The value.
        cell: 1 where the codes are a grid, 0 where they are a continuum.
        constants: Of the column, from `at` on.
        at: See there.
        parts: The logistics, as of `add_mixture`, `(4, logistics)`.
        active: Room for as many.
        spikes: Shares of the atoms, `(at least atoms,)`; written to.
        nodes: Room for points, `(1 + logistics * MAX_NODES,)`.
        found: Receives the tail probability, the mass of all that is as surprising, and the
            variance of `expected_surprise` under the model.
    """
    for attempt in range(2):
        coarse, count = attempt == 0, 0
        floor = _FAINT_SHARE if coarse else _NOTHING
        for j in range(parts.shape[1]):
            if parts[SHARE, j] >= floor:
                for row in range(3):
                    active[row, count] = parts[row, j]
                active[SHARE, count] *= exp(-parts[LOG_MASS, j])  # so that it is cut to the support
                count += 1
        _tail_of(code, coarse, cell, constants, at, active, count, spikes, nodes, found)
        if found[0] > _COMMON:
            break
    found[2] = _spread_of(spikes, int(constants[at + CODED]))


@subroutine
def _tail_of(
    code: float,
    coarse: bool,
    cell: float,
    constants: Float64,
    at: int,
    parts: Float64,
    count: int,
    spikes: Float64,
    nodes: Float64,
    found: Float64,
) -> None:
    """Write the tail probability and the mass of what is as surprising; see `numeric_tail`."""
    atoms, coded = int(constants[at + ATOMS]), int(constants[at + CODED])
    spike, number = 0.0, True
    for atom in range(coded):
        if constants[at + CODES + atom] == code:
            spike, number = spikes[atom], atom < atoms
    outside = coded - 1 if constants[at + BOUNDED] > 0.0 else coded
    if outside < coded and constants[at + CODES + outside] == code:
        found[0], found[1] = spike / 2.0, spike
        return
    own = bounded(transformed(code, constants, at), -MAX_POINT, MAX_POINT)
    below_own, above_own = own, own
    if not number or (cell == 0.0 and spike > 0.0):
        own = np.nan
    elif cell > 0.0:
        below_own = transformed(code - 0.5, constants, at)
        above_own = transformed(code + 0.5, constants, at)
    total = spike
    if not np.isnan(own):
        total += _smooth_mass(own, cell, constants, at, parts, count)
    limit, near = total * (1.0 - TIE), _COARSE if coarse else _FINE
    size = _nodes_of(total, own, coarse, cell, constants, at, parts, count, nodes)
    everything = _beyond(np.inf, 1.0, constants, at, parts, count)
    rarer = everything if size == 0 else 0.0
    step = 1.0 + (nodes[size - 1] - nodes[0] if size else 0.0)
    # Every interval of rare points ends at an edge: it gains what is below that edge, and loses
    # what is below the one where it began.
    last, last_mass, last_rare = 0.0, 0.0, False
    for node in range(size):
        point = nodes[node]
        mass = total if point == own else _smooth_mass(point, cell, constants, at, parts, count)
        rare = mass < limit
        if node == 0:
            if not rare:
                edge = below_own
                if point != own:
                    ends = point, -step, mass
                    edge = _beyond_last(*ends, limit, near, cell, constants, at, parts, count)
                rarer = _beyond(edge, 1.0, constants, at, parts, count)
        elif rare != last_rare:
            edge = above_own if rare else below_own
            if rare and last != own:
                between = last, point, last_mass, mass
                edge = _edge(*between, limit, near, cell, constants, at, parts, count)
            elif not rare and point != own:
                between = point, last, mass, last_mass
                edge = _edge(*between, limit, near, cell, constants, at, parts, count)
            gained = _beyond(edge, 1.0, constants, at, parts, count)
            rarer += -gained if rare else gained
        elif not rare:
            middle = last + (point - last) / 2.0
            lowest = _smooth_mass(middle, cell, constants, at, parts, count)
            if lowest < limit:  # a valley
                falling = last, middle, last_mass, lowest
                low = _edge(*falling, limit, near, cell, constants, at, parts, count)
                rising = point, middle, mass, lowest
                high = _edge(*rising, limit, near, cell, constants, at, parts, count)
                gained = _beyond(high, 1.0, constants, at, parts, count)
                gained -= _beyond(low, 1.0, constants, at, parts, count)
                rarer += max(gained, 0.0)
        last, last_mass, last_rare = point, mass, rare
    if size and last_rare:
        rarer += everything
    elif size:
        edge = above_own
        if last != own:
            ends = last, step, last_mass
            edge = _beyond_last(*ends, limit, near, cell, constants, at, parts, count)
        rarer += _beyond(edge, -1.0, constants, at, parts, count)
    tied = total if cell > 0.0 or spike > 0.0 else 0.0
    for atom in range(coded):
        mass = spikes[atom]
        place = constants[at + CODES + atom]
        if place == code:
            continue
        if atom == outside:
            rarer += mass
            continue
        if cell > 0.0 and atom < atoms:
            point = transformed(place, constants, at)
            smooth = _smooth_mass(point, cell, constants, at, parts, count)
            if smooth < limit and mass + smooth >= limit:  # it was counted as rare
                rarer -= smooth
            mass += smooth if mass + smooth >= limit else 0.0
        if mass < limit:
            rarer += mass
        elif mass <= total * (1.0 + TIE):
            tied += mass
    found[0], found[1] = max(rarer, 0.0) + tied / 2.0, tied


@inlined
def _spread_of(spikes: Float64, atoms: int) -> float:
    """Variance of `expected_surprise`, as if atoms were commoner than all else; written to."""
    spread, top = 1.0, 1.0
    for _ in range(min(MAX_RANKS, atoms)):
        best = 0
        for atom in range(1, atoms):
            best = atom if spikes[atom] > spikes[best] else best
        if spikes[best] < _SMALL_SPIKE:
            break
        spread -= lost_spread(top, spikes[best])
        top -= spikes[best]
        spikes[best] = 0.0
    return max(spread, 0.0)
