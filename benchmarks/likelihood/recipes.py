"""Our model of each set: one table of configurations, found on validation rows alone.

What each choice gained is in docs/likelihood.md.
"""

from dataclasses import dataclass, replace

from benchmarks.likelihood.columns import Grouping
from benchmarks.likelihood.models import Made
from madeira.models.made import MaskConfig, NetworkConfig
from madeira.models.training import FitConfig, MemberConfig, TrainingConfig

__all__ = ["RECIPES", "seeds_of"]


@dataclass(frozen=True)
class Part:
    """Some members that differ in their seeds, and so in their orderings, alone."""

    count: int
    network: NetworkConfig
    masks: MaskConfig
    training: TrainingConfig


ADADELTA = TrainingConfig(
    optimizer="adadelta",
    weight_decay=0.0,
    schedule="constant",
    batch_rows=100,
    max_epochs=150,
    patience_epochs=15,
    averaging=0.999,
    gradient_clip=None,
)
CAREFUL = replace(ADADELTA, learning_rate=0.3, averaging=0.99, patience_epochs=12)
"""For a few hundred rows, of which larger steps learn each by heart before they average out."""

SHARED = replace(
    ADADELTA,
    weight_decay=0.45,
    direct_rank=40,
    schedule="cosine",
    max_epochs=100,
    patience_epochs=100,
    averaging=0.99,
)
"""For a few hundred rows of many variables."""

LONG = replace(ADADELTA, dropout=0.5, input_dropout=0.3, max_epochs=250, patience_epochs=20)
"""For a few thousand rows: what is dropped keeps a network from learning them by heart."""

ADAMW = TrainingConfig(
    learning_rate=2e-3,
    weight_decay=0.0,
    schedule="cosine",
    batch_rows=200,
    averaging=0.99,
    gradient_clip=None,
    patience_epochs=100,
)

ANY_ORDER = MaskConfig("sampled", "sampled", count=None, ensemble=100)
NATURAL_SAMPLED_MASK = MaskConfig("natural", "sampled", count=1)
ONE_SAMPLED_MASK = MaskConfig("random", "sampled", count=1)
ONE_MASK = MaskConfig("random", "even", count=1)
LOCAL = MaskConfig("smooth", "entropy", count=1, reach=8)
"""For the pixels of images, which depend on those around them."""

NATURAL_MASK = MaskConfig("natural", "even", count=1)

LINEAR = NetworkConfig(hidden=(), conditioning=False)
SHALLOW = NetworkConfig(hidden=(500,), conditioning=False)
WIDE = NetworkConfig(hidden=(1000,), conditioning=False)
HUGE = NetworkConfig(hidden=(4000, 4000), residual=True, conditioning=False)
NO_DIRECT = NetworkConfig(hidden=(500,), conditioning=False, direct=False)
NARROW_DEEP = NetworkConfig(hidden=(100, 100), residual=True, conditioning=False, direct=False)
DEEP = NetworkConfig(hidden=(400, 400), residual=True, conditioning=False)


def _adamw(epochs: int, dropout: float) -> TrainingConfig:
    return replace(ADAMW, max_epochs=epochs, dropout=dropout)


def _dropped(dropout: float, epochs: int) -> TrainingConfig:
    return replace(ADADELTA, dropout=dropout, max_epochs=epochs, patience_epochs=4)


def _made(columns: Grouping, **parts: Part) -> Made:
    members = tuple(
        MemberConfig(f"{name}-{index}", part.network, part.masks, part.training)
        for name, part in parts.items()
        for index in range(1, part.count + 1)
    )
    return Made(FitConfig(members, weighing="members"), columns)


def _evenly(made: Made) -> Made:
    return replace(made, fit=replace(made.fit, weighing="even"))


RECIPES: dict[str, Made] = {
    "adult": _made(
        "groups",
        one_mask=Part(
            5, SHALLOW, ONE_SAMPLED_MASK, replace(ADADELTA, dropout=0.4, patience_epochs=8)
        ),
        any_order=Part(1, SHALLOW, replace(ANY_ORDER, ensemble=50), ADADELTA),
    ),
    "connect4": _made(
        "groups",
        natural=Part(1, DEEP, NATURAL_MASK, _adamw(30, 0.1)),
        one_order=Part(2, DEEP, ONE_MASK, _adamw(30, 0.1)),
    ),
    "dna_made": _made(
        "groups",
        any_order=Part(1, SHALLOW, ANY_ORDER, replace(CAREFUL, weight_decay=0.02)),
        no_direct=Part(1, NO_DIRECT, ANY_ORDER, LONG),
        narrow_deep=Part(1, NARROW_DEEP, ANY_ORDER, replace(LONG, dropout=0.3, input_dropout=0.0)),
    ),
    "mushrooms": _made(
        "groups", one_mask=Part(6, SHALLOW, ONE_SAMPLED_MASK, replace(ADADELTA, dropout=0.3))
    ),
    "nips": _evenly(_made("bits", shared=Part(16, LINEAR, ONE_MASK, SHARED))),
    "ocr_letters": _made(
        "bits",
        natural=Part(3, WIDE, NATURAL_SAMPLED_MASK, _dropped(0.1, 15)),
        one_mask=Part(1, WIDE, ONE_SAMPLED_MASK, _dropped(0.1, 15)),
    ),
    "web": _made(
        "bits",
        one_mask=Part(8, SHALLOW, ONE_SAMPLED_MASK, _dropped(0.5, 32)),
    ),
    "binarized_mnist": _made(
        "bits",
        local=Part(8, HUGE, LOCAL, replace(ADAMW, averaging=0.0, max_epochs=14, dropout=0.35)),
    ),
}


def seeds_of(data: str, model: str) -> range:
    """Seeds of the runs of a model on a set: more than one where a run takes about a minute."""
    return range(
        5 if model == "madeira" and data in ("adult", "dna_made", "mushrooms", "nips") else 1
    )
