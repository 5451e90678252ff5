"""Fills the table of `docs/conditionals.md`: `python -m benchmarks.conditionals.page`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measured_page import fill_page, measured_on, targets_table

__all__ = ["main", "measured"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "conditionals.md"
RESULTS = ROOT / "benchmarks" / "results" / "conditionals.json"
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
    lines += [*targets_table(results), *measured_on(results)]
    return "\n".join(lines)


def _cell(measures: Mapping[str, float], name: str, other: str | None) -> str:
    if name not in measures:
        return ""
    scale = 100 if name in PERCENT else 1
    shown = f"{scale * measures[name]:.3g}"
    return shown if other is None else f"{shown} ({scale * measures[other]:.3g})"


def main() -> None:
    """Put the tables between their marks."""
    fill_page(PAGE, RESULTS, measured)


if __name__ == "__main__":
    main()
