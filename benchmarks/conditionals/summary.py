"""The report of all tables: every measure, means, and what was aimed at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.report import Report

__all__ = ["Measured", "summarise"]

MIN_RULE_ROWS = 500
MAX_BEHIND = {"rest_categories": 4, "rest_numbers": None, "pair": 0}
TITLES = {
    "rest_categories": "a category given the rest: log loss",
    "rest_numbers": "a number given the rest: pinball loss",
    "pair": "a category given one other: log loss",
}
PEERS = {
    "rest_categories": "rest_categories_trees",
    "rest_numbers": "rest_numbers_trees",
    "pair": "pair_counts",
}
UNITS = {"rest_categories": "nats", "rest_numbers": "sd", "pair": "nats"}
MAX_SHARE_OUTSIDE = 0.01
MAX_ROUTES = {
    "routes_most": 0.03,
    "routes_mean": 0.005,
    "sampled_most": 0.03,
    "sampled_mean": 0.005,
}
ROUTES = {
    "routes_most": "three computed routes: largest difference",
    "routes_mean": "three computed routes: mean difference",
    "sampled_most": "draws and the other routes: largest difference beyond chance",
    "sampled_mean": "draws and the other routes: mean difference beyond chance",
}
MAX_UNSURE = 0.03
MAX_MORE_BROKEN = 0.02


@dataclass(frozen=True)
class Measured:
    """What was measured of one table.

    Attributes:
        table: Its name.
        rows: Training rows.
        bundled: Whether the model is a bundled one, which has seen the rows that it is asked of.
        measures: By name; see the functions that measure.
    """

    table: str
    rows: int
    bundled: bool
    measures: dict[str, float]


def summarise(report: Report, preset: str, found: Sequence[Measured]) -> None:
    """Add every table, comparisons over all of them, and targets.

    Args:
        report: What is added to.
        preset: What the models were trained with.
        found: The tables.
    """
    for one in found:
        label = "bundled" if one.bundled else f"{one.rows} rows"
        value = one.measures["spread" if one.bundled else "held_out"]
        report.record(f"{one.table}, {label}", value, "nats", preset=preset, **one.measures)
    for name, title in TITLES.items():
        _against(report, found, name, title)
    _rules(report, found)
    for name, most in MAX_ROUTES.items():
        values = _of(found, name)
        if name == "sampled_mean":
            errors = _of(found, "sampled_error")
            values = {table: max(0.0, values[table] - errors[table]) for table in values}
        _limit(report, ROUTES[name], values, most)
    _limit(report, "sums over outcomes outside 0.98 to 1.02: share of questions",
           _of(found, "sums_outside"), MAX_SHARE_OUTSIDE)  # fmt: skip
    _limit(report, "p(a, b) > 1.01 p(a): share of questions", _of(found, "monotony_broken"), 0.0)
    for name, title in (
        ("spread", "orderings: standard deviation of a row's log-likelihood"),
        ("spread_most", "orderings: its 99th percentile over rows"),
        ("swapped", "two ways to a pair: mean difference"),
        ("swapped_rows", "two ways to the last two columns of a row: mean difference"),
        ("complete", "complete held-out rows: log-likelihood"),
    ):
        values = _of(found, name)
        if values:
            mean = float(np.mean(list(values.values())))
            report.record(f"{title}, mean over {len(values)} models", mean, "nats", **values)


def _against(report: Report, found: Sequence[Measured], name: str, title: str) -> None:
    """Compare the means over tables with a peer's, and count the tables where it is ahead."""
    ours, theirs = _of(found, name), _of(found, PEERS[name])
    if not ours:
        return
    peer = "counts" if name == "pair" else "boosted trees a column"
    more = {table: ours[table] - theirs[table] for table in ours}
    report.compare(
        f"{title}, mean over {len(ours)} tables", float(np.mean(list(ours.values()))),
        UNITS[name], peer, float(np.mean(list(theirs.values()))), 1.0,
    )  # fmt: skip
    most = MAX_BEHIND[name]
    behind = sum(value > 0 for value in more.values())
    case = f"{title}, tables on which {peer} lead, of {len(ours)}"
    if most is None:
        report.record(case, behind, "tables", **more)
    else:
        report.limit(case, behind, "tables", most, **more)


def _rules(report: Report, found: Sequence[Measured]) -> None:
    unsure = {
        one.table: 1 - one.measures["duplicates"]
        for one in found
        if one.rows >= MIN_RULE_ROWS and "duplicates" in one.measures
    }
    _limit(report, "1 - p(what follows | what fixes it), worst rule", unsure, MAX_UNSURE)
    broken, held = _of(found, "broken"), _of(found, "broken_held")
    more = {table: broken[table] - held[table] for table in broken}
    _limit(report, "rows that break a rule: synthetic less held-out", more, MAX_MORE_BROKEN)


def _limit(report: Report, title: str, values: dict[str, float], most: float) -> None:
    """Add the worst table, the others as detail."""
    if values:
        worst = max(values, key=lambda table: values[table])
        report.limit(f"{title}, worst of {len(values)}", values[worst], "", most, **values)


def _of(found: Sequence[Measured], name: str) -> dict[str, float]:
    """One measure by table, bundled models with a mark."""
    return {
        f"{one.table} (bundled)" if one.bundled else one.table: one.measures[name]
        for one in found
        if name in one.measures
    }
