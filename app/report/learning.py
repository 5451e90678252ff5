"""The learning curves: nats a row on training and validation rows, epoch by epoch."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

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
    plot = Plot(400, 220, (1.0, float(len(valid))), _limits([*train, *valid]), left=52)
    plot.axes("epoch", "nats a row")
    plot.line(epochs, train, "real-line")
    plot.line(epochs, valid, "made-line")
    plot.dot(best, valid[best - 1], 4, "made", f"{valid[best - 1]:.3f} nats at epoch {best}")
    picture = plot.render(
        f"Learning curve of {member['name']}: validation rises to {valid[best - 1]:.3f} nats a row "
        f"at epoch {best} of {len(valid)}"
    )
    return member, valid[best - 1], picture


def _limits(nats: Sequence[float]) -> tuple[float, float]:
    """Return the range of the vertical axis, which may leave out the first steep epochs."""
    ordered = sorted(value for value in nats if math.isfinite(value))
    low, high = ordered[int(0.05 * len(ordered))], ordered[-1]
    margin = 0.08 * (high - low) or 0.5
    return low - margin, high + margin
