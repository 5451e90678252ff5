"""Likelihoods of held-out rows against those of the model's own rows."""

import numpy as np

from madeira.app.report.material import Material
from madeira.app.report.page import Section, Tile, figure, legend
from madeira.app.report.svg import Floats, Plot

__all__ = ["likelihood"]

_BARS = 40
_TENTHS = 10


def likelihood(material: Material) -> Section:
    """Histogram of both, and how often each anomaly score comes."""
    real, own = material.comparable, material.reference
    together = np.concatenate([real, own])
    low, high = np.quantile(together, [0.003, 1.0])
    edges = np.linspace(low, high if high > low else low + 1, _BARS + 1)
    bars, outline = (
        np.histogram(np.clip(nats, edges[0], edges[-1]), edges)[0] / nats.size
        for nats in (real, own)
    )
    plot = Plot(
        520, 240, (edges[0], edges[-1]), (0.0, float(max(bars.max(), outline.max())) * 1.05)
    )
    plot.axes("log-likelihood, nats")
    plot.bars(edges, bars, "real")
    plot.steps(edges, outline, "made-line")
    picture = plot.render(
        f"Histograms of log-likelihoods: held-out rows have mean {real.mean():.2f}, rows of the "
        f"model {own.mean():.2f} nats"
    )
    scores = 1 - np.searchsorted(own, real) / own.size
    rare = float((scores > 0.95).mean())
    gaps = (
        ""
        if len(material.judged) == len(material.rows)
        else (
            f" Of {len(material.rows):,} rows {len(material.judged):,} are judged, those of the "
            "most frequent patterns of gaps."
        )
    )
    body = (
        "<p>Rows of the model and held-out rows should be equally likely. Held-out rows that pile "
        "up on the left are rarer than the model expects: it has learned too much by heart, or "
        "they are of another origin. A row with gaps counts as the complete row that is as rare."
        f"{gaps}</p>"
        + legend(("var(--real)", "held-out rows"), ("var(--wine)", "rows of the model"))
        + '<div class="grid-of wide">'
        + figure(picture, "<b>Log-likelihoods</b>; the leftmost bar holds what lies beyond")
        + figure(_scores(scores), _scores_caption(rare, len(scores)))
        + "</div>"
    )
    tile = Tile("Anomaly scores", f"{rare:.1%}", "of held-out rows above 0.95; 5 % is calibrated")
    return Section("likelihood", "Likelihood", body, [tile])


def _scores(scores: Floats) -> str:
    """Share of the rows in each tenth of the anomaly score, with what chance allows."""
    edges = np.linspace(0, 1, _TENTHS + 1)
    shares = np.histogram(np.clip(scores, 0, 1), edges)[0] / scores.size
    spread = 1.96 * np.sqrt(0.1 * 0.9 / scores.size)
    top = max(float(shares.max()), 0.1 + spread) * 1.1
    plot = Plot(400, 240, (0.0, 1.0), (0.0, top))
    plot.axes("anomaly score")
    plot.bars(edges, shares, "real")
    bounds = np.array([max(0.0, 0.1 - spread)] * 2), np.array([0.1 + spread] * 2)
    plot.band([0.0, 1.0], *bounds, "band")
    plot.line([0, 1], [0.1, 0.1], "guide")
    return plot.render(
        "Share of held-out rows by tenth of the anomaly score: "
        + ", ".join(f"{share:.1%}" for share in shares)
    )


def _scores_caption(rare: float, rows: int) -> str:
    return (
        "<b>Anomaly scores</b> of calibrated answers come equally often. Shaded: what chance "
        f"allows {rows:,} rows; {rare:.1%} of them have a score above 0.95."
    )
