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
    "two_sample_held_out": "the same against held-out rows",
    "trends": "Column Pair Trends",
    "shapes": "Column Shapes",
    "useful": "trained on synthetic rows, tested on real ones",
}
REAL = {
    "two_sample_held_out": "two_sample_held_out_real",
    "trends": "trends_real",
    "shapes": "shapes_real",
    "useful": "useful_real",
}
"""What real rows come to: those held out, in the place of synthetic ones, or to learn from."""

MIN_VALUES = {"two_sample": 0.62, "trends": 0.977}
MIN_CAPPED = 0.75
MAX_FROM_HALF = 0.03
MAX_NULLS = {
    "null_share": ("share of nulls in a column, furthest from held-out rows", 0.02),
    "null_pairs": ("share of rows null in two columns, furthest from held-out rows", 0.03),
    "outside": ("rows with a number beyond all real ones", 0.0),
}


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
    ours = [one for one in found if one.tool == OURS]
    _add_defaults(report, [one for one in ours if one.size == "capped"])
    _add_closest(report, ours)


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


def _add_defaults(report: Report, capped: Sequence[Measured]) -> None:
    """Add what rows of 8,000 training rows are to come to, drawn by default."""
    if not capped:
        return
    scores = {one.table: one.measures["two_sample"] for one in capped}
    case = f"two-sample score, mean of {len(capped)} tables"
    mean = _mean(capped, "two_sample")
    report.exceed(case, mean, "score", "target", MIN_CAPPED, target=1.0, **scores)
    for name, (title, most) in MAX_NULLS.items():
        shares = {one.table: one.measures[name] for one in capped if name in one.measures}
        if shares:
            report.limit(f"{title}, any table", max(shares.values()), "share", most, **shares)


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
