"""The picture of a search: validation curves of all trials, and importances of settings."""

import io
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from madeira.app.pictures.limits import curve_limits
from madeira.models.tuning import Kind, TrialRecord

__all__ = ["draw_tuning"]

_OTHER, _PRUNED, _BEST = "#7d9cc7", "#c9ccd1", "#c8102e"


def draw_tuning(
    title: str,
    trials: Mapping[Kind, Sequence[TrialRecord]],
    importances: Mapping[Kind, Mapping[str, float]],
) -> bytes:
    """Draw two panels for every kind of network: validation curves, and importances.

    Args:
        title: Title of the figure.
        trials: The trials of each kind.
        importances: Importance of each setting by kind, the most important first; empty if there
            were too few trials.

    Returns:
        A PNG.
    """
    kinds = [kind for kind, records in trials.items() if records]
    figure = Figure(figsize=(11, 0.6 + 4.0 * max(len(kinds), 1)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=12)
    panels = figure.subplots(max(len(kinds), 1), 2, squeeze=False, width_ratios=(3, 2))
    for kind, (left, right) in zip(kinds, panels, strict=False):
        _draw_curves(left, kind, trials[kind])
        _draw_importances(right, kind, importances.get(kind, {}))
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def _draw_curves(panel: Axes, kind: str, records: Sequence[TrialRecord]) -> None:
    usable = [record for record in records if record.usable]
    best = max(usable, key=lambda record: record.best_nats, default=None)
    panel.set_title(
        f"{kind} networks: {len(records)} trial{'' if len(records) == 1 else 's'}", fontsize=10
    )
    panel.set_xlabel("epoch")
    panel.set_ylabel("validation, nats a row")
    panel.grid(alpha=0.25)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    labelled: set[str] = set()
    for record in records:
        if record is best:
            continue
        label = "pruned" if record.ending == "pruned" else "other trials"
        colour = _PRUNED if record.ending == "pruned" else _OTHER
        _draw_curve(panel, record, colour, 1.0, label if label not in labelled else None)
        labelled.add(label)
    if best is not None:
        label = f"best, trial {best.number}: {best.best_nats:.3f} at epoch {best.best_epoch}"
        _draw_curve(panel, best, _BEST, 2.0, label)
        panel.plot([best.best_epoch], [best.best_nats], color=_BEST, marker="o", linestyle="none")
    low, high = curve_limits([nats for record in usable or records for nats in record.valid])
    # Show pruned trials as well, except those far below all others.
    bests = sorted(record.best_nats for record in records if record.best_epoch)
    if bests:
        low = min(low, bests[len(bests) // 5])
    panel.set_ylim(low, high)
    if panel.lines:
        panel.legend(fontsize=8, loc="lower right")


def _draw_curve(
    panel: Axes, record: TrialRecord, colour: str, width: float, label: str | None
) -> None:
    epochs = range(1, len(record.valid) + 1)
    # A trial of one epoch is a point, which a line does not show.
    marker = "." if len(record.valid) == 1 else None
    panel.plot(epochs, record.valid, color=colour, linewidth=width, marker=marker, label=label)


def _draw_importances(panel: Axes, kind: str, importances: Mapping[str, float]) -> None:
    panel.set_title(f"{kind}: what mattered", fontsize=10)
    if not importances:
        panel.set_axis_off()
        panel.text(
            0.5,
            0.5,
            "fewer than twelve trials:\ntoo few to tell",
            ha="center",
            va="center",
            color="#6b7077",
        )
        return
    names = [name.replace("_", " ") for name in importances][::-1]
    shares = [100 * share for share in importances.values()][::-1]
    bars = panel.barh(names, shares, color=_OTHER)
    panel.bar_label(bars, [_percent(share) for share in shares], padding=3, fontsize=8)
    panel.set_xlim(0, 1.15 * max(shares))
    panel.set_xlabel("share of the importance, %")
    panel.tick_params(axis="y", labelsize=9)
    panel.spines[["top", "right"]].set_visible(False)


def _percent(share: float) -> str:
    return "under 1 %" if share < 1 else f"{share:.0f} %"
