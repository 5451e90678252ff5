"""The picture of the learning curves of a model: nats by epoch, one panel a member."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from madeira.app.pictures.limits import curve_limits

__all__ = ["draw_learning_curve"]

_TRAIN, _VALIDATION = "#8a8f98", "#1f5fbf"
_PANELS_PER_ROW = 3


def draw_learning_curve(title: str, members: Sequence[Mapping[str, Any]]) -> bytes:
    """Draw training and validation curves of every member, with its best epoch.

    Args:
        title: Title of the figure.
        members: Entries of `metrics["members"]`: `name`, `weight`, `best_epoch`, and `curve` with
            the lists `train` and `valid`, one entry an epoch: mean log-likelihood of a row, nats.

    Returns:
        A PNG.
    """
    columns = min(len(members), _PANELS_PER_ROW) or 1
    rows = math.ceil(len(members) / columns) or 1
    figure = Figure(figsize=(max(6.4, 4.4 * columns), 0.6 + 3.4 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=12)
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for panel, member in zip(panels, members, strict=False):
        _draw_member(panel, member)
    for panel in list(figure.axes)[len(members) :]:
        panel.set_visible(False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def _draw_member(panel: Axes, member: Mapping[str, Any]) -> None:
    train, valid = member["curve"]["train"], member["curve"]["valid"]
    best = member["best_epoch"]
    epochs = range(1, len(valid) + 1)
    panel.set_title(f"{member['name']} (weight {member['weight']:.2f})", fontsize=10)
    panel.set_xlabel("epoch")
    panel.set_ylabel("log-likelihood of a row, nats")
    panel.grid(alpha=0.25)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    if best < 1:
        return
    panel.plot(epochs, train, color=_TRAIN, linewidth=1.2, label="training")
    panel.plot(epochs, valid, color=_VALIDATION, linewidth=1.6, label="validation")
    panel.axvline(best, color=_VALIDATION, linewidth=0.8, linestyle=":")
    panel.plot(
        [best],
        [valid[best - 1]],
        marker="o",
        color=_VALIDATION,
        linestyle="none",
        label=f"best: {valid[best - 1]:.3f} at epoch {best}",
    )
    panel.set_ylim(*curve_limits([*train, *valid]))
    panel.legend(fontsize=8, loc="lower right")
