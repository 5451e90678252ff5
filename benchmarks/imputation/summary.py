"""From measures of cases to the ranks of methods, and to the report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from benchmarks.report import Report

__all__ = ["RANKED", "Case", "ranks", "summarise"]

RANKED = {"rmse": 1, "accuracy": -1, "wasserstein": 1}
"""Measures that every method has; -1 where more is better."""
SHOWN = ("rmse", "accuracy", "wasserstein", "crps", "width")
MAX_COVERAGE_ERROR = 0.03

Measures = Mapping[str, float]


@dataclass(frozen=True)
class Case:
    """One incomplete table, and what each method made of it.

    Attributes:
        table: Name of the table.
        mechanism: Why values are missing.
        share: Share of values removed.
        seed: Of rows, removal and methods.
        measures: By method.
    """

    table: str
    mechanism: str
    share: float
    seed: int
    measures: Mapping[str, Measures]


def ranks(cases: Iterable[Case], methods: list[str], measure: str) -> dict[str, float]:
    """Mean rank of each method by one measure, 1 the best, equal ones sharing the mean."""
    found = []
    for case in cases:
        values = [case.measures[method].get(measure, np.nan) for method in methods]
        if not np.isnan(values).any():
            found.append(rankdata(np.multiply(RANKED.get(measure, 1), values)))
    means = np.mean(found, axis=0) if found else np.full(len(methods), np.nan)
    return dict(zip(methods, means.tolist(), strict=True))


def summarise(report: Report, cases: list[Case], ours: str) -> None:
    """Add everything to a report: ranks over the cases that all of a set of methods have."""
    seen = list(dict.fromkeys(method for case in cases for method in case.measures))
    everywhere = [method for method in seen if all(method in case.measures for case in cases)]
    sets = [everywhere] + [[*everywhere, method] for method in seen if method not in everywhere]
    for methods in sets:
        extra = methods[-1] if methods is not everywhere else ""
        some = [case for case in cases if all(method in case.measures for method in methods)]
        if not some or ours not in methods or len(methods) < 2:
            continue
        _rank(report, some, methods, ours, f" (where {extra} was run)" if extra else "")
    for method in seen:
        values = [case.measures[method] for case in cases if method in case.measures]
        detail = {name: _mean(value.get(name) for value in values) for name in SHOWN}
        detail |= {"coverage": _coverage(values), "cases": float(len(values))}
        known = {name: value for name, value in detail.items() if not np.isnan(value)}
        report.record(f"mean over cases: {method}", known.pop("rmse"), "rmse", **known)
    distance = abs(_coverage([case.measures[ours] for case in cases]) - 0.9)
    report.compare(
        "coverage of 90 % intervals: distance from 0.9",
        distance,
        "",
        "the most that is aimed at",
        MAX_COVERAGE_ERROR,
        target=1.0,
    )
    for mechanism in dict.fromkeys(case.mechanism for case in cases):
        values = [case.measures[ours] for case in cases if case.mechanism == mechanism]
        report.record(f"coverage under {mechanism}: {ours}", _coverage(values), "coverage")


def _rank(report: Report, cases: list[Case], methods: list[str], ours: str, note: str) -> None:
    by_measure = {measure: ranks(cases, methods, measure) for measure in RANKED}
    overall = {
        method: float(np.nanmean([by_measure[measure][method] for measure in RANKED]))
        for method in methods
    }
    others = {method: rank for method, rank in overall.items() if method != ours}
    for method, rank in sorted(others.items(), key=lambda item: item[1]):
        detail = {measure: by_measure[measure][method] for measure in RANKED}
        report.record(f"average rank: {method}{note}", rank, "rank", cases=len(cases), **detail)
    best = min(others, key=lambda method: others[method])
    detail = {measure: by_measure[measure][ours] for measure in RANKED}
    report.compare(
        f"average rank: {ours}{note}", overall[ours], "rank", best, others[best], 1.0,
        cases=len(cases), **detail,
    )  # fmt: skip


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")


def _coverage(values: list[Measures]) -> float:
    """Over all cells of all cases."""
    known = [value for value in values if "coverage" in value]
    cells = sum(value["gaps"] for value in known)
    inside = sum(value["coverage"] * value["gaps"] for value in known)
    return inside / cells if cells else float("nan")
