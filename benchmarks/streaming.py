"""Memory while an estimator streams millions of rows."""

import argparse
import time
from pathlib import Path

from benchmarks.report import Report
from madeira.models import CheckpointError, DensityEstimator

__all__ = ["main", "measure_stream"]

CHECKPOINT = Path(__file__).parent.parent / "checkpoints" / "loans" / "1"
QUICK_ROWS, ROWS = 20_000, 1_000_000
SETTLED = 0.1


def measure_stream(report: Report, quick: bool, device: str, rows: int | None = None) -> None:
    """Streams the bundled business table and adds its rate, and how much memory grew on the way.

    Growth counts from a tenth of the way on, when everything that is made once is there.
    """
    if not CHECKPOINT.is_dir():
        print(f"left out: no checkpoint at {CHECKPOINT}")
        return
    rows = rows or (QUICK_ROWS if quick else ROWS)
    try:
        estimator = DensityEstimator.load(CHECKPOINT, device=device)
    except CheckpointError as error:
        print(f"left out: {error}")
        return
    estimator.sample(1, seed=0)
    start, drawn, settled, peak = time.perf_counter(), 0, 0.0, 0.0
    for table in estimator.stream(rows, seed=0):
        drawn += table.num_rows
        peak = max(peak, _resident_mib())
        if drawn <= max(rows * SETTLED, table.num_rows):
            settled = peak
    taken = time.perf_counter() - start
    name = f"stream, {rows} rows of loans, {len(estimator.schema.columns)} columns"
    report.record(
        name,
        rows / taken,
        "rows/s",
        **{"resident memory at its peak, MiB": peak, "growth, MiB": peak - settled},
    )


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def main() -> None:
    """Streams as many rows as asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    report = Report("streaming", arguments.quick)
    rows = QUICK_ROWS if arguments.quick else arguments.rows
    measure_stream(report, arguments.quick, arguments.device, rows)
    report.write()


if __name__ == "__main__":
    main()
