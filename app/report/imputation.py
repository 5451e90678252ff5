"""Test of imputation: known cells are hidden, drawn again and compared."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from madeira.app.report.data import ReportData
from madeira.app.report.page import Section, Tile, render
from madeira.app.report.svg import Plot
from madeira.models.arrays import Bool, Float64
from madeira.models.columns.base import Column
from madeira.models.columns.numeric import Numeric
from madeira.models.inference.noise import draw_noise

__all__ = ["imputation"]

_ROWS = 1_000
_DRAWS = 50
_HIDDEN = 0.2
_MAX_DRAWN_CELLS = 4_000_000  # drawn at once: 32 MB
_LEVELS = np.arange(0.1, 1.0, 0.1)
_LEVEL = 0.9


@dataclass(frozen=True)
class _Hidden:
    """The hidden cells of one column.

    Attributes:
        truth: True codes, (cells,).
        drawn: Codes that were drawn instead, (draws, cells).
        rank: Rank of the truth among the draws, in (0, 1), ties broken at random, (cells,):
            uniform if the draws have the distribution of the truth.
    """

    truth: Float64
    drawn: Float64
    rank: Float64

    @property
    def covered(self) -> Float64:
        """Lowest level of a central interval that covers the truth, (cells,)."""
        levels: Float64 = np.abs(2 * self.rank - 1)
        return levels

    def stated(self) -> tuple[Float64, Bool]:
        """Return the share of the most frequent value of each cell, and whether it is the truth.

        Returns:
            Shares, (cells,), and truths, (cells,).
        """
        codes = np.unique(self.drawn)
        shares = np.stack([(self.drawn == code).mean(axis=0) for code in codes])
        best = shares.argmax(axis=0)
        return shares.max(axis=0), codes[best] == self.truth


def imputation(data: ReportData) -> Section:
    """Measure coverage of intervals, calibration of probabilities, and error of the guesses."""
    title = "Imputation"
    rows = min(len(data.values), _ROWS)
    hidden = _hide(data, rows)
    columns = data.schema.columns
    if not hidden:
        return Section("imputation", title, Markup("<p>There are no cells to hide.</p>"))
    numbers, choices, tiles = None, None, []
    if cells := [cells for d, cells in hidden.items() if not columns[d].discrete]:
        covered = np.concatenate([one.covered for one in cells])
        share = float((covered <= _LEVEL).mean())
        numbers = {"picture": _coverage(covered), "cells": len(covered)}
        tiles.append(Tile("90 % intervals", f"{share:.1%}", "of hidden numbers lie in theirs"))
    if cells := [cells for d, cells in hidden.items() if columns[d].discrete]:
        stated = [one.stated() for one in cells]
        chance = np.concatenate([shares for shares, _ in stated])
        right = np.concatenate([hits for _, hits in stated])
        picture, error = _reliability(chance, right)
        choices = {"picture": picture, "cells": len(right), "error": error}
        tiles.append(
            Tile("Categories guessed", f"{right.mean():.1%}", f"stated: {chance.mean():.1%}")
        )
    body = render(
        "imputation.html",
        rows=rows,
        hidden=_HIDDEN,
        draws=_DRAWS,
        numbers=numbers,
        choices=choices,
        table_rows=[_row(data, d, cells) for d, cells in hidden.items()],
    )
    return Section("imputation", title, body, tiles)


def _hide(data: ReportData, rows: int) -> dict[int, _Hidden]:
    """Hide cells of the first rows and draw them again.

    Returns:
        The hidden cells by index of the column.
    """
    values, density = data.values[:rows], data.density
    hide = (data.generator.random(values.shape) < _HIDDEN) & ~np.isnan(values)
    evidence = np.where(hide, np.nan, values)
    drawn = np.empty((_DRAWS, *values.shape))
    block = max(1, _MAX_DRAWN_CELLS // (_DRAWS * max(density.noise_width, values.shape[1])))
    for start in range(0, rows, block):
        part = np.repeat(evidence[start : start + block], _DRAWS, axis=0)
        noise = draw_noise(len(part), density.noise_width, data.generator)
        drawn[:, start : start + block] = (
            density.sample(part, noise).reshape(-1, _DRAWS, values.shape[1]).swapaxes(0, 1)
        )
    found = {}
    for d in range(values.shape[1]):
        cells = np.flatnonzero(hide[:, d])
        if cells.size:
            truth, guesses = values[cells, d], drawn[:, cells, d]
            below, equal = (guesses < truth).sum(axis=0), (guesses == truth).sum(axis=0)
            chance = data.generator.random(cells.size)
            found[d] = _Hidden(truth, guesses, (below + chance * (equal + 1)) / (_DRAWS + 1))
    return found


def _coverage(covered: Float64) -> Markup:
    """Draw the share of cells in their interval, by the level of the interval."""
    shares = np.array([(covered <= level).mean() for level in _LEVELS])
    plot = Plot(400, 300, (0.0, 1.0), (0.0, 1.0))
    ticks = [(level, f"{level:.0%}") for level in (0.0, 0.25, 0.5, 0.75, 1.0)]
    plot.axes("level of the interval", "cells inside", ticks, ticks)
    ends = np.linspace(0, 1, 41)
    spread = 1.96 * np.sqrt(ends * (1 - ends) / covered.size)
    plot.band(ends, np.maximum(ends - spread, 0), np.minimum(ends + spread, 1), "band")
    plot.line([0, 1], [0, 1], "guide")
    plot.line([0, *_LEVELS, 1], [0, *shares, 1], "made-line")
    for level, share in zip(_LEVELS, shares, strict=True):
        plot.dot(level, share, 3, "made", f"{level:.0%} intervals hold {share:.1%}")
    return plot.render(
        "Coverage of intervals: "
        + ", ".join(f"{a:.0%} hold {b:.1%}" for a, b in zip(_LEVELS, shares, strict=True))
    )


def _reliability(stated: Float64, right: Bool) -> tuple[Markup, float]:
    """Draw how often the likeliest value is right, by its stated probability.

    Returns:
        The picture, and the expected calibration error.
    """
    edges = np.linspace(0, 1, 11)
    tenth = np.clip(np.digitize(stated, edges) - 1, 0, 9)
    plot = Plot(400, 300, (0.0, 1.0), (0.0, 1.0))
    ticks = [(level, f"{level:.0%}") for level in (0.0, 0.25, 0.5, 0.75, 1.0)]
    plot.axes("stated probability", "right", ticks, ticks)
    plot.line([0, 1], [0, 1], "guide")
    points, words, error = [], [], 0.0
    for place in np.unique(tenth):
        cells = tenth == place
        said, hit, share = float(stated[cells].mean()), float(right[cells].mean()), cells.mean()
        error += float(share) * abs(said - hit)
        spread = 1.96 * math.sqrt(max(said * (1 - said), 1e-4) / cells.sum())
        plot.line([said, said], [max(hit - spread, 0), min(hit + spread, 1)], "real-line")
        points.append((said, hit))
        words.append(f"stated {said:.0%}, right {hit:.0%}")
        note = f"{cells.sum():,} cells: stated {said:.1%}, right {hit:.1%}"
        plot.dot(said, hit, 2.5 + 7 * math.sqrt(share), "made", note)
    plot.line([x for x, _ in points], [y for _, y in points], "made-line")
    return plot.render(f"Reliability of categories: {'; '.join(words)}"), error


def _row(data: ReportData, d: int, cells: _Hidden) -> Sequence[str]:
    column = data.schema.columns[d]
    name, count = column.name, f"{cells.truth.size:,}"
    if column.discrete:
        known = data.values[:, d]
        codes, counts = np.unique(known[~np.isnan(known)], return_counts=True)
        right = float(cells.stated()[1].mean())
        alone = float((cells.truth == codes[counts.argmax()]).mean())
        gain = (right - alone) / (1 - alone) if alone < 1 else math.nan
        figures = (f"{right:.1%}", f"{alone:.1%}")
        return [name, count, "accuracy", *figures, _gain(gain), ""]
    truth, guess = _amounts(column, cells.truth), _amounts(column, np.median(cells.drawn, axis=0))
    error = float(np.abs(guess - truth).mean())
    middle = np.nanmedian(_amounts(column, data.values[:, d]))
    alone = float(np.abs(truth - middle).mean())
    unit = "mean error, days" if column.kind == "datetime" else "mean error"
    gain = 1 - error / alone if alone > 0 else math.nan
    covered = f"{(cells.covered <= _LEVEL).mean():.1%}"
    return [name, count, unit, _plain(error), _plain(alone), _gain(gain), covered]


def _amounts(column: Column, codes: Float64) -> Float64:
    """Return numbers in their own units, instants in days; NaN where missing."""
    if not isinstance(column, Numeric):
        return codes
    amounts: Float64 = np.full(codes.shape, np.nan)
    known = ~np.isnan(codes)
    amounts[known] = column.values_of(codes[known])
    return amounts / 86_400 if column.kind == "datetime" else amounts


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def _gain(gain: float) -> str:
    return "–" if math.isnan(gain) else f"{gain:.2f}"
