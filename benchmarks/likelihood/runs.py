"""One training of one model on one set: kept when it is done, so that a rerun goes on."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from benchmarks.likelihood.models import Model
from benchmarks.likelihood.sets import BinarySet
from benchmarks.report import hardware, versions

__all__ = ["KEPT", "Run", "kept", "perform"]

KEPT = Path(".bench/likelihood")


@dataclass(frozen=True)
class Run:
    """What is kept of one training.

    Attributes:
        data: Name of the set.
        model: Name of the model.
        seed: Seed of the run.
        test_nats: Mean negative log-likelihood of the test rows, nats.
        standard_error: Of that mean, over the rows.
        valid_nats: Mean negative log-likelihood of the validation rows.
        train_seconds: Of training.
        test_seconds: Of the test rows.
        parameters: Numbers learned and used.
        members: Networks trained.
        components: Terms of the mixture that answers.
        device: Where it was computed.
        hardware: What that was.
        versions: Of what computed.
        date: When it was done.
        notes: What else is worth keeping.
    """

    data: str
    model: str
    seed: int
    test_nats: float
    standard_error: float
    valid_nats: float
    train_seconds: float
    test_seconds: float
    parameters: int
    members: int
    components: int
    device: str
    hardware: dict[str, Any]
    versions: dict[str, str]
    date: str
    notes: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what `write` wrote."""
        return cls(**json.loads(path.read_text()))

    def write(self, path: Path) -> None:
        """Keep the run, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        half.write_text(json.dumps(asdict(self), indent=1) + "\n")
        half.replace(path)


def _path(folder: Path, data: str, name: str, model: Model, seed: int) -> Path:
    digest = hashlib.sha256(repr(model).encode()).hexdigest()[:8]
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return folder / data / f"{words}-{digest}-{seed}.json"


def kept(data: str, name: str, model: Model, seed: int, folder: Path = KEPT) -> Run | None:
    """Return the run that was done before, of the same settings; None where there is none."""
    path = _path(folder, data, name, model, seed)
    return Run.read(path) if path.exists() else None


def perform(
    data: BinarySet,
    name: str,
    model: Model,
    seed: int,
    device: str,
    folder: Path = KEPT,
    say: Callable[[str], None] = lambda _: None,
) -> Run:
    """Return the run: read where it was done before, else done and kept.

    Args:
        data: The set.
        name: How the table calls the model.
        model: The model.
        seed: Seed of every random choice.
        device: Where to compute.
        folder: Where runs are kept.
        say: Told now and then how far it is.
    """
    done = kept(data.name, name, model, seed, folder)
    if done is not None:
        return done
    figures = model.figures(data, seed, device, say)
    nats = -figures.test_nats
    run = Run(
        data=data.name,
        model=name,
        seed=seed,
        test_nats=float(nats.mean()),
        standard_error=float(nats.std(ddof=1) / np.sqrt(len(nats))),
        valid_nats=-figures.valid_nats,
        train_seconds=round(figures.train_seconds, 1),
        test_seconds=round(figures.test_seconds, 1),
        parameters=figures.parameters,
        members=figures.members,
        components=figures.components,
        device=device,
        hardware=hardware(),
        versions=versions(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        notes=figures.notes,
    )
    run.write(_path(folder, data.name, name, model, seed))
    return run
