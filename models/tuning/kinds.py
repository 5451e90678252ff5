"""Search spaces: the settings of any-order networks, and those of fixed-order ones.

The two answer different questions and have likelihoods of their own, so each has a search of its
own: a trial is compared with those of its kind.
"""

from collections.abc import Mapping
from typing import Any, Literal

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from madeira.models.made.config import MaskConfig, NetworkConfig
from madeira.models.training.config import LEARNING_RATES, MemberConfig, TrainingConfig

__all__ = ["KINDS", "SPACES", "Kind", "first_settings", "member_config"]

Kind = Literal["any-order", "fixed-order"]
KINDS: tuple[Kind, ...] = ("any-order", "fixed-order")

BATCHES = (32, 64, 128, 256)
MAX_EPOCHS = 400
PATIENCE_EPOCHS = 20
ANSWERING = 8

_SHARED: dict[str, BaseDistribution] = {
    "layers": IntDistribution(1, 4),
    "width": CategoricalDistribution((64, 128, 256, 512)),
    "optimizer": CategoricalDistribution(("adamw", "adadelta")),
    "learning_rate": FloatDistribution(0.1, 4.0, log=True),
    "weight_decay": FloatDistribution(1e-6, 1e-1, log=True),
    "batch_rows": CategoricalDistribution(BATCHES),
    "dropout": FloatDistribution(0.0, 0.5),
    "input_dropout": FloatDistribution(0.0, 0.2),
    "averaging": CategoricalDistribution((0.9, 0.98, 0.995, 0.999)),
    "conditioning": CategoricalDistribution((True, False)),
    "direct": CategoricalDistribution((True, False)),
}

SPACES: dict[Kind, dict[str, BaseDistribution]] = {
    "any-order": _SHARED
    | {
        "degrees": CategoricalDistribution(("even", "sampled")),
        "masks_per_batch": CategoricalDistribution((1, 2, 4)),
        "answering_share": FloatDistribution(0.0, 0.6),
    },
    "fixed-order": _SHARED
    | {
        "degrees": CategoricalDistribution(("even", "entropy", "sampled", "fresh")),
        "ordering": CategoricalDistribution(("natural", "random", "smooth")),
    },
}
"""Settings of each kind. `learning_rate` is a multiple of the optimizer's usual one; `fresh`
degrees are drawn anew for every minibatch, and eight draws answer."""


def first_settings(kind: Kind, rows: int) -> dict[str, Any]:
    """Return the settings of the first trial of a kind: close to the presets.

    Args:
        kind: Of the network.
        rows: Rows to learn from.
    """
    settings: dict[str, Any] = {
        "layers": 2,
        "width": 128,
        "optimizer": "adamw",
        "learning_rate": 1.0,
        "weight_decay": 1e-4,
        "batch_rows": TrainingConfig().rows_per_batch(rows),
        "dropout": 0.0,
        "input_dropout": 0.0,
        "averaging": 0.995,
        "conditioning": True,
        "direct": True,
        "degrees": "even",
    }
    if kind == "any-order":
        return settings | {"masks_per_batch": 1, "answering_share": 0.3}
    return settings | {"ordering": "natural", "dropout": 0.2}


def member_config(kind: Kind, number: int, settings: Mapping[str, Any]) -> MemberConfig:
    """Return the network that a trial trains.

    Args:
        kind: Its kind.
        number: Number of the trial.
        settings: One value for each name in `SPACES[kind]`.
    """
    optimizer = settings["optimizer"]
    training = TrainingConfig(
        optimizer=optimizer,
        learning_rate=settings["learning_rate"] * LEARNING_RATES[optimizer],
        weight_decay=settings["weight_decay"],
        batch_rows=settings["batch_rows"],
        masks_per_batch=settings.get("masks_per_batch", 1),
        max_epochs=MAX_EPOCHS,
        patience_epochs=PATIENCE_EPOCHS,
        averaging=settings["averaging"],
        dropout=settings["dropout"],
        input_dropout=settings["input_dropout"],
    )
    layers, width = settings["layers"], settings["width"]
    network = NetworkConfig(
        (width,) * layers,
        residual=layers > 1,
        conditioning=settings["conditioning"],
        direct=settings["direct"],
    )
    return MemberConfig(f"{kind}-{number}", network, _masks(kind, settings), training)


def _masks(kind: Kind, settings: Mapping[str, Any]) -> MaskConfig:
    degrees = settings["degrees"]
    if kind == "any-order":
        share = settings["answering_share"]
        return MaskConfig("sampled", degrees, None, ANSWERING, share)
    if degrees == "fresh":
        return MaskConfig(settings["ordering"], "sampled", None, ANSWERING)
    return MaskConfig(settings["ordering"], degrees, 1)
