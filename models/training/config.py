"""Settings of training: of one member, and of a whole fit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from madeira.models.errors import ConfigError
from madeira.models.made.config import MaskConfig, NetworkConfig

__all__ = [
    "LEARNING_RATES",
    "FitConfig",
    "MemberConfig",
    "Optimizer",
    "Schedule",
    "TrainingConfig",
    "Weighing",
]

Optimizer = Literal["adamw", "adadelta"]
Schedule = Literal["constant", "cosine", "plateau"]
Weighing = Literal["masks", "members", "even"]

LEARNING_RATES: Mapping[Optimizer, float] = {"adamw": 2e-3, "adadelta": 1.0}
"""Step size of each optimizer where none is set."""


@dataclass(frozen=True)
class TrainingConfig:
    """How one network is trained.

    Attributes:
        optimizer: `adamw`, or `adadelta` (Zeiler 2012), which the paper used.
        learning_rate: Step size; None is that of the optimizer in `LEARNING_RATES`.
        weight_decay: Decoupled weight decay of AdamW; L2 penalty of AdaDelta; of weights, not
            of biases.
        schedule: `cosine` falls to zero over `max_epochs`, `plateau` halves after a third of
            `patience_epochs` without a better validation likelihood.
        batch_rows: Rows a minibatch; None chooses between 32 and 256 by the rows there are.
        masks_per_batch: Masks that share a minibatch, each over its part of the rows: the
            gradient depends less on which orderings came up.
        max_epochs: Passes over the training rows, at most.
        max_steps: Minibatches, at most, or None; the epoch under way is finished. It bounds the
            time that a large table takes, where fewer passes do.
        patience_epochs: Look-ahead: epochs without a better validation likelihood before
            training stops and the best weights are taken.
        max_seconds: Time after which training stops, or None. A run that is stopped by the
            clock does not repeat.
        averaging: Decay per step of the moving average of the weights, which is what is
            validated and kept; 0 keeps the weights themselves.
        dropout: Share of hidden units dropped.
        input_dropout: Share of input features dropped.
        structural_zeros: Whether direct weights start from the pairs of values that no row has; see
            `structural_zeros.py`.
        direct_rank: Where set, direct weights are learned as a product of this rank plus a
            rest, so that `weight_decay` lets conditionals share what few rows show of each; see
            `low_rank.py`.
        gradient_clip: Largest norm of the gradient, or None.
        mixed_precision: Matrix products of bfloat16 on CUDA, and on a CPU that has instructions
            for them in large networks of one mask; likelihoods stay in float32.

    Raises:
        ConfigError: A setting out of its range.
    """

    optimizer: Optimizer = "adamw"
    learning_rate: float | None = None
    weight_decay: float = 1e-4
    schedule: Schedule = "plateau"
    batch_rows: int | None = None
    masks_per_batch: int = 1
    max_epochs: int = 300
    max_steps: int | None = None
    patience_epochs: int = 30
    max_seconds: float | None = None
    averaging: float = 0.995
    dropout: float = 0.0
    input_dropout: float = 0.0
    structural_zeros: bool = False
    direct_rank: int | None = None
    gradient_clip: float | None = 5.0
    mixed_precision: bool = True

    def __post_init__(self) -> None:
        if self.optimizer not in get_args(Optimizer):
            raise ConfigError(f"optimizer must be adamw or adadelta, not {self.optimizer!r}")
        if self.schedule not in get_args(Schedule):
            raise ConfigError(f"schedule must be constant, cosine or plateau: {self.schedule!r}")
        for name in ("averaging", "dropout", "input_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} must be in [0, 1), not {getattr(self, name)}")
        for name in (
            "learning_rate",
            "batch_rows",
            "max_steps",
            "max_seconds",
            "direct_rank",
            "gradient_clip",
        ):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigError(f"{name} must be positive or None, not {value}")
        for name in ("masks_per_batch", "max_epochs", "patience_epochs"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")

    def rows_per_batch(self, rows: int) -> int:
        """Rows a minibatch for a table of `rows`."""
        return self.batch_rows or max(32, min(256, 1 << (rows // 64).bit_length()))

    def steps_per_epoch(self, rows: int) -> int:
        """Minibatches of one pass over a table of `rows`."""
        return math.ceil(rows / self.rows_per_batch(rows))

    def epochs(self, rows: int) -> int:
        """Most passes over a table of `rows`."""
        if self.max_steps is None:
            return self.max_epochs
        return min(self.max_epochs, math.ceil(self.max_steps / self.steps_per_epoch(rows)))


@dataclass(frozen=True)
class MemberConfig:
    """One network of the ensemble.

    Attributes:
        name: How curves and metrics call it.
        network: Its shape.
        masks: The orderings and degrees it is trained and used with.
        training: How it is trained.

    Raises:
        ConfigError: It has a `direct_rank` without direct weights, or with a `reach`.
    """

    name: str
    network: NetworkConfig = field(default_factory=NetworkConfig)
    masks: MaskConfig = field(default_factory=MaskConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        if self.training.direct_rank is not None and not self.network.direct:
            raise ConfigError(f"member {self.name!r} has a direct_rank but no direct weights")
        if self.training.direct_rank is not None and self.masks.reach is not None:
            raise ConfigError(f"member {self.name!r} has a direct_rank and a reach: choose one")


@dataclass(frozen=True)
class FitConfig:
    """A whole fit.

    Attributes:
        members: The networks of the mixture. Evidence needs one whose masks are any-order.
            Beside one, members of fixed orderings answer little but complete rows, and are
            trained where at least half of the rows are complete.
        valid_fraction: Share of rows held out for early stopping and the mixture weights,
            where no validation table is given.
        valid_limit_rows: Most rows held out.
        smoothing: Noise added to training rows, in standard deviations of each column, or
            `auto` for about the distance between rows: the density of anomaly detection is
            coarser than that of samples; see `trimmed.py`.
        contamination: Share of training rows that may be anomalies: the least likely ones are
            set aside.
        weighing: What the validation rows choose a weight for: `masks`, every one of every
            member; `members`, whose masks then share theirs evenly; or nothing, and all members
            weigh the same, `even`. With hundreds of masks and few rows the first learns the
            validation rows by heart, and with a hundred rows the second does.

    Raises:
        ConfigError: No member, two of one name, or a setting out of its range.
    """

    members: tuple[MemberConfig, ...]
    valid_fraction: float = 0.1
    valid_limit_rows: int = 10_000
    smoothing: float | Literal["auto"] = 0.0
    contamination: float = 0.0
    weighing: Weighing = "masks"

    def __post_init__(self) -> None:
        names = [member.name for member in self.members]
        if not names:
            raise ConfigError("a fit needs at least one member")
        if len(set(names)) < len(names):
            raise ConfigError(f"members need different names: {', '.join(names)}")
        if not 0 < self.valid_fraction < 1:
            raise ConfigError(f"valid_fraction must be in (0, 1), not {self.valid_fraction}")
        if self.valid_limit_rows < 1:
            raise ConfigError(f"valid_limit_rows must be at least 1, not {self.valid_limit_rows}")
        if self.smoothing != "auto" and not (
            isinstance(self.smoothing, float | int) and 0 <= self.smoothing < float("inf")
        ):
            raise ConfigError(
                f"smoothing must be auto, or finite and not negative: {self.smoothing!r}"
            )
        if self.weighing not in get_args(Weighing):
            raise ConfigError(f"weighing must be masks, members or even, not {self.weighing!r}")
        if not 0 <= self.contamination <= 0.5:
            raise ConfigError(f"contamination must be in [0, 0.5], not {self.contamination}")
