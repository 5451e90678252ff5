"""Imputation put to the test: known cells are hidden, and answers on them are checked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

from madeira.app.report.material import Material
from madeira.app.report.page import Section, Tile, figure, table
from madeira.app.report.svg import Floats, Plot
from madeira.models.columns.amount import Amount
from madeira.models.columns.base import Column
from madeira.models.inference.noise import draw_noise

__all__ = ["imputation"]

_ROWS = 1_000
_DRAWS = 50
_HIDDEN = 0.2
_CELLS_AT_ONCE = 4_000_000  # of drawn tables: 32 MB
_LEVELS = np.arange(0.1, 1.0, 0.1)
_LEVEL = 0.9

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Hidden:
    """The hidden cells of one column.

    Attributes:
        truth: Their codes, (cells,).
        drawn: What was drawn in their place, (draws, cells).
        rank: Where the truth lies among the draws, in (0, 1), ties broken by chance, (cells,):
            evenly spread where the draws have the distribution of the truth.
    """

    truth: Floats
    drawn: Floats
    rank: Floats

    @property
    def covered(self) -> Floats:
        """Least level of a central interval that holds the truth, (cells,)."""
        levels: Floats = np.abs(2 * self.rank - 1)
        return levels

    def stated(self) -> tuple[Floats, Booleans]:
        """Of each cell the share of its most frequent value, and whether that is the truth."""
        codes = np.unique(self.drawn)
        shares = np.stack([(self.drawn == code).mean(axis=0) for code in codes])
        best = shares.argmax(axis=0)
        return shares.max(axis=0), codes[best] == self.truth


def imputation(material: Material) -> Section:
    """Coverage of intervals, accuracy against stated probability, and how near the guesses are."""
    title = "Imputation"
    rows = min(len(material.values), _ROWS)
    hidden = _hide(material, rows)
    columns = material.schema.columns
    numbers = {d: cells for d, cells in hidden.items() if not columns[d].discrete}
    choices = {d: cells for d, cells in hidden.items() if columns[d].discrete}
    if not hidden:
        return Section("imputation", title, "<p>There are no cells to hide.</p>")
    pictures, tiles = [], []
    if numbers:
        covered = np.concatenate([cells.covered for cells in numbers.values()])
        share = float((covered <= _LEVEL).mean())
        pictures.append(figure(_coverage(covered), _coverage_caption(len(covered))))
        tiles.append(Tile("90 % intervals", f"{share:.1%}", "of hidden numbers lie in theirs"))
    if choices:
        stated = [cells.stated() for cells in choices.values()]
        chance = np.concatenate([shares for shares, _ in stated])
        right = np.concatenate([hits for _, hits in stated])
        picture, error = _reliability(chance, right)
        pictures.append(figure(picture, _reliability_caption(len(right), error)))
        tiles.append(
            Tile("Categories guessed", f"{right.mean():.1%}", f"stated: {chance.mean():.1%}")
        )
    told = [_row(material, d, cells) for d, cells in hidden.items()]
    body = (
        f"<p>In {rows:,} held-out rows every known cell was hidden with probability {_HIDDEN:.0%}, "
        f"and drawn {_DRAWS} times given the cells that were left.</p>"
        f'<div class="grid-of wide">{"".join(pictures)}</div>'
        + table(
            "Error and accuracy beside those of a guess that knows the column alone: the median of "
            "these rows for numbers, the most frequent value for categories. Gain 0 is no better "
            "than that guess, 1 is perfect.",
            [
                "column",
                "#cells",
                "measure",
                "#model",
                "#column alone",
                "#gain",
                "#in 90 % interval",
            ],
            told,
        )
    )
    return Section("imputation", title, body, tiles)


def _hide(material: Material, rows: int) -> dict[int, _Hidden]:
    """Hides cells of the first rows and draws them again, by column."""
    values, density = material.values[:rows], material.density
    hide = (material.generator.random(values.shape) < _HIDDEN) & ~np.isnan(values)
    evidence = np.where(hide, np.nan, values)
    drawn = np.empty((_DRAWS, *values.shape))
    block = max(1, _CELLS_AT_ONCE // (_DRAWS * max(density.noise_width, values.shape[1])))
    for start in range(0, rows, block):
        part = np.repeat(evidence[start : start + block], _DRAWS, axis=0)
        noise = draw_noise(len(part), density.noise_width, material.generator)
        drawn[:, start : start + block] = (
            density.sample(part, noise).reshape(-1, _DRAWS, values.shape[1]).swapaxes(0, 1)
        )
    found = {}
    for d in range(values.shape[1]):
        cells = np.flatnonzero(hide[:, d])
        if cells.size:
            truth, guesses = values[cells, d], drawn[:, cells, d]
            below, equal = (guesses < truth).sum(axis=0), (guesses == truth).sum(axis=0)
            chance = material.generator.random(cells.size)
            found[d] = _Hidden(truth, guesses, (below + chance * (equal + 1)) / (_DRAWS + 1))
    return found


def _coverage(covered: Floats) -> str:
    """Share of cells in their interval, by the level of the interval."""
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


def _coverage_caption(cells: int) -> str:
    return (
        f"<b>Intervals of numbers</b>, {cells:,} hidden cells. On the diagonal intervals hold what "
        "they promise; above it they are too wide, below it too narrow. Shaded: chance."
    )


def _reliability(stated: Floats, right: Booleans) -> tuple[str, float]:
    """How often the likeliest value is right, by how likely it is said to be."""
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


def _reliability_caption(cells: int, error: float) -> str:
    return (
        f"<b>Probabilities of categories</b>, {cells:,} hidden cells; larger dots hold more of "
        f"them, lines are what chance allows. Mean gap of stated to right: {error:.3f} (expected "
        "calibration error)."
    )


def _row(material: Material, d: int, cells: _Hidden) -> Sequence[str]:
    column = material.schema.columns[d]
    name, count = escape(column.name), f"{cells.truth.size:,}"
    if column.discrete:
        known = material.values[:, d]
        codes, counts = np.unique(known[~np.isnan(known)], return_counts=True)
        right = float(cells.stated()[1].mean())
        alone = float((cells.truth == codes[counts.argmax()]).mean())
        gain = (right - alone) / (1 - alone) if alone < 1 else math.nan
        figures = (f"{right:.1%}", f"{alone:.1%}")
        return [name, count, "accuracy", *figures, _gain(gain), ""]
    truth, guess = _amounts(column, cells.truth), _amounts(column, np.median(cells.drawn, axis=0))
    error = float(np.abs(guess - truth).mean())
    middle = np.nanmedian(_amounts(column, material.values[:, d]))
    alone = float(np.abs(truth - middle).mean())
    unit = "mean error, days" if column.kind == "datetime" else "mean error"
    gain = 1 - error / alone if alone > 0 else math.nan
    covered = f"{(cells.covered <= _LEVEL).mean():.1%}"
    return [name, count, unit, _plain(error), _plain(alone), _gain(gain), covered]


def _amounts(column: Column, codes: Floats) -> Floats:
    """Numbers in their own units, instants in days; NaN where missing."""
    if not isinstance(column, Amount):
        return codes
    amounts: Floats = np.full(codes.shape, np.nan)
    known = ~np.isnan(codes)
    amounts[known] = column.amounts(codes[known])
    return amounts / 86_400 if column.kind == "datetime" else amounts


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def _gain(gain: float) -> str:
    return "–" if math.isnan(gain) else f"{gain:.2f}"
