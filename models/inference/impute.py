"""Imputation: exact conditional draws of missing values, point estimates, and their uncertainty.

Draws come from the joint distribution of all that is missing of a row. A point estimate and an
interval are of one cell, and come from its own distribution given what is observed, which the
density gives without drawing the other cells (`Density.predictive`).
"""

from dataclasses import dataclass
from typing import get_args

import numpy as np

from madeira.models.arrays import Float64
from madeira.models.errors import ConfigError
from madeira.models.estimate_names import Estimate
from madeira.models.inference.density import Density
from madeira.models.inference.noise import draw_noise

__all__ = ["Imputation", "impute", "imputed_tables"]


INTERVAL = (0.05, 0.95)
ROWS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Imputation:
    """Filled tables and how sure each filled cell is.

    Attributes:
        draws: Filled tables, shape `(draws, rows, variables)`, encoded; observed cells as they
            were. With a point estimate there is one, filled with it.
        probability: Of a discrete cell, how probable the first table's value is given what is
            observed of the row; NaN elsewhere, shape `(rows, variables)`.
        lower: Of a number, the lower end of the central 90 % interval given what is observed of
            the row, encoded; NaN elsewhere, shape `(rows, variables)`.
        upper: The upper end.
    """

    draws: Float64
    probability: Float64
    lower: Float64
    upper: Float64


def impute(
    density: Density,
    values: Float64,
    noise: Float64,
    draws: int,
    estimate: Estimate = "draw",
    within_range: bool = False,
) -> Imputation:
    """Fill missing values with draws of their exact distribution given the observed ones.

    Args:
        density: The density.
        values: Encoded table, NaN where missing, shape `(rows, variables)`.
        noise: Uniform in (0, 1), shape `(rows, tables, noise_width)`, at least `draws` tables;
            a point estimate uses none of it. Rows come first, so that a request can be cut
            anywhere between rows and draw the same noise.
        draws: Number of filled tables to return.
        estimate: `draw`, or a point estimate of each cell: its `mean`, `median` or `mode`.
            A category has no mean or median: its point estimate is always its most probable
            value. The mode of a number on a grid is its most probable value; a number or an
            instant on a continuum has none, and its mode is its median. All are of the cell's own
            distribution given what is observed of its row.
        within_range: Whether numbers and instants are to lie between the smallest and the
            largest value seen in training.

    Returns:
        The filled tables and their uncertainty.

    Raises:
        ConfigError: An estimate of another name, or several draws of a point estimate.
        OrderingError: No component can put the evidence of some row first.
    """
    if estimate not in get_args(Estimate):
        raise ConfigError(f"estimate must be draw, mean, median or mode, not {estimate!r}")
    if estimate != "draw" and draws != 1:
        raise ConfigError(f"{draws} draws contradict a point estimate ({estimate}): ask for one")
    tables = noise.shape[1]
    if not 1 <= draws <= tables:
        raise ConfigError(f"draws must be between 1 and {tables}, not {draws}")
    affected = np.flatnonzero(np.isnan(values).any(axis=1))
    if estimate == "draw":
        filled = _drawn(density, values, noise[:, :draws], within_range)
    else:
        filled = values[None].copy()
    probability, lower, upper = (np.full(values.shape, np.nan) for _ in range(3))
    for cells in density.predictive(values[affected], within_range):
        rows, variable = affected[cells.rows], cells.variable
        if density.layout.columns[variable].discrete:
            if estimate != "draw":
                filled[0, rows, variable], probability[rows, variable] = cells.most_probable()
            else:
                probability[rows, variable] = cells.probability(filled[0, rows, variable])
        else:
            ends, points = cells.quantiles(INTERVAL, None if estimate == "draw" else estimate)
            lower[rows, variable], upper[rows, variable] = ends
            if estimate != "draw":
                filled[0, rows, variable] = points
    return Imputation(filled, probability, lower, upper)


def imputed_tables(
    density: Density,
    values: Float64,
    generator: np.random.Generator,
    draws: int,
    estimate: Estimate,
    within_range: bool,
) -> Float64:
    """Return the filled tables alone, some rows at a time: memory is bounded.

    Args:
        density: The density.
        values: Encoded table, NaN where missing, shape `(rows, variables)`.
        generator: Source of the noise.
        draws: As for `impute`, as are `estimate` and `within_range`.
        estimate: See there.
        within_range: See there.

    Returns:
        Shape `(draws, rows, variables)`.
    """
    filled = np.empty((draws, *values.shape))
    for start in range(0, len(values), ROWS_AT_ONCE):
        part = values[start : start + ROWS_AT_ONCE]
        noise = draw_noise(len(part) * draws, density.noise_width, generator)
        noise = noise.reshape(len(part), draws, -1)
        if estimate == "draw":  # how sure each cell is would cost more than the draws
            tables = _drawn(density, part, noise, within_range)
        else:
            tables = impute(density, part, noise, draws, estimate, within_range).draws
        filled[:, start : start + len(part)] = tables
    return filled


def _drawn(density: Density, values: Float64, noise: Float64, within_range: bool) -> Float64:
    """Tables filled with draws, one for each of noise: `(draws, rows, variables)`."""
    draws, width = noise.shape[1:]
    filled = np.broadcast_to(values, (draws, *values.shape)).copy()
    affected = np.flatnonzero(np.isnan(values).any(axis=1))
    if len(affected):
        evidence = np.repeat(values[affected], draws, axis=0)
        uniforms = noise[affected].reshape(-1, width)
        drawn = density.sample(evidence, uniforms, within_range=within_range)
        filled[:, affected] = drawn.reshape(len(affected), draws, -1).swapaxes(0, 1)
    return filled
