"""Ablation of training: the any-order network of `balanced`, one setting changed at a time.

    python -m benchmarks.ablation [SETTING ...] [--table NAME] [--quick]

Likelihoods are of complete rows that were not trained on: of all their values, under all orderings
that answer and under one, of a random part of them as evidence, and of each value given all others.
Optimizers, and direct weights that start from pairs that no row has, are compared on small tables
too. What is measured is kept under `.bench/ablation`, so that a run that was broken off goes on
where it was. See docs/ablation.md.
"""

import argparse
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.data import read_mixed
from benchmarks.report import Report
from madeira.models import DensityEstimator, FitConfig, MemberConfig, Schema, preset
from madeira.models.arrays import Float64
from madeira.models.columns.numeric import Numeric
from madeira.models.inference import Density

__all__ = ["MEASURES", "SETTINGS", "Setting", "config_of", "main", "measure"]


KEPT = Path(".bench/ablation")
TABLES = ("adult_census", "online_shoppers")
ROWS, TEST_ROWS, MAX_STEPS, PATIENCE = 6_000, 1_500, 2_500, 15
QUICK_ROWS, QUICK_STEPS = 400, 30
PATTERNS = 12
MEASURES = ("complete", "one ordering", "evidence", "rest")
REST_ROWS = 300
SMALL_TABLES = (
    "titanic",
    "credit_approval",
    "german_credit",
    "hypothyroid",
    "hepatitis",
    "penguins",
)
TRAIN_SHARE = 0.7
BASE_TRAINING = {"structural_zeros": False}


@dataclass(frozen=True)
class Setting:
    """What differs from the base.

    Attributes:
        network: Fields of `NetworkConfig`.
        masks: Fields of `MaskConfig`.
        training: Fields of `TrainingConfig`.
        logistics: Logistics in the mixture of each column of numbers; None for as many as there
            are.
    """

    network: dict[str, Any] = field(default_factory=dict)
    masks: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    logistics: int | None = None


PAIRS, ADADELTA, BOTH = "pairs that no row has", "AdaDelta, dropout 0.2", "AdaDelta and pairs"
SETTINGS = {
    "base": Setting(),
    "one ordering a minibatch": Setting(training={"masks_per_batch": 1}),
    "none of them those that answer": Setting(masks={"answering_share": 0.0}),
    "60 % of them those that answer": Setting(masks={"answering_share": 0.6}),
    "degrees drawn anew": Setting(masks={"degrees": "sampled"}),
    "one layer": Setting(network={"hidden": (256,)}),
    "two layers": Setting(network={"hidden": (256,) * 2}),
    "five layers": Setting(network={"hidden": (256,) * 5}),
    "layers that do not add": Setting(network={"residual": False}),
    "width 128": Setting(network={"hidden": (128,) * 3}),
    "width 512": Setting(network={"hidden": (512,) * 3}),
    "softplus": Setting(network={"activation": "softplus"}),
    "tanh": Setting(network={"activation": "tanh"}),
    "no conditioning weights": Setting(network={"conditioning": False}),
    "no direct weights": Setting(network={"direct": False}),
    "4 logistics": Setting(logistics=4),
    "20 logistics": Setting(logistics=20),
    PAIRS: Setting(training={"structural_zeros": True}),
    ADADELTA: Setting(training={"optimizer": "adadelta", "dropout": 0.2}),
    BOTH: Setting(training={"optimizer": "adadelta", "dropout": 0.2, "structural_zeros": True}),
    "dropout 0.1": Setting(training={"dropout": 0.1}),
    "weights not averaged": Setting(training={"averaging": 0.0}),
    "natural ordering alone": Setting(
        masks={"ordering": "natural", "count": 1, "answering_share": 0.0},
        training={"dropout": 0.2, "masks_per_batch": 1},
    ),
}


SMALL_SETTINGS = ["base", PAIRS, ADADELTA, BOTH]


