"""The report of all tables: means by kind of error, and what was aimed at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.planted.detectors import OURS, PYOD
from benchmarks.planted.errors import BLATANT, KINDS
from benchmarks.report import Report

__all__ = ["Measured", "summarise"]

MIN_BLATANT_AUROC = 0.95
MIN_NAMED = 0.85
FLAGGED = {"flagged_1": 0.01, "flagged_5": 0.05}
FACTOR = 2.0
MAX_TABLES_OUTSIDE = 2


@dataclass(frozen=True)
class Measured:
    """What was measured of one table.

    Attributes:
        table: Its name.
        rows: Training rows.
        flagged: Shares of clean held-out rows that Madeira flags; see `flagged`.
        found: Measures by kind of error and detector; see `measure`.
    """

    table: str
    rows: int
    flagged: Mapping[str, float]
    found: Mapping[str, Mapping[str, Mapping[str, float]]]


def summarise(report: Report, preset: str, measured: Sequence[Measured]) -> None:
    """Add every table, means over tables by kind of error, and targets.

    Args:
        report: What is added to.
        preset: What the models were trained with.
        measured: The tables.
    """
    for one in measured:
        detail: dict[str, float | str] = {"preset": preset, **one.flagged}
        for kind, by_detector in one.found.items():
            for detector, measures in by_detector.items():
                for name, value in measures.items():
                    detail[f"{kind}: {detector}: {name}"] = value
        mean = np.mean([each[OURS]["auroc"] for each in one.found.values()])
        report.record(f"{one.table}, {one.rows} rows", float(mean), "AUROC", **detail)
    for kind in KINDS:
        _kind(report, measured, kind)
    named = [each[OURS]["named"] for one in measured for each in one.found.values() if OURS in each]
    report.exceed("the wrong cell is named first, mean over all", float(np.mean(named)), "share",
                  "target", MIN_NAMED)  # fmt: skip
    for name, share in FLAGGED.items():
        shares = {one.table: one.flagged[name] for one in measured}
        outside = sum(
            _outside(one.flagged["clean_rows"], one.flagged[name], share) for one in measured
        )
        ends = f"{share / FACTOR:.1%} to {share * FACTOR:.0%}"
        case = f"tables that have not {ends} of clean rows flagged, of {len(shares)}"
        report.limit(case, outside, "tables", MAX_TABLES_OUTSIDE, **shares)


def _outside(rows: float, flagged: float, share: float) -> bool:
    """Whether a share of rows flagged is not half to twice of what is asked, in whole rows."""
    least, most = np.floor(rows * share / FACTOR), np.ceil(rows * share * FACTOR)
    return not least <= round(rows * flagged) <= most


def _kind(report: Report, measured: Sequence[Measured], kind: str) -> None:
    """Add the means of a kind of error over the tables that can have it."""
    some = [one.found[kind] for one in measured if kind in one.found]
    if not some:
        return
    detectors = [name for name in some[0] if all(name in each for each in some)]
    mean = {
        (detector, name): float(np.mean([each[detector][name] for each in some]))
        for detector in detectors
        for name in some[0][detector]
    }
    detail = {
        f"{name}: {detector}" if detector != OURS else name: value
        for (detector, name), value in mean.items()
    }
    case, ours = f"{kind}, mean of {len(some)} tables", mean[OURS, "auroc"]
    if kind in BLATANT:
        report.exceed(case, ours, "AUROC", "target", MIN_BLATANT_AUROC, **detail)
        return
    peers = {name: mean[name, "auroc"] for name in detectors if name in PYOD}
    if not peers:
        report.record(case, ours, "AUROC", **detail)
        return
    best = max(peers, key=lambda name: peers[name])
    report.exceed(case, ours, "AUROC", best, peers[best], **detail)
