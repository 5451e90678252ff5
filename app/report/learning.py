"""The learning curves: nats a row on training and validation rows, epoch by epoch."""

import math
from collections.abc import Mapping
from typing import Any

from madeira.app.pictures.limits import curve_limits
from madeira.app.report.data import ReportData
from madeira.app.report.page import Section, Tile, render
from madeira.app.report.svg import Plot

__all__ = ["learning"]


def learning(data: ReportData) -> Section:
    """Draw the learning curves, and compare held-out rows with validation rows."""
    nats = data.log_likelihood
    error = nats.std() / math.sqrt(len(nats))
    body = render(
        "learning.html",
        metrics=data.metrics,
        members=[_member(member) for member in data.metrics["members"]],
        nats=nats.mean(),
        error=error,
    )
    tile = Tile("Held-out rows", f"{nats.mean():.2f}", f"nats a row, ± {error:.2f}")
    return Section("learning", "Learning curve", body, [tile])


def _member(member: Mapping[str, Any]) -> tuple[Mapping[str, Any], float | None, str]:
    """Return a member, its best validation score in nats, and its curve; None where it has none."""
    train, valid = member["curve"]["train"], member["curve"]["valid"]
    best = int(member["best_epoch"])
    if not valid or best < 1:
        return member, None, ""
    epochs = [float(epoch) for epoch in range(1, len(valid) + 1)]
    plot = Plot(400, 220, (1.0, float(len(valid))), curve_limits([*train, *valid]), left=52)
    plot.axes("epoch", "nats a row")
    plot.line(epochs, train, "real-line")
    plot.line(epochs, valid, "made-line")
    plot.dot(best, valid[best - 1], 4, "made", f"{valid[best - 1]:.3f} nats at epoch {best}")
    picture = plot.render(
        f"Learning curve of {member['name']}: validation rises to {valid[best - 1]:.3f} nats a row "
        f"at epoch {best} of {len(valid)}"
    )
    return member, valid[best - 1], picture
