"""Pairs of columns: how they hang together in real rows, in synthetic ones, and the difference."""

import math

import numpy as np
from markupsafe import Markup

from madeira.app.report.data import ReportData
from madeira.app.report.page import Section, Tile, render, three_decimals
from madeira.app.report.svg import Plot
from madeira.models.arrays import Float64
from madeira.models.evaluation import associations, column_pair_trends

__all__ = ["pairs"]

_SIDE = 330
_MAX_NAME = 17
_MAX_NAMED = 32  # columns whose names are beside the picture
_WORST = 10


def pairs(data: ReportData) -> Section:
    """Draw three heat maps, and list the pairs that differ most."""
    real, synthetic, codes = data.real, data.synthetic, data.codes
    if real.num_columns < 2:
        body = Markup("<p>The model has one column: there are no pairs.</p>")
        return Section("pairs", "Pairs of columns", body)
    names = real.column_names
    place = {name: d for d, name in enumerate(names)}
    strengths = [associations(rows, codes, like=real).values for rows in (real, synthetic)]
    trends = column_pair_trends(real, synthetic, codes, by_deciles=True)
    gaps = np.full((len(names), len(names)), np.nan)
    for (first, second), likeness in trends.items():
        gaps[place[second], place[first]] = gaps[place[first], place[second]] = 1 - likeness
    scale = max(0.05, float(np.nanmax(gaps)) if not np.isnan(gaps).all() else 0.0)
    maps = [
        {"title": "real", "caption": "1", "picture": _heat_map("real", names, strengths[0], 1.0)},
        {
            "title": "synthetic",
            "caption": "1",
            "picture": _heat_map("synthetic", names, strengths[1], 1.0),
        },
        {
            "title": "difference",
            "caption": f"{scale:.2f}",
            "picture": _heat_map("difference", names, gaps, scale),
        },
    ]
    defined = {pair: likeness for pair, likeness in trends.items() if not math.isnan(likeness)}
    mean = float(np.mean(list(defined.values()))) if defined else math.nan
    worst = sorted(defined, key=lambda pair: defined[pair])[:_WORST]
    rows = [
        [
            first,
            second,
            *(three_decimals(float(values[place[first], place[second]])) for values in strengths),
            f"{defined[first, second]:.3f}",
        ]
        for first, second in worst
    ]
    body = render("pairs.html", maps=maps, compared=len(defined), distance=1 - mean, rows=rows)
    tile = Tile("Pair trends", three_decimals(mean), "mean likeness of pairs, 1 is equal")
    return Section("pairs", "Pairs of columns", body, [tile])


def _heat_map(title: str, names: list[str], values: Float64, full: float) -> Markup:
    """Draw the triangle below the diagonal; the opacity of a cell is its share of `full`."""
    last, named = len(names) - 1, len(names) <= _MAX_NAMED
    short = [name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…" for name in names]
    size = min(10.5, max(6.0, 0.9 * (_SIDE - 100) / last))
    room = 10 + 0.6 * size * max(map(len, short)) if named else 4
    x, y = (0.0, float(last)), (-float(last), 0.0)
    plot = Plot(_SIDE, _SIDE, x, y, left=room, bottom=room, right=4, top=4)
    for row in range(last):
        for column in range(row + 1):
            value = float(values[row + 1, column])
            if math.isnan(value):
                style, opacity = "void", 1.0
            else:
                style = "cold" if value < 0 else "warm"
                opacity = min(1.0, 0.04 + 0.96 * abs(value) / full)
            note = f"{names[column]}, {names[row + 1]}: {three_decimals(value)}"
            plot.box(column, column + 1, -row - 1, -row, style, opacity=opacity, note=note)
    if named:
        for place in range(last):
            y_row, x_column = plot.y(-place - 0.5) + size / 3, plot.x(place + 0.5) + size / 3
            plot.text(room - 5, y_row, short[place + 1], anchor="end", size=size)
            plot.text(
                x_column, plot.y(-last) + 5, short[place], anchor="end", size=size, turned=True
            )
    return plot.render(
        f"Heat map of {len(names)} columns, {title}; "
        "the table below names the pairs that differ most"
    )
