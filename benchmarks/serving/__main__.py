"""The service against other servers of the same model: `python -m benchmarks.serving`.

All on the loopback interface of one machine, asked by generators in processes of their own. Where
servers are compared they are asked in turns, those that are not asked stopped, and the median of
the turns counts. A sample of all answers is compared with those of the model in this process; a
wrong one ends the run. The peers are set to what measured best in a small grid.
"""

import argparse
import contextlib
import tempfile
from pathlib import Path

from benchmarks.report import Report
from benchmarks.serving.cases import (
    measure_beside_large,
    measure_bulk,
    measure_latency,
    measure_overload,
    measure_throughput,
)
from benchmarks.serving.questions import Questions
from benchmarks.serving.servers import ROOT, Server, bare, madeira
from benchmarks.serving.tuning import best_options, peers

__all__ = ["main"]

CHECKPOINTS = ROOT / "checkpoints"
VERSION = "1"
BODY_LIMIT_BYTES = 2**30
CONNECTIONS = 64
QUIET = ("--log-level", "warning")
"""No line a request: the others write none."""

SMALL_REQUESTS = ("--devices", "cpu")
LARGE_REQUESTS = ("--devices", "cpu:2")
"""One worker makes the largest batches of single rows; two compute chunks on both cores."""


def main() -> None:
    """Measure every case and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a smaller subset, within a minute")
    parser.add_argument("--model", default="penguins", help="one of checkpoints/")
    arguments = parser.parse_args()
    report = Report("serving", arguments.quick)
    with tempfile.TemporaryDirectory() as folder:
        _measure(report, arguments.quick, arguments.model, Path(folder))
    report.write()


def _measure(report: Report, quick: bool, model: str, folder: Path) -> None:
    checkpoint = CHECKPOINTS / model / VERSION
    seconds, turns = (1.5, 1) if quick else (3.0, 5)
    questions = Questions(checkpoint, folder)
    report.record("columns of the model", len(questions.estimator.schema.columns), "", model=model)
    found = peers(checkpoint, folder, quick)
    options = {peer.name: best_options(peer, folder, CONNECTIONS, 1.5) for peer in found}
    with _service(model, *SMALL_REQUESTS) as service:
        with contextlib.ExitStack() as others:
            inline = others.enter_context(bare(checkpoint))
            tuned = [others.enter_context(peer.start(options[peer.name])) for peer in found]
            servers = [service, inline, *tuned]
            measure_throughput(report, questions, servers, options, seconds, turns)
            measure_latency(report, questions, servers[:2], seconds, turns)
        measure_overload(report, questions, service, *((8.0, 2.0) if quick else (60.0, 8.0)))
    with _service(model, *LARGE_REQUESTS) as service:
        measure_bulk(report, questions, service, model, seconds, min(turns, 3))
        rows = 50_000 if quick else 1_000_000
        measure_beside_large(report, questions, service, model, rows, 5.0 if quick else 60.0)


def _service(model: str, *flags: str) -> contextlib.AbstractContextManager[Server]:
    limit = "--body-limit-bytes", str(BODY_LIMIT_BYTES)
    return madeira(CHECKPOINTS, model, *limit, *QUIET, *flags)


if __name__ == "__main__":
    main()
