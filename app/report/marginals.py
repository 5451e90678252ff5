"""Each column by itself: real rows against synthetic rows, and the distance of the two."""

import math

import numpy as np
import pyarrow as pa
from markupsafe import Markup

from madeira.app.report.bins import edges_of, heights_of, instant_ticks
from madeira.app.report.data import ReportData
from madeira.app.report.page import Section, Tile, render, three_decimals
from madeira.app.report.svg import Plot, nice_ticks
from madeira.models.arrays import Float64
from madeira.models.evaluation import column_shapes
from madeira.models.evaluation.aligned_columns import AlignedColumn, aligned_columns
from madeira.models.values.arrow_types import Family, family

__all__ = ["marginals"]

_CATEGORIES = 10
_MAX_NAME = 18
_SPLITS = 20


def marginals(data: ReportData) -> Section:
    """Draw all columns and measure their distances."""
    real, synthetic = data.real, data.synthetic
    codes = data.codes
    likeness = column_shapes(real, synthetic, codes)
    noise = _noise(real, synthetic, codes, data.generator)
    columns, rows = [], []
    for column in aligned_columns([real, synthetic], codes):
        distance = 1 - likeness[column.name]
        kind = next(c.kind for c in data.schema.columns if c.name == column.name)
        measure = "Kolmogorov-Smirnov" if column.number else "total variation"
        missing = real.column(column.name).null_count / real.num_rows
        picture = _numbers(column, real) if column.number else _categories(column, real, synthetic)
        columns.append(
            {
                "name": column.name,
                "kind": kind,
                "picture": picture,
                "distance": None if math.isnan(distance) else distance,
                "missing": missing,
            }
        )
        rows.append(
            [
                column.name,
                kind,
                measure,
                three_decimals(distance),
                three_decimals(noise[column.name]),
                f"{missing:.1%}",
            ]
        )
    mean = float(np.nanmean([*likeness.values(), math.nan])) if likeness else math.nan
    within = sum(1 - likeness[name] <= noise[name] for name in likeness)
    body = render(
        "marginals.html",
        real_rows=real.num_rows,
        synthetic_rows=synthetic.num_rows,
        within=within,
        compared=len(likeness),
        columns=columns,
        rows=rows,
    )
    tile = Tile("Column shapes", three_decimals(mean), "mean likeness of columns, 1 is equal")
    return Section("marginals", "Columns", body, [tile])


def _noise(
    real: pa.Table, synthetic: pa.Table, codes: list[str], generator: np.random.Generator
) -> dict[str, float]:
    """Return the 95 % quantile of the distance of two samples of one distribution, by column."""
    pooled = pa.concat_tables([real, synthetic])
    distances: dict[str, list[float]] = {name: [] for name in real.column_names}
    for _ in range(_SPLITS):
        order = generator.permutation(pooled.num_rows)
        first, second = order[: real.num_rows], order[real.num_rows :]
        shapes = column_shapes(pooled.take(first), pooled.take(second), codes)
        for name, likeness in shapes.items():
            distances[name].append(1 - likeness)
    return {name: float(np.quantile(found, 0.95)) for name, found in distances.items()}


def _numbers(column: AlignedColumn, real: pa.Table) -> Markup:
    """Draw bars of the real values, and the outline of the synthetic ones over them."""
    first, second = (_known(column.floats(table)) for table in (0, 1))
    if not first.size or not second.size:
        return _nothing(column.name)
    edges = edges_of(np.concatenate([first, second]))
    bars, outline = heights_of(first, edges), heights_of(second, edges)
    top = float(max(bars.max(), outline.max())) * 1.05
    instants = family(real.schema.field(column.name).type) is Family.INSTANT
    plot = Plot(270, 150, (edges[0], edges[-1]), (0.0, top), left=30, bottom=22)
    plot.axes(
        x_ticks=instant_ticks(edges[0], edges[-1]) if instants else None,
        y_ticks=_percents(top),
    )
    plot.bars(edges, bars, "real")
    plot.steps(edges, outline, "made-line")
    averages = [f"{values.mean():.4g}" for values in (first, second)]
    return plot.render(
        f"Histograms of {column.name}: real mean {averages[0]}, synthetic mean {averages[1]}"
    )


def _categories(column: AlignedColumn, real: pa.Table, synthetic: pa.Table) -> Markup:
    """Draw a pair of bars for each of the most frequent categories."""
    codes = [column.codes(table) for table in (0, 1)]
    codes = [known[known >= 0] for known in codes]
    if not codes[0].size or not codes[1].size:
        return _nothing(column.name)
    shares = np.stack([np.bincount(code, minlength=column.count) / code.size for code in codes])
    names = _names(column, [real, synthetic])
    order = np.argsort(-shares.sum(axis=0), kind="stable")
    shown = order[:_CATEGORIES] if column.count > _CATEGORIES + 1 else order
    entries = [(names[place], shares[:, place]) for place in shown]
    if len(shown) < column.count:
        rest = order[len(shown) :]
        entries.append((f"{len(rest)} others", shares[:, rest].sum(axis=1)))
    room = min(130, 12 + 7 * max(len(name) for name, _ in entries))
    height = 22 + 18 * len(entries)
    limit = max(float(pair.max()) for _, pair in entries) * 1.02
    plot = _Rows(270, height, limit, room, len(entries))
    for place, (name, pair) in enumerate(entries):
        plot.pair(place, name, float(pair[0]), float(pair[1]))
    words = "; ".join(
        f"{name} {pair[0]:.1%} real, {pair[1]:.1%} synthetic" for name, pair in entries
    )
    return plot.render(f"Shares of {column.name}: {words}")


class _Rows(Plot):
    """Horizontal bars, one row for each category."""

    def __init__(self, width: float, height: float, limit: float, room: float, rows: int) -> None:
        super().__init__(width, height, (0.0, limit), (-float(rows), 0.0), left=room, bottom=14)
        self.axes(x_ticks=[(0.0, "0%"), *_percents(limit)], y_ticks=[])
        self._room = room

    def pair(self, row: int, name: str, real: float, synthetic: float) -> None:
        """Draw the two bars of one category.

        Args:
            row: Row of the bars, from 0 at the top.
            name: The category.
            real: Its share of the real rows.
            synthetic: Its share of the synthetic rows.
        """
        self.box(0.0, real, -row - 0.5, -row - 0.12, "real")
        self.box(0.0, synthetic, -row - 0.88, -row - 0.5, "made")
        self.text(self._room - 5, self.y(-row - 0.5) + 3.5, name, anchor="end", style="name")


def _names(column: AlignedColumn, tables: list[pa.Table]) -> list[str]:
    """Return the text of each category by its code."""
    names = [""] * column.count
    for place, rows in enumerate(tables):
        values = rows.column(column.name)
        codes = column.codes(place)
        unique, first = np.unique(codes, return_index=True)
        for code, value in zip(unique, values.take(first).to_pylist(), strict=True):
            if code >= 0:
                text = str(value)
                names[code] = text if len(text) <= _MAX_NAME else f"{text[: _MAX_NAME - 1]}…"
    return names


def _percents(top: float) -> list[tuple[float, str]]:
    """Return ticks at two or three round shares up to the highest."""
    return [(value, f"{100 * value:g}%") for value, _ in nice_ticks(0.0, top, 3) if value > 0]


def _known(values: Float64) -> Float64:
    return values[~np.isnan(values)]


def _nothing(name: str) -> Markup:
    plot = Plot(270, 60, (0.0, 1.0), (0.0, 1.0))
    plot.text(10, 34, "no values in these rows")
    return plot.render(f"{name} has no values in these rows")