def measure(setting: Setting, name: str, rows: int, steps: int, seed: int = 0) -> dict[str, float]:
    """Train one network.

    Args:
        setting: How.
        name: Name of a mixed table.
        rows: Rows to train on, those included that are held out to stop by; at most seven tenths
            of the table.
        steps: Most minibatches.
        seed: Of the rows, of training and of the patterns.

    Returns:
        Nats a row, by the names of `MEASURES`, without the last two where evidence cannot be put
        first; and `seconds` of training.
    """
    table = read_mixed(name, rows + TEST_ROWS, seed)
    rows = min(rows, round(TRAIN_SHARE * table.num_rows))
    train, test = table.slice(0, rows), table.slice(rows)
    schema = Schema.infer(train)
    if setting.logistics is not None:
        columns = (
            replace(c, components=setting.logistics) if isinstance(c, Numeric) else c
            for c in schema.columns
        )
        schema = Schema(tuple(columns), schema.left_out)
    estimator = DensityEstimator(config=config_of(setting, steps), seed=seed).fit(train, schema)
    density = estimator.density
    values = schema.encode(test)
    complete = values[~np.isnan(values).any(axis=1)]
    found = {
        "complete": float(density.score(complete).mean()),
        "one ordering": float(density.component_scores(complete).mean()),
        "seconds": estimator.metrics["seconds"],
    }
    if any(member.any_order for member in density.members):
        found["evidence"] = _evidence(density, complete, seed)
        found["rest"] = -float(np.nansum(density.contributions(values[:REST_ROWS]), axis=1).mean())
    return found


def config_of(setting: Setting, steps: int) -> FitConfig:
    """Return the base with a setting changed, and at most so many minibatches."""
    base = preset("balanced")
    any_order = base.members[0]
    member = MemberConfig(
        any_order.name,
        replace(any_order.network, **setting.network),
        replace(any_order.masks, **setting.masks),
        replace(
            any_order.training,
            **{
                "max_steps": steps,
                "patience_epochs": PATIENCE,
                **BASE_TRAINING,
                **setting.training,
            },
        ),
    )
    return replace(base, members=(member,))


def _evidence(density: Density, complete: Float64, seed: int) -> float:
    """Nats of what is observed, over random patterns."""
    generator = np.random.default_rng(seed)
    nats = []
    for _ in range(PATTERNS):
        observed = generator.random(complete.shape[1]) < generator.random()
        nats.append(density.score(np.where(observed, complete, np.nan)).mean())
    return float(np.mean(nats))


def main() -> None:
    """Measure what is not yet measured, and write the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__)
    parser.add_argument("settings", nargs="*", help="all by default")
    parser.add_argument("--table", action="append", help="this table; repeatable")
    parser.add_argument("--quick", action="store_true", help="the base alone, hardly trained")
    arguments = parser.parse_args()
    if unknown := set(arguments.settings) - set(SETTINGS):
        parser.error(f"{', '.join(sorted(unknown))}: settings are {', '.join(SETTINGS)}")
    torch.set_num_threads(1)
    quick = arguments.quick
    rows, steps = (QUICK_ROWS, QUICK_STEPS) if quick else (ROWS, MAX_STEPS)
    chosen = arguments.settings or (["base"] if quick else list(SETTINGS))
    names = arguments.table or (TABLES[:1] if quick else TABLES)
    tables = dict.fromkeys(names, chosen)
    if not (quick or arguments.table or arguments.settings):
        tables |= dict.fromkeys(SMALL_TABLES, SMALL_SETTINGS)
    report = Report("ablation", quick)
    for name, labels in tables.items():
        for label in labels:
            kept = KEPT / f"{rows}-{steps}" / f"{name}-{label}.json"
            if not kept.exists():
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(measure(SETTINGS[label], name, rows, steps)))
            found = json.loads(kept.read_text())
            nats = {key: found[key] for key in MEASURES[1:] if key in found}
            seconds = {"seconds of training": found["seconds"]}
            report.record(f"{name}: {label}", found["complete"], "nats", **nats, **seconds)
    if not arguments.settings and not arguments.table:
        report.write()


if __name__ == "__main__":
    main()
