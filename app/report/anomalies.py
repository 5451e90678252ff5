"""The most anomalous rows, the cells that are the reason, and the values that the model expects."""

import numpy as np

from madeira.app.report.data import ReportData
from madeira.app.report.page import Section, render
from madeira.models.arrays import Float64
from madeira.models.columns.base import Column
from madeira.models.inference.density import rarity
from madeira.models.inference.noise import draw_noise

__all__ = ["anomalies", "expectation", "formatted"]

_ROWS = 10
_REASONS = 3
_DRAWS = 200
_USUAL = 100  # rows of the model whose surprise is averaged
_MIN_EXCESS = 1.0  # nats above the usual surprise of the column, for a cell to be a reason
_MAX_SHOWN = 40


def anomalies(data: ReportData) -> Section:
    """List the rarest rows with their reasons."""
    places = np.argsort(data.log_tail, kind="stable")[:_ROWS]
    scores = rarity(data.log_tail[places])
    surprise = data.density.contributions(data.values[places])
    usual = np.nanmean(data.density.contributions(_own_rows(data)), axis=0)
    rows = []
    for place, score, cells in zip(places, scores, surprise - usual, strict=True):
        ranked = np.argsort(-np.nan_to_num(cells, nan=-np.inf), kind="stable")[:_REASONS]
        reasons = [d for d in ranked if cells[d] > _MIN_EXCESS] or list(ranked[:1])
        variables = [_reason(data, place, int(d), float(cells[d])) for d in reasons]
        rows.append(
            [
                f"{data.rows[place] + 1:,.0f}",
                f"{data.log_likelihood[place]:.2f}",
                f"{score:.4f}",
                render("reasons.html", reasons=variables),
            ]
        )
    return Section("anomalies", "Most anomalous rows", render("anomalies.html", rows=rows))


def expectation(column: Column, drawn: Float64) -> str:
    """Summarise draws of one cell: the middle 90 % of numbers, or the likeliest values.

    Args:
        column: The column of the cell.
        drawn: Drawn codes, (draws,).
    """
    if not column.discrete:
        low, high = column.decode(np.quantile(drawn, [0.05, 0.95])).to_pylist()
        return f"{formatted(low)} to {formatted(high)}"
    codes, counts = np.unique(drawn, return_counts=True)
    best = np.argsort(-counts, kind="stable")[:2]
    names = column.decode(codes[best]).to_pylist()
    shares = counts[best] / drawn.size
    return " or ".join(
        f"{'something new' if name is None else formatted(name)} ({share:.0%})"
        for name, share in zip(names, shares, strict=True)
        if share >= 0.05 or share == shares[0]
    )


def formatted(value: object) -> str:
    """Format a value in few characters."""
    if isinstance(value, float):
        return f"{value:,.6g}"
    text = f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"


def _own_rows(data: ReportData) -> Float64:
    """Return encoded rows of the model, (at most `_USUAL`, D), to measure the usual surprise."""
    return data.schema.encode(data.synthetic.slice(0, _USUAL))


def _reason(data: ReportData, place: int, d: int, excess: float) -> dict[str, object]:
    """Return the variables of one reason in `reasons.html`."""
    column = data.schema.columns[d]
    evidence = np.repeat(data.values[place : place + 1], _DRAWS, axis=0)
    evidence[:, d] = np.nan
    noise = draw_noise(_DRAWS, data.density.noise_width, data.generator)
    drawn = data.density.sample(evidence, noise)[:, d]
    return {
        "column": column.name,
        "value": formatted(data.given.column(column.name)[place].as_py()),
        "excess": excess,
        "width": min(7.0, max(0.2, excess / 2)),
        "expected": expectation(column, drawn),
    }
