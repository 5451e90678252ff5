"""Fills the tables of `docs/planted.md`: `python -m benchmarks.planted.page`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measured_page import fill_page, measured_on, targets_table
from benchmarks.planted.detectors import OURS, PYOD, TREES
from benchmarks.planted.errors import KINDS

__all__ = ["main", "measured"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "planted.md"
RESULTS = ROOT / "benchmarks" / "results" / "planted.json"


def measured(results: Mapping[str, Any]) -> str:
    """Return what `python -m benchmarks.planted` measured last, as Markdown."""
    cases = results["cases"]
    detectors = [OURS, TREES, *PYOD]
    heads = ["error", "tables", *detectors, "cell named", "by trees"]
    lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    for kind in KINDS:
        for case in cases:
            if not case["case"].startswith(f"{kind}, mean of "):
                continue
            detail = case["detail"]
            tables = case["case"].removeprefix(f"{kind}, mean of ").split()[0]
            pairs = [
                f"{detail[f'{name}auroc']:.3f} / {detail[f'{name}precision']:.2f}"
                if f"{name}auroc" in detail
                else ""
                for name in ("" if each == OURS else f"{each}: " for each in detectors)
            ]
            named = [f"{detail[key]:.2f}" for key in ("named", f"{TREES}: named") if key in detail]
            lines.append(f"| {kind} | {tables} | " + " | ".join([*pairs, *named]) + " |")
    lines += [*targets_table(results), *measured_on(results)]
    return "\n".join(lines)


def main() -> None:
    """Put the tables between their marks."""
    fill_page(PAGE, RESULTS, measured)


if __name__ == "__main__":
    main()
