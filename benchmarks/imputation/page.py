"""Fills the table of `docs/imputation.md`: `python -m benchmarks.imputation.page`."""

from pathlib import Path
from typing import Any

from benchmarks.imputation.removal import MECHANISMS
from benchmarks.imputation.tables import TABLES
from benchmarks.measured_page import fill_page, measured_on

__all__ = ["main", "measured"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "imputation.md"
RESULTS = ROOT / "benchmarks" / "results" / "imputation.json"
SHARES = 3
RANK, MEAN = "average rank: ", "mean over cases: "
COLUMNS = ("rmse", "accuracy", "wasserstein", "crps", "coverage", "width")


def measured(results: dict[str, Any]) -> str:
    """Return what `python -m benchmarks.imputation` measured last, as Markdown."""
    cases = results["cases"]
    means = {
        case["case"].removeprefix(MEAN): {"rmse": case["value"], **case["detail"]}
        for case in cases
        if case["case"].startswith(MEAN)
    }
    ranked = [case for case in cases if case["case"].startswith(RANK)]
    whole = {
        case["case"].removeprefix(RANK): case for case in ranked if " (where " not in case["case"]
    }
    lines = [
        "| method | average rank | by error | by accuracy | by distance | "
        + " | ".join(COLUMNS)
        + " |",
        "| --- " * (5 + len(COLUMNS)) + "|",
    ]
    for method in sorted(whole, key=lambda name: whole[name]["value"]):
        case, own = whole[method], means[method]
        rank = [case["value"], *(case["detail"][name] for name in COLUMNS[:3])]
        figures = [f"{own[name]:.3g}" if name in own else "" for name in COLUMNS]
        lines.append(f"| {method} | " + " | ".join([*(f"{x:.2f}" for x in rank), *figures]) + " |")
    whole_count = len(TABLES) * len(MECHANISMS) * SHARES
    count = int(next(iter(whole.values()))["detail"]["cases"]) if whole else 0
    lines += ["", f"{count} cases of {whole_count}, one seed; figures are means over cases."]
    for case in ranked:
        if " (where " in case["case"]:
            cases_of = int(case["detail"]["cases"])
            lines.append(f"- {case['case']}, {cases_of} cases: {case['value']:.2f}")
    under = [case for case in cases if case["case"].startswith("coverage under")]
    lines += ["", *(f"- {case['case']}: {case['value']:.3f}" for case in under)]
    lines += measured_on(results)
    return "\n".join(lines)


def main() -> None:
    """Put the table between its marks."""
    fill_page(PAGE, RESULTS, measured)


if __name__ == "__main__":
    main()
