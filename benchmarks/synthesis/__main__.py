"""Synthesis benchmark: `python -m benchmarks.synthesis`; see docs/synthesis.md.

Rows are kept under `.bench/synthesis/rows`, so that a run that was broken off goes on where it
was, and so that measures can be computed anew without training anew.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast, get_args

import torch

from benchmarks.data import data_folder
from benchmarks.report import Report
from benchmarks.synthesis.measures import measured, of_real_rows
from benchmarks.synthesis.rows import ENVIRONMENT, PEERS, Settings, draw
from benchmarks.synthesis.summary import Measured, markdown, summarise
from benchmarks.synthesis.tables import TABLES, Size, Split, TableSpec, load_split
from madeira.models.training.presets import Preset

__all__ = ["main"]

OURS = "madeira"
CAP_ROWS, QUICK_ROWS = 8000, 500
KEPT = ENVIRONMENT / "rows"


def main() -> None:
    """Draw and measure what is missing, print all, and write the report."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    found = []
    for one in runs(arguments):
        found.append(one)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in one.measures.items())
        print(f"{one.size} {one.table} {one.tool}: {shown}", flush=True)
    ours_alone = arguments.only == [OURS] and arguments.size is not None
    if arguments.table or ((arguments.only or arguments.size) and not ours_alone):
        return
    report = Report(f"synthesis-{arguments.size}" if ours_alone else "synthesis", arguments.quick)
    summarise(report, found)
    print(f"\n{markdown(found)}")
    report.write()


def parse_arguments() -> argparse.Namespace:
    """Return what to draw and to measure: by default everything, with the file of results."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.synthesis",
        description="Measures synthetic rows of Madeira and its peers; what was drawn is kept.",
    )
    parser.add_argument(
        "--only", choices=(OURS, *PEERS), action="append", help="this tool; repeatable"
    )
    parser.add_argument("--table", choices=TABLES, action="append", help="repeatable")
    parser.add_argument("--size", choices=get_args(Size), help=f"capped: {CAP_ROWS} training rows")
    parser.add_argument("--preset", choices=get_args(Preset), default="balanced", help="of Madeira")
    parser.add_argument("--fresh", action="store_true", help="train Madeira anew")
    parser.add_argument("--measure-again", action="store_true", help="forget what was measured")
    parser.add_argument("--quick", action="store_true", help="Madeira alone, two small tables")
    parser.add_argument("--device", default="cpu", help="of Madeira, such as cpu or cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    parser.add_argument("--minutes", type=float, help="begin nothing new after so many")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def runs(arguments: argparse.Namespace) -> Iterator[Measured]:
    """Draw and measure table by table, each by all tools; first those with few rows."""
    began = time.monotonic()
    cap = QUICK_ROWS if arguments.quick else CAP_ROWS
    tables = ["california_housing", "online_shoppers"] if arguments.quick else list(TABLES)
    sizes: tuple[Size, ...] = ("capped",) if arguments.quick else get_args(Size)
    for size in (arguments.size,) if arguments.size else sizes:
        for spec in (TABLES[name] for name in arguments.table or tables):
            if size == "full" and not spec.full:
                continue
            folder = KEPT / (f"capped-{cap}" if size == "capped" else size) / spec.name
            limit = cap if size == "capped" else None
            split = load_split(spec, data_folder("tabular"), limit, arguments.seed)
            real = of_real_rows(split)
            for tool in [OURS] if size == "full" or arguments.quick else [OURS, *PEERS]:
                if arguments.only and tool not in arguments.only:
                    continue
                late = arguments.minutes and time.monotonic() - began > 60 * arguments.minutes
                if late and not _kept(tool, folder, arguments).exists():
                    print(f"{spec.name} {tool}: no time is left", file=sys.stderr, flush=True)
                    continue
                try:
                    measures = run(tool, spec, split, folder, arguments)
                except (subprocess.CalledProcessError, FileNotFoundError) as error:
                    print(f"{spec.name} {tool}: {error}", file=sys.stderr, flush=True)
                    continue
                yield Measured(size, spec.name, tool, split.train.num_rows, measures | real)


def run(
    tool: str, spec: TableSpec, split: Split, folder: Path, arguments: argparse.Namespace
) -> dict[str, float]:
    """Return the measures and seconds of one tool on one table, kept ones if there are any."""
    kept = _kept(tool, folder, arguments)
    scores = kept.with_suffix(".measures.json")
    fresh = arguments.fresh and tool == OURS
    if fresh:
        kept.unlink(missing_ok=True)
    if fresh or arguments.measure_again:
        scores.unlink(missing_ok=True)
    settings = Settings(
        _preset(arguments),
        arguments.device,
        arguments.seed,
        arguments.threads,
    )
    drawn = draw(tool, split, kept, settings)
    measures = measured(drawn.table, split, spec.target, scores, arguments.seed)
    return measures | {"fit_s": drawn.fit_s, "sample_s": drawn.sample_s}


def _preset(arguments: argparse.Namespace) -> Preset:
    return "fast" if arguments.quick else cast(Preset, arguments.preset)


def _kept(tool: str, folder: Path, arguments: argparse.Namespace) -> Path:
    """Where the rows of a tool are kept."""
    label = f"{OURS}-{_preset(arguments)}" if tool == OURS else tool
    return folder / f"{label}-{arguments.seed}.parquet"


if __name__ == "__main__":
    main()
