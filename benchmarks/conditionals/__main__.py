"""Conditionals benchmark: `python -m benchmarks.conditionals`; see docs/conditionals.md.

Models are kept under `.bench/held-out` until the code of `models/` changes, and what boosted trees
come to under `.bench/conditionals-trees`, so that a run that was broken off goes on where it was.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from benchmarks.conditionals.coherence import coherence_measures
from benchmarks.conditionals.orderings import ordering_measures
from benchmarks.conditionals.pair import pair_measures
from benchmarks.conditionals.rest import rest_measures
from benchmarks.conditionals.routes import route_measures
from benchmarks.conditionals.rules import rule_measures
from benchmarks.conditionals.summary import Measured, summarise
from benchmarks.data import mixed_tables
from benchmarks.held_out import MAX_TRAIN, Split, Trial, split_mixed, train
from benchmarks.report import Report
from checkpoints.build import BUNDLED, HERE
from madeira.models import DensityEstimator
from madeira.models.training.presets import Preset

__all__ = ["main"]

QUICK_TABLES, QUICK_ROWS, QUICK_SHARE = ("penguins", "titanic"), 400, 0.2


def main() -> None:
    """Train and measure table by table, print all, and write the report."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    found = []
    for one in measured(arguments):
        found.append(one)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in one.measures.items())
        print(f"{one.table}, {one.rows} rows: {shown}", flush=True)
    report = Report("conditionals", arguments.quick)
    summarise(report, "fast" if arguments.quick else arguments.preset, found)
    if not arguments.tables:
        report.write()


def parse_arguments() -> argparse.Namespace:
    """Return what to measure; everything, with the file of results, if nothing is said."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conditionals", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two small tables, within a minute")
    parser.add_argument("--preset", choices=get_args(Preset), default="balanced", help="of Madeira")
    parser.add_argument("--tables", nargs="+", choices=mixed_tables(), help="these alone")
    parser.add_argument(
        "--rows", type=int, default=MAX_TRAIN, help=f"of training at most: {MAX_TRAIN:,}"
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the usual random questions")
    parser.add_argument("--no-bundled", action="store_true", help="leave out bundled models")
    parser.add_argument("--seed", type=int, default=0, help="of split, training and questions")
    parser.add_argument("--device", default="cpu", help="of Madeira, such as cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="of training")
    return parser.parse_args()


def measured(arguments: argparse.Namespace) -> Iterator[Measured]:
    """Yield the measures of every table that is asked for, and of the bundled models."""
    preset: Preset = "fast" if arguments.quick else arguments.preset
    rows = QUICK_ROWS if arguments.quick else arguments.rows
    share = QUICK_SHARE if arguments.quick else arguments.share
    tables = arguments.tables or (QUICK_TABLES if arguments.quick else mixed_tables())
    for name in tables:
        split = split_mixed(name, rows, arguments.seed)
        estimator = train(split, preset, arguments.seed, arguments.device)
        trial, start = Trial.of(split, estimator), time.process_time()
        measures = held_out_measures(trial, arguments.seed)
        measures |= consistency_measures(trial, arguments.seed, share)
        seconds = {
            "train_s": estimator.metrics["seconds"],
            "measure_s": time.process_time() - start,
        }
        yield Measured(name, len(trial.train), False, measures | seconds)
    if arguments.quick or arguments.tables or arguments.no_bundled:
        return
    for name, model in BUNDLED.items():
        table = model.table()
        order = np.random.default_rng(arguments.seed).permutation(table.num_rows)
        table = table.take(order)
        estimator = DensityEstimator.load(Path(HERE) / name / "1", arguments.device)
        trial = Trial.of(Split(name, table, table[:2000]), estimator)
        measures = consistency_measures(trial, arguments.seed, share)
        yield Measured(name, len(trial.train), True, measures)


def held_out_measures(trial: Trial, seed: int) -> dict[str, float]:
    """How right the conditionals are on rows that the model has not seen."""
    density = trial.estimator.density
    nats, complete = density.score(trial.held), ~np.isnan(trial.held).any(axis=1)
    found = {"held_out": float(nats.mean())}
    if complete.any():
        found["complete"] = float(nats[complete].mean())
    return found | rest_measures(trial, seed) | pair_measures(trial)


def consistency_measures(trial: Trial, seed: int, share: float) -> dict[str, float]:
    """How far the answers of the model agree with each other, and with the rules of the table."""
    return (
        rule_measures(trial, seed)
        | route_measures(trial, seed, share)
        | coherence_measures(trial, seed, share)
        | ordering_measures(trial, seed)
    )


if __name__ == "__main__":
    main()
