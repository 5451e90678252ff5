"""The models that one worker holds."""

import logging
import threading
from collections.abc import Hashable
from pathlib import Path

from madeira.app.jobs import ModelKey
from madeira.app.workers.trial import try_out
from madeira.models.checkpoint.files import explained
from madeira.models.estimator import DensityEstimator
from madeira.models.inference.density import Density, warm_up
from madeira.models.model_directories import checkpoint_path

__all__ = ["ModelCache"]

log = logging.getLogger(__name__)


class ModelCache:
    """Models by name and version, loaded on demand and tried before they answer.

    A model stays until all its owners have released it. Loading is done
    outside the lock that the jobs take, so that a model is loaded while others answer.

    Args:
        checkpoints: Directories of the models, `<name>/<version>/`; see
            `madeira.models.model_directories`.
        device: Where they compute.
        trial_limit_s: Seconds that a model may take for a few of its own rows.
    """

    def __init__(self, checkpoints: Path, device: str, trial_limit_s: float) -> None:
        self._checkpoints = checkpoints
        self._device = device
        self._trial_limit_s = trial_limit_s
        self._densities: dict[ModelKey, Density] = {}
        self._wanted: dict[ModelKey, set[Hashable]] = {}
        self._loading = threading.Lock()
        self._changing = threading.Lock()

    @property
    def held(self) -> tuple[ModelKey, ...]:
        """The models that are loaded."""
        return tuple(self._densities)

    def density(self, key: ModelKey) -> Density:
        """Return the density of a model, loaded if it is not yet.

        Raises:
            CheckpointError: It cannot be loaded, or cannot compute.
        """
        found = self._densities.get(key)
        return self._load(key) if found is None else found

    def prepare(self, key: ModelKey, owner: Hashable) -> None:
        """Load a model and hold it until its owner releases it.

        Args:
            key: The model.
            owner: Who wants it, such as a connection.

        Raises:
            CheckpointError: It cannot be loaded, or cannot compute.
        """
        self._load(key)
        with self._changing:
            self._wanted.setdefault(key, set()).add(owner)

    def release(self, owner: Hashable, key: ModelKey | None = None) -> None:
        """Forget a model unless another owner holds it.

        Args:
            owner: Who wanted it.
            key: The model; None for all that the owner wanted.
        """
        with self._changing:
            for one in [key] if key is not None else list(self._wanted):
                owners = self._wanted.get(one)
                if owners is None:
                    continue
                owners.discard(owner)
                if not owners:
                    del self._wanted[one]
                    self._densities.pop(one, None)
                    log.info("released %s version %s", one.name, one.version)

    def _load(self, key: ModelKey) -> Density:
        with self._loading:
            found = self._densities.get(key)
            if found is not None:
                return found
            path = checkpoint_path(self._checkpoints, key.name, key.version)
            estimator = DensityEstimator.load(path, device=self._device)
            density = estimator.density
            with explained(path):
                warm_up(density)
                try_out(key, estimator.schema, density, self._trial_limit_s)
            self._densities[key] = density
            log.info("loaded %s version %s", key.name, key.version)
            return density
