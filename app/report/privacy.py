"""Whether synthetic rows copy training rows: distances to the closest record."""

import math

import numpy as np
import pyarrow as pa
from markupsafe import Markup

from madeira.app.report.bins import edges_of, heights_of
from madeira.app.report.data import ReportData
from madeira.app.report.page import Section, Tile, render
from madeira.app.report.svg import Plot
from madeira.models.arrays import Float64
from madeira.models.evaluation import closest_distances

__all__ = ["privacy"]

_ROWS = 2_000


def privacy(data: ReportData) -> Section:
    """Measure distances to the closest training rows, or to held-out rows where there are none."""
    if data.train is None:
        return _without_training_rows(data)
    rows = min(data.train.num_rows, data.real.num_rows, _ROWS)
    if rows < 1:
        return Section("privacy", "Closest records", Markup("<p>There are no rows to compare.</p>"))
    train, held_out = (_some(table, rows, data) for table in (data.train, data.real))
    drawn = _some(data.synthetic, _ROWS, data)
    to_train, to_held_out = closest_distances(drawn, [train, held_out], data.codes)
    nearer = (to_train < to_held_out) + 0.5 * (to_train == to_held_out)
    share = float(nearer.mean())
    # Training and held-out rows are samples too, not only the synthetic rows.
    error = math.sqrt(0.25 / min(rows, len(nearer)))
    [between] = closest_distances(held_out, [train], data.codes)
    copies, alike = float((to_train == 0).mean()), float((between == 0).mean())
    body = render(
        "privacy.html",
        share=share,
        margin=1.96 * error,
        synthetic_rows=len(nearer),
        rows=rows,
        copies=copies,
        alike=alike,
        picture=_distances(between, to_train, "training"),
    )
    tile = Tile(
        "Closest records", f"{share:.1%}", f"nearer to training rows; 50 % ± {1.96 * error:.1%}"
    )
    return Section("privacy", "Closest records", body, [tile])


def _without_training_rows(data: ReportData) -> Section:
    """Compare with held-out rows alone."""
    half = min(data.real.num_rows // 2, _ROWS)
    picture, farther = None, ""
    if half:
        order = data.generator.permutation(data.real.num_rows)
        one, other = (data.real.take(part) for part in (order[:half], order[half : 2 * half]))
        drawn = _some(data.synthetic, _ROWS, data)
        between, to_real = (
            closest_distances(rows, [other], data.codes)[0] for rows in (one, drawn)
        )
        ratio = float(np.median(to_real)) / max(float(np.median(between)), 1e-12)
        farther = f"{ratio:.2f} times as far as" if ratio < 100 else "much farther than"
        picture = _distances(between, to_real, "held-out")
    body = render("privacy.html", share=None, rows=half, farther=farther, picture=picture)
    tile = Tile("Closest records", "not measured", "needs the training rows: --train FILE")
    return Section("privacy", "Closest records", body, [tile])


def _distances(first: Float64, second: Float64, what: str) -> Markup:
    """Draw the distances of held-out rows, and those of synthetic rows over them."""
    edges = edges_of(np.concatenate([first, second]).astype(np.float64))
    edges = edges[edges >= 0] if (edges >= 0).sum() > 1 else edges
    bars, outline = heights_of(first, edges), heights_of(second, edges)
    top = float(max(bars.max(), outline.max())) * 1.05
    plot = Plot(520, 220, (edges[0], edges[-1]), (0.0, top))
    plot.axes("distance")
    plot.bars(edges, bars, "real")
    plot.steps(edges, outline, "made-line")
    medians = [f"{np.median(values):.3f}" for values in (first, second)]
    return plot.render(
        f"Histograms of the distance to the closest {what} row: median {medians[0]} for held-out "
        f"rows, {medians[1]} for synthetic rows"
    )


def _some(table: pa.Table, rows: int, data: ReportData) -> pa.Table:
    if table.num_rows <= rows:
        return table
    return table.take(np.sort(data.generator.choice(table.num_rows, rows, replace=False)))
