"""Means over seeds and sets, ranks, and what is met."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.anomaly.sets import SETTINGS, Setting
from benchmarks.report import Report

__all__ = ["OURS", "Measures", "summarise"]

OURS = "madeira"


@dataclass(frozen=True)
class Measures:
    """What one method reached on one set, setting and seed.

    Attributes:
        method: Its name.
        name: The set.
        setting: What was trained on.
        seed: The seed.
        auroc: Area under the receiver operating characteristic.
        precision: Average precision.
        seconds: Training and scoring.
    """

    method: str
    name: str
    setting: Setting
    seed: int
    auroc: float
    precision: float
    seconds: float


def summarise(report: Report, measured: Sequence[Measures]) -> None:
    """Add a case a set and setting, with the AUROC of every method, then the means.

    Only sets and seeds that every method has been measured on count.
    """
    for setting in SETTINGS:
        cells: dict[tuple[str, int], dict[str, Measures]] = defaultdict(dict)
        for one in measured:
            if one.setting == setting:
                cells[one.name, one.seed][one.method] = one
        methods = list(dict.fromkeys(one.method for one in measured))
        whole = {key: row for key, row in cells.items() if len(row) == len(methods)}
        if not whole:
            continue
        names = list(dict.fromkeys(name for name, _ in whole))
        auroc, precision, seconds = (
            np.array(
                [
                    [
                        np.mean(
                            [getattr(row[m], what) for (n, _), row in whole.items() if n == name]
                        )
                        for m in methods
                    ]
                    for name in names
                ]
            )
            for what in ("auroc", "precision", "seconds")
        )
        ranks = (auroc[:, None, :] > auroc[:, :, None]).sum(axis=2) + 1.0
        ranks += ((auroc[:, None, :] == auroc[:, :, None]).sum(axis=2) - 1) / 2
        ours = methods.index(OURS)
        for row, name in zip(auroc, names, strict=True):
            detail = {m: float(v) for m, v in zip(methods, row, strict=True) if m != OURS}
            seeds = sum(key[0] == name for key in whole)
            report.record(f"{setting}: {name}", float(row[ours]), "AUROC", seeds=seeds, **detail)
        for index, method in enumerate(methods):
            detail = {
                "average precision": float(precision[:, index].mean()),
                "average rank": float(ranks[:, index].mean()),
                "seconds a set": float(seconds[:, index].mean()),
                "sets": float(len(names)),
                "runs": float(len(whole)),
            }
            value = float(auroc[:, ours].mean())
            if index == ours:
                report.record(f"{setting}: mean of {method}", value, "AUROC", **detail)
            else:
                other = float(auroc[:, index].mean())
                report.exceed(
                    f"{setting}: mean against {method}", value, "AUROC", method, other, **detail
                )
