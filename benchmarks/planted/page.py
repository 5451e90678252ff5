"""Fills the tables of `docs/planted.md`: `python -m benchmarks.planted.page`."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.planted.detectors import OURS, PYOD, TREES
from benchmarks.planted.errors import KINDS

__all__ = ["main", "measured"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "planted.md"
RESULTS = ROOT / "benchmarks" / "results" / "planted.json"
MARKS = "<!-- measured -->\n", "<!-- end -->"


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
    lines += ["", "| over all tables | measured | aim | |", "| --- | --- | --- | --- |"]
    for case in cases:
        if case["target"] is not None:
            aim = case["against_value"] if case["against"] else case["target"]
            title = case["case"]
            if case["against"] not in (None, "target"):
                title += f", beside {case['against']}"
            verdict = "met" if case["met"] else "missed"
            lines.append(f"| {title} | {case['value']:.3g} | {aim:.3g} | {verdict} |")
    hardware = results["hardware"]
    lines += ["", f"{hardware['cpu']}, one thread; {results['date'][:10]}."]
    return "\n".join(lines)


def main() -> None:
    """Put the tables between their marks."""
    results = json.loads(RESULTS.read_text())
    content = f"{MARKS[0]}{measured(results)}\n{MARKS[1]}"
    pattern = re.compile(f"{MARKS[0]}.*{MARKS[1]}", flags=re.S)
    PAGE.write_text(pattern.sub(lambda _: content, PAGE.read_text()))


if __name__ == "__main__":
    main()
