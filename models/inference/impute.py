"""Imputation: exact conditional draws of what is missing, summaries of them, and their spread."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from models.errors import ConfigError
from models.inference.density import Density
from models.inference.noise import draw_noise

__all__ = ["UNCERTAINTY_DRAWS", "Estimate", "Imputation", "filled_tables", "impute"]

Values = npt.NDArray[np.float64]
Estimate = Literal["draw", "mean", "median", "mode"]

UNCERTAINTY_DRAWS = 50
CHUNK_ROWS = 1_000
INTERVAL = (0.05, 0.95)


@dataclass(frozen=True)
class Imputation:
    """Filled tables and how sure each filled cell is.

    Attributes:
        draws: Filled tables, shape `(draws, rows, variables)`, encoded; observed cells as they
            were. With a point estimate there is one, filled with it.
        probability: Of a discrete cell, the share of the draws that have the first table's
            value; NaN elsewhere, shape `(rows, variables)`.
        lower: Of a number, the lower end of the central 90 % interval, encoded; NaN elsewhere,
            shape `(rows, variables)`.
        upper: The upper end.
    """

    draws: Values
    probability: Values
    lower: Values
    upper: Values


def impute(
    density: Density,
    values: Values,
    noise: Values,
    draws: int,
    estimate: Estimate = "draw",
    within_range: bool = False,
) -> Imputation:
    """Fill what is missing with draws of its exact distribution given what is observed.

    Args:
        density: The density.
        values: Encoded table, NaN where missing, shape `(rows, variables)`.
        noise: Uniform in (0, 1), shape `(rows, tables, noise_width)`. The first `draws` tables
            of noise give the filled tables; all of them together give the spread, so there
            should be a few dozen more. Rows come first, so that a request can be cut anywhere
            between rows and draw the same noise.
        draws: Number of filled tables to return.
        estimate: `draw`, or a point estimate from all tables: the `mean`, `median` or `mode`.
            Categories have no mean or median and numbers no mode of their own: a category's
            point estimate is always its most frequent value, and a number's mode its median.
        within_range: Whether numbers are drawn between the ends seen in training.

    Returns:
        The filled tables and their uncertainty.

    Raises:
        ConfigError: An estimate of another name, or several draws of a point estimate.
    """
    if estimate not in get_args(Estimate):
        raise ConfigError(f"estimate must be draw, mean, median or mode, not {estimate!r}")
    if estimate != "draw" and draws != 1:
        raise ConfigError(f"{draws} draws contradict a point estimate ({estimate}): ask for one")
    tables, width = noise.shape[1:]
    if not 1 <= draws <= tables:
        raise ConfigError(f"draws must be between 1 and {tables}, not {draws}")
    missing = np.isnan(values)
    affected = np.flatnonzero(missing.any(axis=1))
    filled = np.broadcast_to(values, (draws, *values.shape)).copy()
    probability, lower, upper = (np.full(values.shape, np.nan) for _ in range(3))
    if len(affected):
        evidence = np.repeat(values[affected], tables, axis=0)
        uniforms = noise[affected].reshape(-1, width)
        drawn = density.sample(evidence, uniforms, within_range=within_range)
        drawn = drawn.reshape(len(affected), tables, -1).swapaxes(0, 1)
        discrete = np.array([column.discrete for column in density.layout.columns])
        filled[:, affected] = drawn[:draws]
        if estimate != "draw":
            filled[0, affected] = _point_estimate(drawn, discrete, estimate)
        agreeing = (drawn == filled[0, affected]).mean(axis=0)
        low, high = np.quantile(drawn, INTERVAL, axis=0)
        gap = missing[affected]
        probability[affected] = np.where(gap & discrete, agreeing, np.nan)
        lower[affected] = np.where(gap & ~discrete, low, np.nan)
        upper[affected] = np.where(gap & ~discrete, high, np.nan)
    return Imputation(filled, probability, lower, upper)


def filled_tables(
    density: Density,
    values: Values,
    generator: np.random.Generator,
    draws: int,
    estimate: Estimate = "draw",
    within_range: bool = False,
) -> Values:
    """The filled tables of `impute`, some rows at a time, without how sure they are.

    Args:
        density: The density.
        values: Encoded table, NaN where missing, shape `(rows, variables)`.
        generator: Of the noise.
        draws: Number of filled tables.
        estimate: As for `impute`.
        within_range: As for `impute`.

    Returns:
        Shape `(draws, rows, variables)`.

    Raises:
        ConfigError: As for `impute`.
    """
    tables = draws if estimate == "draw" else draws + UNCERTAINTY_DRAWS
    filled = np.empty((draws, *values.shape))
    for start in range(0, len(values), CHUNK_ROWS):
        part = values[start : start + CHUNK_ROWS]
        noise = draw_noise(len(part) * tables, density.noise_width, generator)
        noise = noise.reshape(len(part), tables, -1)
        imputation = impute(density, part, noise, draws, estimate, within_range)
        filled[:, start : start + len(part)] = imputation.draws
    return filled


def _point_estimate(drawn: Values, discrete: npt.NDArray[np.bool_], estimate: Estimate) -> Values:
    """One value a cell: `(tables, rows, variables)` -> `(rows, variables)`."""
    point = drawn.mean(axis=0) if estimate == "mean" else np.median(drawn, axis=0)
    if discrete.any():
        point[:, discrete] = _most_frequent(drawn[:, :, discrete])
    return point


def _most_frequent(codes: Values) -> Values:
    """The most frequent code over the first axis; the smallest where several are.

    The length of the run that ends at each place of the sorted codes is counted along the axis.
    """
    ordered = np.sort(codes, axis=0)
    run = np.zeros(ordered.shape, dtype=np.int64)
    for table in range(1, len(ordered)):
        run[table] = np.where(ordered[table] == ordered[table - 1], run[table - 1] + 1, 0)
    longest: Values = np.take_along_axis(ordered, run.argmax(axis=0)[None], axis=0)[0]
    return longest
