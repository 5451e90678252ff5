"""The kinds of model that the table has, and how each is trained and judged."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from benchmarks.likelihood.bernoulli_mixture import fit_bernoulli_mixture
from benchmarks.likelihood.columns import BitColumns, Grouping
from benchmarks.likelihood.sets import BinarySet
from madeira.models.arrays import Float64
from madeira.models.training import FitConfig, Fitted, Progress, fit

__all__ = ["BernoulliMixtures", "Figures", "Made", "Model"]


@dataclass(frozen=True)
class Figures:
    """What one training of one model came to.

    Attributes:
        test_nats: Log-likelihood of each test row, nats, shape `(rows,)`.
        valid_nats: Mean log-likelihood of the validation rows, nats.
        train_seconds: Of training, choosing on validation rows included.
        test_seconds: Of the test rows.
        parameters: Numbers that were learned and are used.
        members: Networks, or sizes tried, that were trained.
        components: Terms of the mixture that answers.
        notes: What else is worth keeping, JSON values.
    """

    test_nats: Float64
    valid_nats: float
    train_seconds: float
    test_seconds: float
    parameters: int
    members: int
    components: int
    notes: dict[str, Any]


class Model(Protocol):
    """A model of the table; equal ones have equal `repr`."""

    def figures(
        self, data: BinarySet, seed: int, device: str, say: Callable[[str], None]
    ) -> Figures:
        """Train on training rows, choose by validation rows, then read the test rows once.

        Args:
            data: The set.
            seed: Seed of every random choice.
            device: Where to compute.
            say: Told now and then how far it is.
        """
        ...

    def smaller(self) -> "Model":
        """Return a model of the same kind that trains in seconds."""
        ...


@dataclass(frozen=True)
class Made:
    """Masked autoencoders: one, or a mixture of several.

    Attributes:
        fit: Members and training.
        columns: Whether bits are columns one by one, or in groups.
    """

    fit: FitConfig
    columns: Grouping = "bits"

    def figures(
        self, data: BinarySet, seed: int, device: str, say: Callable[[str], None]
    ) -> Figures:
        """See `Model.figures`."""
        start = time.monotonic()
        columns = BitColumns.of(data.train, self.columns)
        valid = columns.encode(data.valid)
        fitted = fit(
            columns.encode(data.train),
            columns.layout,
            self.fit,
            valid=valid,
            seed=seed,
            device=device,
            on_epoch=lambda progress: _tell(progress, say),
        )
        trained = time.monotonic()
        unseen_nats = float(columns.unseen_nats(data.valid, valid).mean())
        test = columns.encode(data.test)
        began = time.monotonic()
        test_nats = fitted.density.score(test) + columns.unseen_nats(data.test, test)
        return Figures(
            test_nats=test_nats,
            valid_nats=fitted.valid_nats + unseen_nats,
            train_seconds=trained - start,
            test_seconds=time.monotonic() - began,
            parameters=sum(one.parameters for one in fitted.members if one.weight > 0),
            members=len(fitted.members),
            components=len(fitted.density.components),
            notes={"members": _members(fitted)},
        )

    def smaller(self) -> "Made":
        """See `Model.smaller`."""
        members = tuple(
            replace(
                member,
                network=replace(member.network, hidden=(32,) * len(member.network.hidden)),
                masks=replace(
                    member.masks,
                    count=member.masks.count and min(member.masks.count, 4),
                    ensemble=min(member.masks.ensemble, 4),
                ),
                training=replace(member.training, max_epochs=2),
            )
            for member in self.fit.members[:2]
        )
        return replace(self, fit=replace(self.fit, members=members))


@dataclass(frozen=True)
class BernoulliMixtures:
    """Mixtures of Bernoullis of several sizes; the one that is best on validation rows counts.

    Attributes:
        sizes: Numbers of components to try.
    """

    sizes: tuple[int, ...]

    def figures(
        self, data: BinarySet, seed: int, device: str, say: Callable[[str], None]
    ) -> Figures:
        """See `Model.figures`; it computes on the CPU wherever it is told to."""
        start = time.monotonic()
        reached = {}
        for size in self.sizes:
            mixture = fit_bernoulli_mixture(data.train, data.valid, size, seed)
            reached[size] = float(mixture.log_prob(data.valid).mean()), mixture
            say(f"{size} components: {-reached[size][0]:.3f}")
        size, (valid_nats, mixture) = max(reached.items(), key=lambda item: item[1][0])
        trained = time.monotonic()
        test_nats = mixture.log_prob(data.test)
        return Figures(
            test_nats=test_nats,
            valid_nats=valid_nats,
            train_seconds=trained - start,
            test_seconds=time.monotonic() - trained,
            parameters=mixture.weights.size + mixture.chances.size,
            members=len(self.sizes),
            components=size,
            notes={"validation by components": {k: nats for k, (nats, _) in reached.items()}},
        )

    def smaller(self) -> "BernoulliMixtures":
        """See `Model.smaller`."""
        return BernoulliMixtures((4, 8))


def _tell(progress: Progress, say: Callable[[str], None]) -> None:
    if progress.epoch % 10 == 0:
        say(
            f"{progress.name} ({progress.member + 1} of {progress.members}) epoch {progress.epoch}:"
            f" training {-progress.train_nats:.3f}, validation {-progress.best_nats:.3f}"
        )


def _members(fitted: Fitted) -> list[dict[str, Any]]:
    return [
        {
            "name": member.name,
            "weight": round(member.weight, 4),
            "valid_nats": round(member.complete_nats, 4),
            "parameters": member.parameters,
            "epochs": len(member.curve.train),
            "best_epoch": member.curve.best_epoch,
            "seconds": round(member.curve.seconds, 1),
        }
        for member in fitted.members
    ]
