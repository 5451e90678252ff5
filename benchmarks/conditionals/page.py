"""Fills the table of `docs/conditionals.md`: `python -m benchmarks.conditionals.page`."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["main", "measured"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "conditionals.md"
RESULTS = ROOT / "benchmarks" / "results" / "conditionals.json"
MARKS = "<!-- measured -->\n", "<!-- end -->"
COLUMNS = {
    "a category given the rest, nats (trees)": ("rest_categories", "rest_categories_trees"),
    "a number given the rest (trees)": ("rest_numbers", "rest_numbers_trees"),
    "a category given one other, nats (counts)": ("pair", "pair_counts"),
    "duplicates": ("duplicates", None),
    "rows that break a rule, % (held-out)": ("broken", "broken_held"),
    "routes apart: mean (most)": ("routes_mean", "routes_most"),
    "sums outside, %": ("sums_outside", None),
    "p(a, b) > p(a), %": ("monotony_broken", None),
    "orderings, nats (99 %)": ("spread", "spread_most"),
}
PERCENT = {"broken", "sums_outside", "monotony_broken"}


def measured(results: Mapping[str, Any]) -> str:
    """Return what `python -m benchmarks.conditionals` measured last, as Markdown."""
    lines = ["| table | " + " | ".join(COLUMNS) + " |", "| --- " * (1 + len(COLUMNS)) + "|"]
    cases = results["cases"]
    for case in cases:
        if "spread" in case["detail"] and "train_s" not in case["detail"]:
            name = case["case"].replace(", bundled", " (bundled)")
        elif "train_s" in case["detail"]:
            name = case["case"]
        else:
            continue
        cells = [_cell(case["detail"], *names) for names in COLUMNS.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "| over all tables | measured | aim | |", "| --- | --- | --- | --- |"]
    for case in cases:
        if case["target"] is not None:
            aim = case["against_value"] if case["against"] else case["target"]
            verdict = "met" if case["met"] else "missed"
            title = case["case"] + (f", beside {case['against']}" if case["against"] else "")
            lines.append(f"| {title} | {case['value']:.3g} | {aim:.3g} | {verdict} |")
    hardware = results["hardware"]
    lines += ["", f"{hardware['cpu']}, one thread; {results['date'][:10]}."]
    return "\n".join(lines)


def _cell(measures: Mapping[str, float], name: str, other: str | None) -> str:
    if name not in measures:
        return ""
    scale = 100 if name in PERCENT else 1
    shown = f"{scale * measures[name]:.3g}"
    return shown if other is None else f"{shown} ({scale * measures[other]:.3g})"


def main() -> None:
    """Put the tables between their marks."""
    results = json.loads(RESULTS.read_text())
    content = f"{MARKS[0]}{measured(results)}\n{MARKS[1]}"
    pattern = re.compile(f"{MARKS[0]}.*{MARKS[1]}", flags=re.S)
    PAGE.write_text(pattern.sub(lambda _: content, PAGE.read_text()))


if __name__ == "__main__":
    main()
