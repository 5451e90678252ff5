"""Planted errors benchmark: `python -m benchmarks.planted`; see docs/planted.md.

Models are shared with the conditionals benchmark and kept under `.bench/held-out`, what the peers
come to under `.bench/planted-peers`, so that a run that was broken off goes on where it was.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from benchmarks.anomaly.detectors import PEERS_PYTHON, Peers
from benchmarks.data import mixed_tables
from benchmarks.held_out import MAX_TRAIN, Trial, split_mixed, train
from benchmarks.planted.detectors import OURS, TREES, madeira_scores, peer_scores, tree_scores
from benchmarks.planted.errors import KINDS, Planted, plant
from benchmarks.planted.measures import flagged, means, measure
from benchmarks.planted.summary import Measured, summarise
from benchmarks.report import Report
from madeira.models.training.presets import Preset

__all__ = ["main"]

KEPT = Path(".bench/planted-peers")
MAX_ROWS = 1_000
SHARE = 0.1
MIN_PLANTED = 100
QUICK_TABLES, QUICK_ROWS = ("penguins", "titanic"), 400

Found = dict[str, dict[str, dict[str, float]]]


def main() -> None:
    """Train and measure table by table, print all, and write the report."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    peers = Peers()
    measured = list(measure_tables(arguments, peers))
    peers.close()
    report = Report("planted", arguments.quick)
    summarise(report, "fast" if arguments.quick else arguments.preset, measured)
    if not arguments.tables:
        report.write()


def parse_arguments() -> argparse.Namespace:
    """Return what to measure; everything, with the file of results, if nothing is said."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two small tables, within a minute")
    parser.add_argument("--preset", choices=get_args(Preset), default="balanced", help="of Madeira")
    parser.add_argument("--tables", nargs="+", choices=mixed_tables(), help="these alone")
    parser.add_argument(
        "--rows", type=int, default=MAX_TRAIN, help=f"of training at most: {MAX_TRAIN:,}"
    )
    parser.add_argument("--no-peers", action="store_true", help="Madeira alone")
    parser.add_argument("--seed", type=int, default=0, help="of split, training and errors")
    parser.add_argument("--device", default="cpu", help="of Madeira, such as cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="of training")
    return parser.parse_args()


def measure_tables(arguments: argparse.Namespace, peers: Peers) -> Iterator[Measured]:
    """Yield the measures of every table that is asked for."""
    preset: Preset = "fast" if arguments.quick else arguments.preset
    rows = QUICK_ROWS if arguments.quick else arguments.rows
    tables = arguments.tables or (QUICK_TABLES if arguments.quick else mixed_tables())
    for name in tables:
        split = split_mixed(name, rows, arguments.seed)
        estimator = train(split, preset, arguments.seed, arguments.device)
        trial = Trial.of(split, estimator)
        shares = flagged(madeira_scores(trial, trial.held_table).rows)
        trial = trial.first(MAX_ROWS)
        planted = list(plant_all(trial, arguments.seed))
        found = of_madeira(trial, planted)
        if not arguments.no_peers:
            for kind, others in of_peers(trial, planted, arguments.seed, peers).items():
                found[kind] |= others
        for kind, by_detector in found.items():
            shown = "  ".join(
                f"{detector} " + "/".join(f"{value:.3f}" for value in measures.values())
                for detector, measures in by_detector.items()
            )
            print(f"{name}: {kind}: {shown}", flush=True)
        print(f"{name}: clean rows flagged: {shares}", flush=True)
        yield Measured(name, len(trial.train), shares, found)


def plant_all(trial: Trial, seed: int) -> Iterator[Planted]:
    """Yield rows with errors of every kind that the table can have.

    A tenth of the held-out rows at a time, other ones in every round, in as many rounds as give a
    hundred errors of each kind.
    """
    generator = np.random.default_rng(seed)
    count = max(1, round(SHARE * len(trial.held)))
    for _ in range(-(-MIN_PLANTED // count)):
        rows = generator.permutation(len(trial.held))[:count]
        for kind in KINDS:
            planted = plant(trial, kind, rows, generator)
            if len(planted.rows):
                yield planted


def of_madeira(trial: Trial, planted: list[Planted]) -> Found:
    """Measures of Madeira by kind of error, means over rounds."""
    clean = madeira_scores(trial, trial.held_table)
    each = [measure(one, clean, madeira_scores(trial, one.table)) for one in planted]
    return {kind: {OURS: means(some)} for kind, some in _by_kind(planted, each).items()}


def of_peers(trial: Trial, planted: list[Planted], seed: int, peers: Peers) -> Found:
    """Measures of the peers by kind of error; PyOD's where its environment is there."""
    kept = KEPT / f"{trial.name}-{len(trial.train)}-{seed}.json"
    if kept.exists():
        return dict(json.loads(kept.read_text()))
    tables = [one.table for one in planted]
    scores = {TREES: tree_scores(trial, [trial.held_table, *tables], seed)}
    if PEERS_PYTHON.exists():
        scores |= peer_scores(trial, trial.held_table, tables, seed, peers)
    found: Found = {}
    for detector, (clean, *spoiled) in scores.items():
        each = [measure(one, clean, scored) for one, scored in zip(planted, spoiled, strict=True)]
        for kind, some in _by_kind(planted, each).items():
            found.setdefault(kind, {})[detector] = means(some)
    if PEERS_PYTHON.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found))
    return found


def _by_kind(
    planted: list[Planted], measures: list[dict[str, float]]
) -> dict[str, list[dict[str, float]]]:
    """Measures of all rounds, by kind of error."""
    result: dict[str, list[dict[str, float]]] = {}
    for one, found in zip(planted, measures, strict=True):
        result.setdefault(one.kind, []).append(found)
    return result


if __name__ == "__main__":
    main()
