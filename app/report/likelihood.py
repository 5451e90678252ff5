"""Likelihoods of held-out rows against those of the model's own rows."""

import numpy as np
from markupsafe import Markup

from madeira.app.report.data import ReportData
from madeira.app.report.page import Section, Tile, render
from madeira.app.report.svg import Plot
from madeira.models.arrays import Float64
from madeira.models.inference.density import rarity

__all__ = ["likelihood"]

_BARS = 40
_TENTHS = 10


def likelihood(data: ReportData) -> Section:
    """Draw both histograms, and the histogram of the anomaly scores."""
    real, own = data.log_likelihood, data.own_log_likelihood
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
    scores = rarity(data.log_tail)
    rare = float((scores > 0.95).mean())
    body = render(
        "likelihood.html",
        rows=len(data.rows),
        likelihoods=picture,
        scores=_scores(scores),
        rare=rare,
    )
    tile = Tile("Anomaly scores", f"{rare:.1%}", "of held-out rows above 0.95; 5 % is calibrated")
    return Section("likelihood", "Likelihood", body, [tile])


def _scores(scores: Float64) -> Markup:
    """Draw the share of rows in each tenth of the anomaly score, with the range of chance."""
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
