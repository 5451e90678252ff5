"""The MADE paper's table, trained again: `python -m benchmarks.likelihood`.

See docs/likelihood.md.

What was reached with a set, a model and a seed is kept under `.bench/likelihood`, so that a run
that was broken off goes on where it was, and one set can be added without the others.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.likelihood.baselines import baselines
from benchmarks.likelihood.models import Model
from benchmarks.likelihood.recipes import RECIPES, seeds_of
from benchmarks.likelihood.runs import Run, kept, perform
from benchmarks.likelihood.sets import BinarySet
from benchmarks.likelihood.summary import OURS, OURS_BITS, summarise, table
from benchmarks.report import Report

__all__ = ["main", "models_of", "quick_runs"]

QUICK_SETS = ("mushrooms", "dna_made")
QUICK_ROWS = 300


def main() -> None:
    """Train the models that are asked for and not yet kept, and report all."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    if arguments.quick:
        sets = [BinarySet.named(name) for name in arguments.sets or QUICK_SETS]
        runs = quick_runs(sets, arguments.device)
    else:
        for name in arguments.sets or RECIPES:
            data = BinarySet.named(name)
            for model, settings in models_of(name).items():
                if arguments.models and model not in arguments.models:
                    continue
                for seed in seeds_of(name, model)[: arguments.seeds]:
                    title = f"{name}: {model}, seed {seed}"
                    run = perform(data, model, settings, seed, arguments.device, say=_say(title))
                    print(f"{title}: {run.test_nats:.3f} ± {run.standard_error:.3f}", flush=True)
        runs = list(kept_runs())
    report = Report("likelihood", arguments.quick)
    summarise(report, runs)
    print("\n" + table(runs))
    report.write()


def parse_arguments() -> argparse.Namespace:
    """Return what to train; everything if nothing is said."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.likelihood", description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"default: {', '.join(RECIPES)}")
    parser.add_argument("--models", nargs="+", metavar="MODEL", help="such as madeira or FVSBN")
    parser.add_argument("--seeds", type=int, help="of a model at most; default: as the table says")
    parser.add_argument("--quick", action="store_true", help="small models, few rows, not kept")
    parser.add_argument("--device", default="cpu", help="such as cpu or cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    return parser.parse_args()


def models_of(data: str) -> dict[str, Model]:
    """Our models and the baselines of a set, by name."""
    ours: dict[str, Model] = {}
    if data in RECIPES:
        ours[OURS] = RECIPES[data]
        if RECIPES[data].columns == "groups":
            ours[OURS_BITS] = replace(RECIPES[data], columns="bits")
    return ours | baselines(data)


def kept_runs() -> Iterable[Run]:
    """Every run that is kept, of the settings that the tables of models have now."""
    for name in RECIPES:
        for model, settings in models_of(name).items():
            for seed in seeds_of(name, model):
                run = kept(name, model, settings, seed)
                if run is not None:
                    yield run


def quick_runs(sets: Iterable[BinarySet], device: str) -> list[Run]:
    """One small run of every model on a few rows of each set, kept nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        return [
            perform(data.first(QUICK_ROWS), name, model.smaller(), 0, device, Path(folder))
            for data in sets
            for name, model in models_of(data.name).items()
        ]


def _say(title: str) -> Callable[[str], None]:
    return lambda text: print(f"{title}: {text}", flush=True)


if __name__ == "__main__":
    main()
