"""The most anomalous rows, the cells that are the reason, and the values that the model expects."""

import numpy as np

from madeira.app.report.data import ReportData
from madeira.app.report.page import Section, render
from madeira.models.inference.density import rarity
from madeira.models.inference.reasons import find_reasons

__all__ = ["anomalies", "formatted"]

_ROWS = 10
_MAX_SHOWN = 40


def anomalies(data: ReportData) -> Section:
    """List the rarest rows with their reasons."""
    places = np.argsort(data.log_tail, kind="stable")[:_ROWS]
    scores = rarity(data.log_tail[places])
    found = find_reasons(data.density, data.values[places], np.ones(len(places), dtype=bool))
    rows = []
    for place, score, reasons in zip(places, scores, found, strict=True):
        named = [reason for reason in reasons.tolist() if reason[0] == reason[0]]
        variables = [_reason(data, place, *reason) for reason in named]
        rows.append(
            [
                f"{data.rows[place] + 1:,.0f}",
                f"{data.log_likelihood[place]:.2f}",
                f"{score:.4f}",
                render("reasons.html", reasons=variables),
            ]
        )
    return Section("anomalies", "Most anomalous rows", render("anomalies.html", rows=rows))


def formatted(value: object) -> str:
    """Format a value in few characters."""
    if isinstance(value, float):
        return f"{value:,.6g}"
    text = f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"


def _reason(data: ReportData, place: int, d: float, p: float, *codes: float) -> dict[str, object]:
    """Return the variables of one reason in `reasons.html`."""
    column = data.schema.columns[int(d)]
    expected = column.decode(np.array([code for code in codes if code == code])).to_pylist()
    return {
        "column": column.name,
        "value": formatted(data.given.column(column.name)[place].as_py()),
        "p": f"{p:.2g}",
        "width": min(7.0, max(0.2, -np.log10(p))),
        "expected": (" or " if column.discrete else " to ").join(map(formatted, expected)),
    }
