"""Pairs of columns: how they hang together in real rows, in synthetic ones, and the difference."""

import math
from html import escape

import numpy as np

from madeira.app.report.material import Material
from madeira.app.report.page import Section, Tile, figure, legend, table
from madeira.app.report.svg import Floats
from madeira.models.evaluation import associations, column_pair_trends

__all__ = ["pairs"]

_SIDE = 330
_NAMED = 32  # most columns whose names stand at the picture
_WORST = 10


def pairs(material: Material) -> Section:
    """Three heat maps, and the pairs that differ most."""
    real, synthetic, codes = material.real, material.synthetic, material.codes
    if real.num_columns < 2:
        body = "<p>The model has one column: there are no pairs.</p>"
        return Section("pairs", "Pairs of columns", body)
    names = real.column_names
    place = {name: d for d, name in enumerate(names)}
    strengths = [associations(rows, codes, like=real).values for rows in (real, synthetic)]
    trends = column_pair_trends(real, synthetic, codes, robust=True)
    gaps = np.full((len(names), len(names)), np.nan)
    for (first, second), likeness in trends.items():
        gaps[place[second], place[first]] = gaps[place[first], place[second]] = 1 - likeness
    scale = max(0.05, float(np.nanmax(gaps)) if not np.isnan(gaps).all() else 0.0)
    maps = [
        ("real", strengths[0], 1.0),
        ("synthetic", strengths[1], 1.0),
        ("difference", gaps, scale),
    ]
    pictures = "".join(
        figure(_heat_map(title, names, values, full), _caption(title, full))
        for title, values, full in maps
    )
    defined = {pair: likeness for pair, likeness in trends.items() if not math.isnan(likeness)}
    mean = float(np.mean(list(defined.values()))) if defined else math.nan
    worst = sorted(defined, key=lambda pair: defined[pair])[:_WORST]
    rows = [
        [
            escape(first),
            escape(second),
            *(_figure(float(values[place[first], place[second]])) for values in strengths),
            f"{defined[first, second]:.3f}",
        ]
        for first, second in worst
    ]
    body = (
        "<p>Two numbers: Pearson's correlation. Other pairs: Cramér's V, numbers cut at "
        "the deciles of the real ones. The difference is half the difference of correlations, or "
        f"the total variation distance of the shares of the cells; its mean over "
        f"{len(defined):,} pairs is {1 - mean:.3f}. Rows that miss one of the two values are left "
        "out: where values are missing for a reason, the rows that have them are not the rows that "
        "the model draws. Shares of rare cells differ by chance where rows are few.</p>"
        + legend(("var(--wine)", "positive, or strength"), ("var(--cold)", "negative"))
        + f'<div class="grid-of">{pictures}</div>'
        + table(
            f"The {len(worst)} pairs that differ most",
            ["column", "column", "#real", "#synthetic", "#likeness"],
            rows,
        )
    )
    tile = Tile("Pair trends", _figure(mean), "mean likeness of pairs, 1 is equal")
    return Section("pairs", "Pairs of columns", body, [tile])


def _heat_map(title: str, names: list[str], values: Floats, full: float) -> str:
    """The triangle below the diagonal, its strongest cells the fullest."""
    count, named = len(names), len(names) <= _NAMED
    longest = max(len(_short(name)) for name in names)
    size = min(10.5, max(6.0, 0.9 * (_SIDE - 100) / (count - 1)))
    left = bottom = 10 + 0.6 * size * longest if named else 4
    cell = (_SIDE - left - 4) / (count - 1)
    parts = []
    for row in range(1, count):
        for column in range(row):
            value = float(values[row, column])
            x, y = left + column * cell, 4 + (row - 1) * cell
            if math.isnan(value):
                style, opacity = "void", 1.0
            else:
                style = "cold" if value < 0 else "warm"
                opacity = min(1.0, 0.04 + 0.96 * abs(value) / full)
            note = f"{names[column]}, {names[row]}: {_figure(value)}"
            parts.append(
                f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{cell - 0.6:.1f}" '
                f'height="{cell - 0.6:.1f}" fill-opacity="{opacity:.2f}">'
                f"<title>{escape(note)}</title></rect>"
            )
    height = 4 + (count - 1) * cell
    if named:
        for row in range(1, count):
            y = 4 + (row - 0.5) * cell + size / 3
            parts.append(
                f'<text x="{left - 5}" y="{y:.1f}" text-anchor="end" '
                f'style="font-size:{size:.1f}px">{escape(_short(names[row]))}</text>'
            )
        for column in range(count - 1):
            x = left + (column + 0.5) * cell
            parts.append(
                f'<text transform="translate({x + size / 3:.1f} {height + 5:.1f}) rotate(-90)" '
                f'text-anchor="end" style="font-size:{size:.1f}px">'
                f"{escape(_short(names[column]))}</text>"
            )
    words = (
        f"Heat map of {count} columns, {title}; the table below names the pairs that differ most"
    )
    return (
        f'<svg viewBox="0 0 {_SIDE} {height + bottom:.0f}" role="img" '
        f'aria-label="{escape(words)}" style="max-width:{_SIDE * 1.3:.0f}px">{"".join(parts)}</svg>'
    )


def _caption(title: str, full: float) -> str:
    if title == "difference":
        return f"<b>Difference</b>, from 0 to {full:.2f}"
    return f"<b>{title.capitalize()}</b>, from 0 to 1"


def _short(name: str) -> str:
    return name if len(name) <= 17 else f"{name[:16]}…"


def _figure(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
