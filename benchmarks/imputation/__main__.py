"""Imputation benchmark: `python -m benchmarks.imputation`; see docs/imputation.md.

Values of complete tables are removed, methods fill them in. Each method's measures of each case
are kept under `.bench/imputation-measures`, so that a run that was broken off goes on where it was.
"""

import argparse
import json
import os
import subprocess
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import get_args

import torch

from benchmarks.imputation.baselines import BASELINES, Baseline
from benchmarks.imputation.drawing import PEERS, PYTHON, madeira, peer
from benchmarks.imputation.measures import measure
from benchmarks.imputation.removal import MECHANISMS, Mechanism, remove
from benchmarks.imputation.summary import Case, summarise
from benchmarks.imputation.tables import TABLES, load
from benchmarks.report import Report
from madeira.models.training.presets import Preset

__all__ = ["main"]

Key = tuple[str, Mechanism, float, int]

KEPT = Path(".bench/imputation-measures")
OURS = "madeira"
SHARES = (0.3, 0.5, 0.1)
ROWS, QUICK_ROWS = 1_000, 150
QUICK: list[Key] = [("penguins", "MCAR", 0.3, 0), ("titanic", "MAR", 0.3, 0)]
QUICK_METHODS = [*BASELINES, OURS]


def main() -> None:
    """Measure what is not yet measured, print all, and write the report."""
    arguments = parse_arguments()
    torch.set_num_threads(1)
    methods = {**BASELINES, **{name: peer(name) for name in PEERS}}
    methods[OURS] = madeira("fast" if arguments.quick else arguments.preset, arguments.device)
    chosen = arguments.only or (QUICK_METHODS if arguments.quick else list(methods))
    rows = QUICK_ROWS if arguments.quick else arguments.rows
    folder = KEPT / ("quick" if arguments.quick else f"{rows}")
    began = time.monotonic()
    for key in QUICK if arguments.quick else cases(arguments.seeds):
        for name in chosen:
            kept = folder / f"{'-'.join(map(str, key))}-{name.replace(' / ', ' ')}.json"
            late = arguments.minutes and time.monotonic() - began > 60 * arguments.minutes
            if kept.exists() or late or (name in PEERS and not PYTHON.exists()):
                continue
            try:
                found = fill(key, rows, methods[name])
            except subprocess.CalledProcessError as error:
                print(f"{key} {name} failed: {error.stderr.strip().splitlines()[-1]}", flush=True)
                continue
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(found))
            shown = "  ".join(f"{measure} {value:.4g}" for measure, value in found.items())
            print(f"{key} {name:<18} {shown}", flush=True)
    report = Report("imputation", arguments.quick)
    summarise(report, list(read(folder, list(methods), arguments.seeds)), OURS)
    if not arguments.only:
        report.write()


def parse_arguments() -> argparse.Namespace:
    """Return what to measure; everything if nothing is said."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imputation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two small tables, within a minute")
    parser.add_argument("--device", default="cpu", help="of Madeira, such as cpu or cuda")
    parser.add_argument("--preset", choices=get_args(Preset), default="fast", help="of Madeira")
    parser.add_argument("--only", action="append", help="this method; repeatable")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"of a table at most: {ROWS}")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from 0")
    parser.add_argument("--minutes", type=float, help="begin nothing new after so many")
    return parser.parse_args()


def cases(seeds: int) -> Iterator[Key]:
    """Table, mechanism, share and seed of every case.

    Every sweep over the tables has other mechanisms and shares, so that what is measured first is
    a selection of all.
    """
    for seed, sweep in product(range(seeds), range(len(MECHANISMS) * len(SHARES))):
        for place, table in enumerate(TABLES):
            mechanism = MECHANISMS[(sweep + place) % len(MECHANISMS)]
            share = SHARES[(sweep + sweep // len(MECHANISMS)) % len(SHARES)]
            yield table, mechanism, share, seed


def fill(key: Key, rows: int, method: Baseline) -> dict[str, float]:
    """Return the measures of one method in one case, and the seconds of one core that it took."""
    name, mechanism, share, seed = key
    table = load(name, rows, seed)
    removed = remove(table, mechanism, share, seed + 1)
    start = sum(os.times()[:4])
    filled = method(table.frame.mask(removed), table, seed)
    seconds = sum(os.times()[:4]) - start
    return {**measure(table, removed, filled), "seconds": seconds}


def read(folder: Path, methods: list[str], seeds: int) -> Iterator[Case]:
    """Yield the cases of which Madeira's and some other method's measures are kept."""
    for key in QUICK if folder.name == "quick" else cases(seeds):
        stem = "-".join(map(str, key))
        paths = {name: folder / f"{stem}-{name.replace(' / ', ' ')}.json" for name in methods}
        found = {
            name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()
        }
        if OURS in found and all(name in found for name in BASELINES):
            yield Case(*key, found)


if __name__ == "__main__":
    main()
