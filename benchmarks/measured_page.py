"""Puts the tables of a benchmark's results into a page, between their marks."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["fill_page", "measured_on", "targets_table"]

MARKS = "<!-- measured -->\n", "<!-- end -->"


def fill_page(page: Path, results: Path, measured: Callable[[dict[str, Any]], str]) -> None:
    """Replace what stands between the marks of a page.

    Args:
        page: Markdown with both marks.
        results: File of results, JSON.
        measured: Makes the Markdown of results.
    """
    content = f"{MARKS[0]}{measured(json.loads(results.read_text()))}\n{MARKS[1]}"
    pattern = re.compile(f"{MARKS[0]}.*{MARKS[1]}", flags=re.S)
    page.write_text(pattern.sub(lambda _: content, page.read_text()))


def targets_table(results: Mapping[str, Any]) -> list[str]:
    """Return the lines of a table of all cases that have a target."""
    lines = ["", "| over all tables | measured | aim | |", "| --- | --- | --- | --- |"]
    for case in results["cases"]:
        if case["target"] is None:
            continue
        aim, title = case["target"], case["case"]
        if case["against"] not in (None, "target"):
            title += f", beside {case['against']}"
        if case["against"]:
            aim = case["against_value"]
        verdict = "met" if case["met"] else "missed"
        lines.append(f"| {title} | {case['value']:.3g} | {aim:.3g} | {verdict} |")
    return lines


def measured_on(results: Mapping[str, Any]) -> list[str]:
    """Return the lines that say on what, and when."""
    return ["", f"{results['hardware']['cpu']}, one thread; {results['date'][:10]}."]
