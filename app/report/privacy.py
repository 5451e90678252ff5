"""Whether synthetic rows copy training rows: distances to the closest record."""

import math

import numpy as np
import pyarrow as pa

from madeira.app.report.bins import edges_of, heights_of
from madeira.app.report.material import Material
from madeira.app.report.page import Section, Tile, figure, legend
from madeira.app.report.svg import Floats, Plot
from madeira.models.evaluation import closest_distances

__all__ = ["privacy"]

_ROWS = 2_000


def privacy(material: Material) -> Section:
    """Closest records among training rows where there are some, else among held-out rows."""
    if material.train is None:
        return _without_training_rows(material)
    rows = min(material.train.num_rows, material.real.num_rows, _ROWS)
    if rows < 1:
        return Section("privacy", "Closest records", "<p>There are no rows to compare.</p>")
    train, held_out = (_some(table, rows, material) for table in (material.train, material.real))
    drawn = _some(material.synthetic, _ROWS, material)
    to_train, to_held_out = closest_distances(drawn, [train, held_out], material.codes)
    nearer = (to_train < to_held_out) + 0.5 * (to_train == to_held_out)
    share = float(nearer.mean())
    # Both sets of records are random as well as the synthetic rows are; see the text.
    error = math.sqrt(0.25 / min(rows, len(nearer)))
    [between] = closest_distances(held_out, [train], material.codes)
    copies, alike = float((to_train == 0).mean()), float((between == 0).mean())
    body = (
        f"<p>Of {len(nearer):,} synthetic rows, {share:.1%} lie nearer to one of {rows:,} "
        f"training rows than to any of {rows:,} held-out rows, ties counted half. 50 % says that "
        f"nothing was learned by heart; chance alone moves it by about {1.96 * error:.1%}. "
        f"{copies:.1%} equal a training row in every column, as {alike:.1%} of the "
        "held-out rows do.</p>"
        + legend(("var(--real)", "held-out rows"), ("var(--wine)", "synthetic rows"))
        + figure(
            _distances(between, to_train, "training"),
            "<b>Distance to the closest training row</b>. Synthetic rows should not lie nearer to "
            "training rows than held-out rows do.",
        )
        + _measure()
    )
    tile = Tile(
        "Closest records", f"{share:.1%}", f"nearer to training rows; 50 % ± {1.96 * error:.1%}"
    )
    return Section("privacy", "Closest records", body, [tile])


def _without_training_rows(material: Material) -> Section:
    """Says what cannot be told, and what can."""
    body = (
        "<p><b>Whether synthetic rows copy training rows cannot be told here.</b> The checkpoint "
        "keeps no training row; give them with <code>--train FILE</code> and this section compares "
        "synthetic rows with both.</p>"
    )
    half = min(material.real.num_rows // 2, _ROWS)
    if half:
        order = material.generator.permutation(material.real.num_rows)
        one, other = (material.real.take(part) for part in (order[:half], order[half : 2 * half]))
        drawn = _some(material.synthetic, _ROWS, material)
        between, to_real = (
            closest_distances(rows, [other], material.codes)[0] for rows in (one, drawn)
        )
        ratio = float(np.median(to_real)) / max(float(np.median(between)), 1e-12)
        said = f"{ratio:.2f} times as far as" if ratio < 100 else "much farther than"
        body += (
            "<p>What can be told is whether they are as near to real rows as real rows are to each "
            f"other: in the median, synthetic rows lie {said} one half of the held-out rows from "
            "the other half.</p>"
            + legend(("var(--real)", "the other held-out rows"), ("var(--wine)", "synthetic rows"))
            + figure(
                _distances(between, to_real, "held-out"),
                f"<b>Distance to the closest of {half:,} held-out rows</b>",
            )
            + _measure()
        )
    tile = Tile("Closest records", "not told", "needs the training rows: --train FILE")
    return Section("privacy", "Closest records", body, [tile])


def _measure() -> str:
    return (
        '<p class="soft">The distance of two rows is the sum over columns of difference over range '
        "for numbers and of 1 for categories that differ; a missing value equals another missing "
        "one.</p>"
    )


def _distances(first: Floats, second: Floats, what: str) -> str:
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


def _some(table: pa.Table, rows: int, material: Material) -> pa.Table:
    if table.num_rows <= rows:
        return table
    return table.take(np.sort(material.generator.choice(table.num_rows, rows, replace=False)))
