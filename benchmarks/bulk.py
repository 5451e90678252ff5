"""Files scored by the command beside the model alone: `python -m benchmarks.bulk`.

The model alone scores encoded rows, in blocks, by as many threads. The command reads them from a
file, checks and encodes them, scores them, and writes them with their scores. Both run in turns.
A client scores a data frame through a service, beside the estimator in this process. Then a million
loans are scored once, by the command as a process of its own.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from benchmarks.report import Report, in_turns, parse_arguments
from benchmarks.serving import servers
from checkpoints.tables import loans, penguins
from madeira.app.bulk.answers import Score
from madeira.app.bulk.blocks import BLOCK_ROWS, read_blocks, sources
from madeira.app.bulk.local_model import LocalModel
from madeira.app.bulk.parts import open_parts
from madeira.app.bulk.run import run
from madeira.app.client import Client
from madeira.models import DensityEstimator
from madeira.models.model_directories import bundled_directory, find_checkpoint

__all__ = ["main"]

BLOCKS = 2
"""Blocks that each thread scores in a turn."""

MILLION, CLIENT_ROWS = 1_000_000, 100_000
TARGETS = {"parquet": 0.8, "csv": 0.6}


def main() -> None:
    """Measure every case and write the report."""
    arguments = parse_arguments(__doc__)
    report = Report("bulk", arguments.quick)
    seconds = 30.0 if arguments.quick else 120.0
    with tempfile.TemporaryDirectory(prefix="madeira-bulk-") as folder:
        for name, table in (("penguins", penguins()), ("loans", loans())):
            measure_formats(report, name, table, Path(folder), arguments.threads, seconds)
        measure_client(report, seconds)
        if not arguments.quick:
            measure_million(report, Path(folder), arguments.threads)
    report.write()


def measure_formats(
    report: Report, name: str, table: pa.Table, folder: Path, threads: int, seconds: float
) -> None:
    """Compare the command with the model alone, file formats in turns."""
    model = LocalModel.load(find_checkpoint(name), "cpu")
    each = 1 if report.quick else BLOCKS
    rows = repeated(table, each * threads * BLOCK_ROWS)
    values = model.estimator.schema.encode(rows)
    blocks = np.array_split(values, each * threads)
    pq.write_table(rows, folder / "rows.parquet")
    pa_csv.write_csv(rows, folder / "rows.csv")

    def alone() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(model.estimator.density.log_tails, blocks))

    works = {"model": alone}
    works |= {kind: scoring(model, folder, kind, threads) for kind in TARGETS}
    times = in_turns(works, seconds)
    for kind, target in TARGETS.items():
        case = f"score {name}, {kind} to {kind}, {threads} threads"
        rate, alone_rate = len(values) / times[kind], len(values) / times["model"]
        report.exceed(case, rate, "rows/s", "model alone", alone_rate, target)


def scoring(model: LocalModel, folder: Path, kind: str, threads: int) -> Callable[[], None]:
    """Return work that scores a file of rows into another."""
    out = folder / f"scores.{kind}"

    def score() -> None:
        answer = Score(model, kind == "csv", False, 0.01, False)
        with (
            sources([str(folder / f"rows.{kind}")], "") as files,
            open_parts(out, {}, resume=False) as parts,
        ):
            run(read_blocks(files, print), answer, parts, threads, lambda _rows, _share: None)
            with out.open("wb") as file:
                parts.join(f".{kind}", file)

    return score


def measure_client(report: Report, seconds: float) -> None:
    """Compare a client of a service of one worker with the estimator, on a data frame of pandas."""
    rows = repeated(penguins(), CLIENT_ROWS).to_pandas()
    estimator = DensityEstimator.load("penguins")
    with (
        servers.madeira(bundled_directory(), "penguins", "--devices", "cpu") as server,
        Client(f"http://127.0.0.1:{server.port}", model="penguins") as client,
    ):
        times = in_turns(
            {
                "client": lambda: client.log_prob(rows),
                "in process": lambda: estimator.log_prob(rows),
            },
            seconds,
        )
    rate, own = (len(rows) / times[name] for name in ("client", "in process"))
    case = f"client, {len(rows):,} penguins of pandas, one worker"
    report.exceed(case, rate, "rows/s", "in process", own, 0.7)


def measure_million(report: Report, folder: Path, threads: int) -> None:
    """Score a million loans, Parquet to Parquet."""
    pq.write_table(repeated(loans(), MILLION), folder / "million.parquet")
    rows, out = str(folder / "million.parquet"), str(folder / "scored.parquet")
    command = [sys.executable, "-m", "madeira", "score", rows, "--model", "loans", "--out", out]
    began = time.monotonic()
    done = subprocess.run(
        [*command, "--json", "--threads", str(threads)], capture_output=True, check=True
    )
    wall = time.monotonic() - began
    summary = json.loads(done.stdout)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    report.record(
        "a million loans, parquet to parquet",
        MILLION / wall,
        "rows/s",
        **{"seconds": wall, "resident memory at its peak, MiB": peak, "rows": summary["rows"]},
    )


def repeated(table: pa.Table, rows: int) -> pa.Table:
    """Return so many rows, those of a table again and again."""
    return table.take(pa.array(np.arange(rows) % table.num_rows))


if __name__ == "__main__":
    main()
