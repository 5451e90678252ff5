"""The table: a line a set, ours beside what is published; and the cases of the report."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.likelihood.published import BEST_EXACT, PUBLISHED, TARGETS
from benchmarks.likelihood.runs import Run
from benchmarks.report import Report

__all__ = ["OURS", "OURS_BITS", "summarise", "table"]

OURS = "madeira"
OURS_BITS = "madeira, bits one by one"
"""The same recipe, without the groups of bits that make one category."""

CLOSE = 1.01
MASK_SAMPLING = ("MADE, mask sampling", "MADE, order-agnostic")
"""The paper's mask sampling is either, whichever validation rows preferred."""


def table(runs: Sequence[Run]) -> str:
    """Return the table of test negative log-likelihoods in nats, as Markdown.

    Args:
        runs: Of our models, several seeds of each perhaps; of other names are left out.
    """
    head = ("set", "MADE, one mask", "MADE, mask sampling", "best exact", "target", "ours", "seeds")
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for data, seeds in _by_set([run for run in runs if run.model == OURS]).items():
        nats = float(np.mean([run.test_nats for run in seeds]))
        error = float(np.mean([run.standard_error for run in seeds]))
        published = [
            PUBLISHED["MADE, one mask"].get(data),
            PUBLISHED["MADE, mask sampling"].get(data),
            BEST_EXACT.get(data),
            TARGETS.get(data),
        ]
        shown = ["-" if figure is None else f"{figure:.2f}" for figure in published]
        verdict = " missed" if data in TARGETS and nats > TARGETS[data] else ""
        cells = (data, *shown, f"{nats:.2f} ± {error:.2f}{verdict}", str(len(seeds)))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def summarise(report: Report, runs: Sequence[Run]) -> None:
    """Add a case for each set and model: ours against the target, baselines against theirs."""
    models = dict.fromkeys(run.model for run in runs)
    for data, of_set in _by_set(runs).items():
        sampled = [run for run in of_set if run.model in MASK_SAMPLING]
        preferred = min(sampled, key=lambda run: run.valid_nats).model if sampled else ""
        for model in models:
            seeds = [run for run in of_set if run.model == model]
            published = PUBLISHED.get(model, {}).get(data)
            if model in MASK_SAMPLING:
                figures = PUBLISHED[MASK_SAMPLING[0]]
                published = figures.get(data) if model == preferred else None
            if seeds:
                _case(report, data, model, seeds, published)


def _case(
    report: Report, data: str, model: str, seeds: Sequence[Run], published: float | None
) -> None:
    nats = float(np.mean([run.test_nats for run in seeds]))
    detail = _detail(seeds)
    name = f"{data}: {model}"
    if model == OURS and data in TARGETS:
        detail |= {"best exact published": BEST_EXACT[data]}
        report.limit(name, nats, "nats", TARGETS[data], **detail)
    elif published is not None:
        detail |= {"published": published, "difference": nats / published - 1}
        report.limit(name, nats, "nats", round(CLOSE * published, 3), **detail)
    else:
        report.record(name, nats, "nats", **detail)


def _detail(seeds: Sequence[Run]) -> dict[str, float | str]:
    detail: dict[str, float | str] = {
        "standard error over rows": float(np.mean([run.standard_error for run in seeds])),
        "seeds": float(len(seeds)),
        "validation": float(np.mean([run.valid_nats for run in seeds])),
        "training, s": float(np.mean([run.train_seconds for run in seeds])),
        "test, s": float(np.mean([run.test_seconds for run in seeds])),
        "parameters": float(np.mean([run.parameters for run in seeds])),
        "members": float(np.mean([run.members for run in seeds])),
        "components": float(np.mean([run.components for run in seeds])),
        "hardware": "; ".join(dict.fromkeys(_machine(run) for run in seeds)),
        "date": max(run.date for run in seeds),
    }
    if len(seeds) > 1:
        detail["spread over seeds"] = float(np.std([run.test_nats for run in seeds], ddof=1))
    return detail


def _machine(run: Run) -> str:
    what = run.hardware["gpu"] if run.device.startswith("cuda") else run.hardware["cpu"]
    return f"{what}, {run.hardware['threads']} threads"


def _by_set(runs: Sequence[Run]) -> Mapping[str, list[Run]]:
    sets: dict[str, list[Run]] = {}
    for run in runs:
        sets.setdefault(run.data, []).append(run)
    return sets
