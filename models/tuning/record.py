"""Record of a trial: one JSON file, readable without Optuna."""

import json
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from madeira.models.errors import TrainingError
from madeira.models.tuning.kinds import KINDS, SPACES, Kind

__all__ = ["Ending", "TrialRecord"]

Ending = Literal["finished", "pruned", "stopped", "interrupted", "failed"]

_CURVES = ("train", "valid")


@dataclass(frozen=True)
class TrialRecord:
    """A trial that is over.

    Attributes:
        number: 1-based number among all trials of the study.
        kind: Kind of its network.
        settings: A value for each name in `SPACES[kind]`.
        seed: Seed of its network.
        ending: `finished` by early stopping; `pruned`: among the worst third at the same
            epoch; `stopped` by the clock; `interrupted` by Ctrl-C; `failed`: no likelihood was
            finite, or the memory did not suffice.
        reason: What there is to say of that ending.
        train: Mean log-likelihood of the training minibatches, nats a row, one an epoch.
        valid: Mean log-likelihood of the validation rows, nats a row, one an epoch.
        seconds: How long it trained.
    """

    number: int
    kind: Kind
    settings: dict[str, Any]
    seed: int
    ending: Ending
    reason: str
    train: list[float]
    valid: list[float]
    seconds: float

    @property
    def usable(self) -> bool:
        """Whether it left a network."""
        return self.ending in ("finished", "stopped", "interrupted")

    @property
    def best_nats(self) -> float:
        """Best validation likelihood; minus infinity where there is none."""
        return max((nats for nats in self.valid if math.isfinite(nats)), default=-float("inf"))

    @property
    def best_epoch(self) -> int:
        """The epoch of it, 1-based; 0 where there is none."""
        best = self.best_nats
        return self.valid.index(best) + 1 if best in self.valid else 0

    def to_json(self) -> bytes:
        """Return the record as a JSON document; null where a likelihood was no number."""
        fields = asdict(self)
        for name in _CURVES:
            fields[name] = [nats if math.isfinite(nats) else None for nats in fields[name]]
        return (json.dumps(fields, indent=1) + "\n").encode()

    @classmethod
    def from_json(cls, document: bytes) -> Self:
        """Read what `to_json` wrote.

        Raises:
            TrainingError: The document is something else.
        """
        try:
            fields = json.loads(document)
            for name in _CURVES:
                fields[name] = [math.nan if nats is None else nats for nats in fields[name]]
            record = cls(**fields)
            fits = record.kind in KINDS and set(record.settings) == set(SPACES[record.kind])
        except (ValueError, TypeError, KeyError) as error:
            raise TrainingError(f"it is no record of a trial ({error})") from error
        if not fits:
            raise TrainingError("its settings are not those that are searched now")
        return record
