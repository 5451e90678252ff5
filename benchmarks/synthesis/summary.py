"""What is reported of all measurements: every one of them, means, and what was aimed at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.report import Report
from benchmarks.synthesis.tables import Size

__all__ = ["REAL", "Measured", "markdown", "summarise"]

OURS = "madeira"
MEASURES = {
    "two_sample": "two-sample score",
    "trends": "Column Pair Trends",
    "shapes": "Column Shapes",
    "useful": "trained on synthetic rows, tested on real ones",
}
REAL = {"trends": "trends_real", "shapes": "shapes_real", "useful": "useful_real"}
"""What real rows come to: those held out, in the place of synthetic ones, or to learn from."""

MIN_VALUES = {"two_sample": 0.62, "trends": 0.977}
MAX_FROM_HALF = 0.03


@dataclass(frozen=True)
class Measured:
    """The measures of one tool on one table; see `benchmarks.synthesis.measures.measure`."""

    size: Size
    table: str
    tool: str
    rows: int
    measures: dict[str, float]


def summarise(report: Report, found: Sequence[Measured]) -> None:
    """Add to a report every measurement, the means of them, and the targets."""
    for one in found:
        name = f"{one.table}, {one.rows} rows: {one.tool}"
        report.record(name, one.measures["two_sample"], "score", **one.measures)
    _add_targets(report, [one for one in found if one.size == "full" and one.tool == OURS])
    for tool in dict.fromkeys(one.tool for one in found if one.tool != OURS):
        _compare(report, [one for one in found if one.size == "capped"], tool)
    _add_closest(report, [one for one in found if one.tool == OURS])


def markdown(found: Iterable[Measured]) -> str:
    """Return a table of the means of every tool over its tables, for documents."""
    heads = ["rows", "tool", "tables"]
    for name, title in MEASURES.items():
        heads += [title, "(real rows)"] if name in REAL else [title]
    heads += ["nearer to training rows", "processor seconds a table"]
    lines = ["| " + " | ".join(heads) + " |", "|---|---|" + "---:|" * (len(heads) - 2)]
    groups: dict[tuple[str, str], list[Measured]] = {}
    for one in found:
        groups.setdefault((one.size, one.tool), []).append(one)
    for (size, tool), ones in groups.items():
        cells = [size, tool, str(len(ones))]
        for name in MEASURES:
            cells += [f"{_mean(ones, each):.3f}" for each in (name, REAL.get(name)) if each]
        cells += [f"{_mean(ones, 'closest_share'):.3f}"]
        cells += [f"{_mean(ones, 'fit_s') + _mean(ones, 'sample_s'):.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _add_targets(report: Report, ours: Sequence[Measured]) -> None:
    if not ours:
        return
    tables = ", ".join(one.table for one in ours)
    for name, least in MIN_VALUES.items():
        case = f"{MEASURES[name]}, mean of {len(ours)} full tables"
        detail: dict[str, float | str] = {"tables": tables}
        if name in REAL:
            detail["held-out rows"] = _mean(ours, REAL[name])
        report.exceed(case, _mean(ours, name), "score", "target", least, target=1.0, **detail)


def _compare(report: Report, capped: Sequence[Measured], tool: str) -> None:
    """Compare the means over the tables that a peer and Madeira both have."""
    theirs = {one.table: one for one in capped if one.tool == tool}
    ours = [one for one in capped if one.tool == OURS and one.table in theirs]
    if not ours:
        return
    others = [theirs[one.table] for one in ours]
    for name, title in MEASURES.items():
        case = f"{title}, mean of {len(ours)} tables, against {tool}"
        report.exceed(case, _mean(ours, name), "score", tool, _mean(others, name))


def _add_closest(report: Report, ours: Sequence[Measured]) -> None:
    if not ours:
        return
    shares = {f"{one.table}, {one.rows} rows": one.measures["closest_share"] for one in ours}
    furthest = max(abs(share - 0.5) for share in shares.values())
    case = "closest-record share: furthest from a half"
    report.limit(case, furthest, "share", MAX_FROM_HALF, **shares)


def _mean(ones: Sequence[Measured], name: str) -> float:
    return float(np.mean([one.measures[name] for one in ones]))
