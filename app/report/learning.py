"""The learning curves: nats a row on training and validation rows, epoch by epoch."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from madeira.app.report.material import Material
from madeira.app.report.page import Section, Tile, figure, legend
from madeira.app.report.svg import Plot

__all__ = ["learning"]


def learning(material: Material) -> Section:
    """How training went, and what the held-out rows are worth beside the validation rows."""
    metrics, nats = material.metrics, material.log_likelihood
    pictures = "".join(_member(member) for member in metrics["members"])
    error = nats.std() / math.sqrt(len(nats))
    body = (
        f"<p>Trained on {metrics['train_rows']:,} rows, stopped by {metrics['valid_rows']:,} "
        f"others, in {metrics['seconds']:.0f} s on {escape(str(metrics.get('device', 'cpu')))}. "
        f"The mixture gives its validation rows {metrics['valid_nats']:.3f} nats a row, and the "
        f"rows of this report {nats.mean():.3f} ± {error:.3f} (standard error). Validation rows "
        "chose when to stop, so they flatter a little; a large gap says that these rows are of "
        f"another origin.</p>{legend(('var(--real)', 'training'), ('var(--wine)', 'validation'))}"
        f'<div class="grid-of wide">{pictures}</div>'
    )
    tile = Tile("Held-out rows", f"{nats.mean():.2f}", f"nats a row, ± {error:.2f}")
    return Section("learning", "Learning curve", body, [tile])


def _member(member: Mapping[str, Any]) -> str:
    train, valid = member["curve"]["train"], member["curve"]["valid"]
    best = int(member["best_epoch"])
    caption = f"<b>{escape(member['name'])}</b>, weight {member['weight']:.2f}"
    if not valid or best < 1:
        return figure("", f"{caption}; it has no curve")
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
    return figure(picture, f"{caption}; best at epoch {best}: {valid[best - 1]:.3f} nats")


def _limits(nats: Sequence[float]) -> tuple[float, float]:
    """Limits that show the end of the curve: the first steep epochs may leave the picture."""
    ordered = sorted(value for value in nats if math.isfinite(value))
    low, high = ordered[int(0.05 * len(ordered))], ordered[-1]
    margin = 0.08 * (high - low) or 0.5
    return low - margin, high + margin
