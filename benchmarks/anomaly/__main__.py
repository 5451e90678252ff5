"""Anomaly benchmark: `python -m benchmarks.anomaly`; see docs/anomaly.md.

What was measured of a set, a setting and a seed is kept under `.bench/anomaly-measures`, so that a
run that was broken off goes on where it was.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.anomaly.detectors import (
    CONTAMINATION,
    PEERS_PYTHON,
    SMALL,
    SMOOTHING,
    Peers,
    Smoothing,
    madeira_scores,
)
from benchmarks.anomaly.sets import ROWS_LIMIT, SETTINGS, Setting, Split, set_names, split
from benchmarks.anomaly.summary import Measures, summarise
from benchmarks.report import Report

__all__ = ["main"]

KEPT = Path(".bench/anomaly-measures")
SETTINGS_DIGEST = hashlib.sha256(repr(SMALL).encode()).hexdigest()[:8]
QUICK_SETS = ("14_glass", "42_WBC", "46_WPBC")
VARIANTS: dict[str, tuple[Smoothing, float | None]] = {
    "madeira": (SMOOTHING, None),
    "no smoothing, no trimming": (0.0, 0.0),
    "no trimming": (SMOOTHING, 0.0),
    "no smoothing": (0.0, None),
    "smoothing 0.2": (0.2, None),
    "smoothing 1": (1.0, None),
    "trimming 0.1": (SMOOTHING, 0.1),
}


def main() -> None:
    """Measure what is not yet measured, print all, and write the report."""
    arguments = parse_arguments()
    torch.set_num_threads(1)
    variants = VARIANTS if arguments.ablation else {"madeira": VARIANTS["madeira"]}
    seeds = [0] if arguments.quick or arguments.ablation else range(1, arguments.seeds + 1)
    names = QUICK_SETS if arguments.quick else set_names()
    began, peers, device = time.monotonic(), Peers(), arguments.device
    measured: list[Measures] = []
    for seed in seeds:
        for name in names:
            for setting in SETTINGS:
                late = arguments.minutes and time.monotonic() - began > 60 * arguments.minutes
                cut = cache(partial(split, name, setting, seed, arguments.rows))
                folder = KEPT / f"{arguments.rows}" / f"{name}-{setting}-{seed}"
                for method, found in measures(
                    folder, cut, variants, setting, seed, peers, late, device
                ):
                    measured.append(Measures(method, name, setting, seed, **found))
    peers.close()
    title = "anomaly_ablation" if arguments.ablation else "anomaly"
    report = Report(title, arguments.quick)
    summarise(report, measured)
    report.write()


def parse_arguments() -> argparse.Namespace:
    """Return what to measure; everything if nothing is said."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.anomaly", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three small sets, within a minute")
    parser.add_argument("--ablation", action="store_true", help="what helps, on seed 0")
    parser.add_argument("--device", default="cpu", help="of Madeira, such as cpu or cuda")
    parser.add_argument("--rows", type=int, default=ROWS_LIMIT, help="of a set at most")
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 1")
    parser.add_argument("--minutes", type=float, help="begin nothing new after so many")
    return parser.parse_args()


def measures(
    folder: Path,
    cut: Callable[[], Split],
    variants: dict[str, tuple[Smoothing, float | None]],
    setting: Setting,
    seed: int,
    peers: Peers,
    late: bool,
    device: str,
) -> Iterator[tuple[str, dict[str, float]]]:
    """AUROC, average precision and seconds of every method, those read that are kept."""
    kept = folder / "peers.json"
    if not kept.exists() and not late and PEERS_PYTHON.exists():
        found = {
            name: measure(cut(), scores, seconds)
            for name, (scores, seconds) in peers.scores(cut().train, cut().test, seed).items()
        }
        write(kept, found)
    yield from (json.loads(kept.read_text()) if kept.exists() else {}).items()
    for name, (smoothing, trimmed) in variants.items():
        contamination = CONTAMINATION[setting] if trimmed is None else trimmed
        kept = folder / f"madeira-{smoothing}-{contamination:g}-{SETTINGS_DIGEST}.json"
        if not kept.exists() and not late:
            scores, seconds = madeira_scores(cut(), seed, smoothing, contamination, device)
            write(kept, measure(cut(), scores, seconds))
        if kept.exists():
            yield name, json.loads(kept.read_text())


def measure(cut: Split, scores: object, seconds: float) -> dict[str, float]:
    """Return the measures of one method's scores."""
    return {
        "auroc": float(roc_auc_score(cut.anomalous, scores)),
        "precision": float(average_precision_score(cut.anomalous, scores)),
        "seconds": seconds,
    }


def write(path: Path, content: object) -> None:
    """Keep measures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    print(f"{path.parent.name} {path.stem}", flush=True)


if __name__ == "__main__":
    main()
