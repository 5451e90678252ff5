"""Finds checkpoints, loads them, and answers which model is meant by a name."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from app.errors import InvalidInputError, SettingsError, UnavailableError, UnknownModelError
from app.jobs import ModelKey
from models.checkpoint import versions
from models.columns.schema import Schema
from models.errors import CheckpointError
from models.estimator import DensityEstimator
from models.inference.density import Density

__all__ = ["Refusal", "Registry", "ServedModel"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class ServedModel:
    """One version of a model, ready to answer.

    Attributes:
        key: Its name and version.
        schema: Its columns.
        density: What computes.
        metrics: Where, on what and how well it was trained.
        card: Its model card, Markdown.
    """

    key: ModelKey
    schema: Schema
    density: Density
    metrics: Mapping[str, Any]
    card: str

    @property
    def description(self) -> str:
        """The first paragraph of the card."""
        paragraphs = (part.strip() for part in self.card.split("\n\n"))
        first = (part for part in paragraphs if part and not part.startswith(("#", "|", "!", "-")))
        return " ".join(next(first, "").split())


@dataclass(frozen=True, slots=True)
class Refusal:
    """A checkpoint that is not served.

    Attributes:
        name: Of the model.
        version: Of the checkpoint; None where there is no version at all.
        reason: Why not.
    """

    name: str
    version: str | None
    reason: str


class Registry:
    """The models of one directory, `<name>/<version>/`.

    Of each model the highest version is served. A checkpoint that cannot be loaded is refused by
    name, with the reason, and the version before it is served if there is one; the other models
    are served whatever becomes of it.

    Args:
        directory: Where the checkpoints are.
        device: Where the models compute.
        default_model: Model of a request that names none.

    Raises:
        SettingsError: This machine does not have the device.
    """

    def __init__(self, directory: Path, device: str, default_model: str | None = None) -> None:
        if device.startswith("cuda"):
            index = torch.device(device).index or 0
            if index >= torch.cuda.device_count():
                raise SettingsError(
                    f"device {device!r}: this machine has {torch.cuda.device_count()} CUDA devices"
                )
        self._directory = directory
        self._device = device
        self._default = default_model
        self._models: dict[str, ServedModel] = {}
        self._refused: list[Refusal] = []

    @property
    def models(self) -> Mapping[str, ServedModel]:
        """The models served, by name."""
        return self._models

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """The checkpoints that are not served."""
        return tuple(self._refused)

    @property
    def default(self) -> str | None:
        """Name of the model that answers a request that names none, if one does."""
        if self._default is not None:
            return self._default
        return next(iter(self._models)) if len(self._models) == 1 else None

    def load(self) -> None:
        """Loads every model of the directory; takes a while, and never raises for a checkpoint."""
        self._models, self._refused = {}, []
        try:
            entries = sorted(path for path in self._directory.iterdir() if path.is_dir())
        except OSError as error:
            log.error("no models: cannot read %s: %s", self._directory, error.strerror)
            return
        for path in entries:
            if not path.name.startswith((".", "__")):
                self._load_newest(path)
        if not self._models:
            log.warning("no model in %s can be served", self._directory)
        elif self._default is not None and self._default not in self._models:
            log.warning("the default model %r is not among those served", self._default)

    def _load_newest(self, path: Path) -> None:
        numbers = versions(path)
        if not numbers:
            self._refuse(path.name, None, "it holds no version: no directory named 1, 2, ...")
        for version in reversed(numbers):
            try:
                model = self._read(path, version)
            except CheckpointError as error:
                self._refuse(path.name, version, self._within(str(error)))
            except Exception as error:
                # Whatever a file of somebody else's contains, the other models are served.
                log.exception("checkpoint %s/%s cannot be loaded", path.name, version)
                self._refuse(path.name, version, f"it cannot be loaded: {type(error).__name__}")
            else:
                self._models[path.name] = model
                log.info("serving %s version %s", path.name, version)
                return

    def _read(self, path: Path, version: str) -> ServedModel:
        estimator = DensityEstimator.load(path / version, device=self._device)
        return ServedModel(
            key=ModelKey(path.name, version),
            schema=estimator.schema,
            density=estimator.density,
            metrics=estimator.metrics,
            card=estimator.card,
        )

    def _within(self, reason: str) -> str:
        """A reason without the path to the directory, which is nobody else's business."""
        return reason.replace(f"{self._directory}{os.sep}", "")

    def _refuse(self, name: str, version: str | None, reason: str) -> None:
        log.error("refusing %s version %s: %s", name, version or "none", reason)
        self._refused.append(Refusal(name, version, reason))

    def resolve(self, name: str | None) -> ServedModel:
        """The model that a request means.

        Args:
            name: What the request calls it; None where it names none.

        Raises:
            InvalidInputError: No name is given and no model is the default.
            UnknownModelError: No model of this name is served.
            UnavailableError: No model is served at all, or the default one is not.
        """
        if not self._models:
            raise UnavailableError("No model is served. See GET /models for what was refused.")
        if name is None:
            if self.default is None:
                names = ", ".join(map(repr, self._models))
                raise InvalidInputError(f"`model` is missing; name one of {names}.")
            if self.default not in self._models:
                raise UnavailableError(f"The default model, {self.default!r}, is not served.")
            name = self.default
        if name not in self._models:
            raise UnknownModelError(name, list(self._models))
        return self._models[name]

    def density(self, key: ModelKey) -> Density:
        """What computes the jobs of a model.

        Raises:
            UnknownModelError: This version is not served.
        """
        model = self._models.get(key.name)
        if model is None or model.key != key:
            raise UnknownModelError(key.name, list(self._models))
        return model.density
