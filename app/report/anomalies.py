"""The most anomalous rows, the cells that make them so, and what the model would have expected."""

from html import escape

import numpy as np

from madeira.app.report.material import Material
from madeira.app.report.page import Section, table
from madeira.app.report.svg import Floats
from madeira.models.columns.base import Column
from madeira.models.inference.noise import draw_noise

__all__ = ["anomalies", "expectation"]

_ROWS = 10
_REASONS = 3
_DRAWS = 200
_USUAL = 100  # rows of the model whose surprise is averaged
_LEAST = 1.0  # nats above what the column's surprise usually is, for a cell to be a reason


def anomalies(material: Material) -> Section:
    """The rarest rows with their reasons."""
    order = np.argsort(material.comparable, kind="stable")[:_ROWS]
    places = material.judged[order].astype(int)
    scores = 1 - np.searchsorted(material.reference, material.comparable[order]) / len(
        material.reference
    )
    surprise = material.density.contributions(material.values[places])
    usual = np.nanmean(material.density.contributions(_own_rows(material)), axis=0)
    rows = []
    for place, score, cells in zip(places, scores, surprise - usual, strict=True):
        ranked = np.argsort(-np.nan_to_num(cells, nan=-np.inf), kind="stable")[:_REASONS]
        reasons = [d for d in ranked if cells[d] > _LEAST] or list(ranked[:1])
        told = [_reason(material, place, int(d), float(cells[d])) for d in reasons]
        rows.append(
            [
                f"{material.rows[place] + 1:,.0f}",
                f"{material.log_likelihood[place]:.2f}",
                f"{score:.4f}",
                "<br>".join(told),
            ]
        )
    body = (
        "<p>The rows that are rarest among rows of the model with the same columns observed. The "
        "reasons are the cells that surprise most given all the other cells of their row, in nats "
        "above what is usual for the column: 2.3 nats are ten times less likely than usual. "
        "Expected is what the model takes for likely in that place: the range of 90 %, or the "
        "likeliest values.</p>"
        + table(
            "Rows are counted from 1, without the heading of the file",
            ["#row", "#nats", "#anomaly score", "reasons"],
            rows,
        )
    )
    return Section("anomalies", "Most anomalous rows", body)


def expectation(column: Column, drawn: Floats) -> str:
    """What draws of one cell say of it: the middle 90 % of numbers, or the likeliest values."""
    if not column.discrete:
        low, high = column.decode(np.quantile(drawn, [0.05, 0.95])).to_pylist()
        return f"{shown(low)} to {shown(high)}"
    codes, counts = np.unique(drawn, return_counts=True)
    best = np.argsort(-counts, kind="stable")[:2]
    names = column.decode(codes[best]).to_pylist()
    shares = counts[best] / drawn.size
    return " or ".join(
        f"{'something new' if name is None else shown(name)} ({share:.0%})"
        for name, share in zip(names, shares, strict=True)
        if share >= 0.05 or share == shares[0]
    )


def shown(value: object) -> str:
    """A value in few characters."""
    if isinstance(value, float):
        return f"{value:,.6g}"
    text = f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _own_rows(material: Material) -> Floats:
    """Rows of the model, to learn what surprise is usual."""
    reference = material.density.reference
    rows = material.values if reference is None else reference.values
    return rows[:_USUAL]


def _reason(material: Material, place: int, d: int, excess: float) -> str:
    column = material.schema.columns[d]
    cell = material.given.column(column.name)[place].as_py()
    evidence = np.repeat(material.values[place : place + 1], _DRAWS, axis=0)
    evidence[:, d] = np.nan
    noise = draw_noise(_DRAWS, material.density.noise_width, material.generator)
    drawn = material.density.sample(evidence, noise)[:, d]
    width = min(7.0, max(0.2, excess / 2))
    sign = "+" if excess >= 0 else "−"
    return (
        f'<span class="bar" style="width:{width:.1f}em" aria-hidden="true"></span> '
        f"<b>{escape(column.name)}</b> = {escape(shown(cell))} "
        f'<span class="soft">({sign}{abs(excess):.1f} nats; expected '
        f"{escape(expectation(column, drawn))})</span>"
    )
