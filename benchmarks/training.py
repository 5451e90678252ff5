"""What a preset costs on every mixed table, and what being asked for any ordering costs.

The *gap* is what the any-order network alone loses to the best member of a fixed ordering alone,
as a share of what that member gains over independent columns; on held-out complete rows.
"""

import argparse

import numpy as np
import pyarrow as pa

from benchmarks.data import mixed_tables, read_mixed
from benchmarks.report import Report
from madeira.models import DensityEstimator
from madeira.models.errors import TrainingError
from madeira.models.training import PRESETS
from madeira.models.training.presets import Preset

__all__ = ["main", "measure_table"]

TEST_SHARE = 0.2
GAP_TARGET = 0.05
QUICK_TABLES, QUICK_ROWS = ("penguins", "wine_quality"), 1_000


def measure_table(report: Report, name: str, preset: Preset, rows: int | None, seed: int) -> None:
    """Train on four fifths of a table and add the likelihoods of the rest.

    Args:
        report: Where to.
        name: Name of the table.
        preset: Preset of training.
        rows: Rows to use at most, those held out included.
        seed: Seed of split and training.
    """
    table = read_mixed(name, rows, seed)
    held_out = round(table.num_rows * TEST_SHARE)
    test, train = table.slice(0, held_out), table.slice(held_out)
    estimator = DensityEstimator(preset=preset, seed=seed)
    try:
        estimator.fit(train)
    except TrainingError as error:
        print(f"left out: {name}: {error}")
        return
    metrics = estimator.metrics
    fixed = [m["complete_nats"] for m in metrics["members"] if not m["any_order"]]
    any_order = [m["complete_nats"] for m in metrics["members"] if m["any_order"]]
    detail: dict[str, float | str] = {
        "training rows": float(train.num_rows),
        "columns": float(metrics["columns"]),
        "independent, validation nats": metrics["independent_nats"],
        "mixture, validation nats": metrics["valid_nats"],
        "mixture, test nats": _mean(estimator, test),
        "weights": ", ".join(f"{m['name']} {m['weight']:.2f}" for m in metrics["members"]),
    }
    report.record(f"{name}: {preset}", metrics["seconds"], "s", **detail)
    if fixed and any_order and None not in (*fixed, *any_order):
        best = max(fixed)
        gap = (best - any_order[0]) / (best - metrics["complete_independent_nats"])
        report.limit(
            f"{name}: gap of the any-order network",
            gap,
            "of the gain",
            GAP_TARGET,
            **{
                "any-order, nats": any_order[0],
                "best fixed ordering, nats": best,
                "independent, nats": metrics["complete_independent_nats"],
            },
        )


def _mean(estimator: DensityEstimator, table: pa.Table) -> float:
    return float(np.mean(estimator.log_prob(table)))


def main() -> None:
    """Train on every table, the smallest first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two tables, the preset balanced")
    parser.add_argument("--preset", choices=list(PRESETS), default="best")
    parser.add_argument("--rows", type=int, help="rows of a table at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("tables", nargs="*", help="names of tables; all by default")
    arguments = parser.parse_args()
    preset: Preset = "balanced" if arguments.quick else arguments.preset
    rows = QUICK_ROWS if arguments.quick else arguments.rows
    report = Report(f"training_{preset}", arguments.quick)
    chosen = arguments.tables or (QUICK_TABLES if arguments.quick else mixed_tables())
    try:
        for name in chosen:
            measure_table(report, name, preset, rows, arguments.seed)
    finally:  # tables take minutes each: what was measured of a run that is broken off is kept
        report.write()


if __name__ == "__main__":
    main()
