"""The checkpoint repository: the models and versions on disk, and the description of one."""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from madeira.app.jobs import ModelKey
from madeira.models.checkpoint import read_description, versions
from madeira.models.echo import escaped
from madeira.models.errors import MAX_REASON, CheckpointError
from madeira.models.model_directories import MAX_ENTRIES, checkpoint_path, directories_of
from madeira.models.schema.schema import Schema

__all__ = ["CheckpointRepository", "Rejection", "ServedModel"]

log = logging.getLogger(__name__)

MAX_MODELS, MAX_NAME, MAX_TRIED, MAX_DESCRIPTION = 1000, 100, 16, 1000
"""Most models of a directory, characters of a name, versions of a model that are tried (the highest
first), and characters of a description in the list of models."""

_ODD_NAME = f"its name must have at most {MAX_NAME} characters, all of them printable"


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ServedModel:
    """One version of a model, as far as requests need it; the density is in the workers.

    Attributes:
        key: Name and version.
        schema: Columns.
        noise_width: Number of uniforms that one drawn row takes.
        joint_noise_width: The same of a row that is drawn with its nulls.
        metrics: Facts and figures of its training.
        card: Model card, Markdown.
        size_bytes: Size of its weights.
    """

    key: ModelKey
    schema: Schema
    noise_width: int
    joint_noise_width: int
    metrics: Mapping[str, Any]
    card: str
    size_bytes: int

    @property
    def description(self) -> str:
        """The first paragraph of the card, cut where it is long."""
        paragraphs = (part.strip() for part in self.card.split("\n\n"))
        first = (part for part in paragraphs if part and not part.startswith(("#", "|", "!", "-")))
        text = " ".join(next(first, "").split())
        return text if len(text) <= MAX_DESCRIPTION else f"{text[: MAX_DESCRIPTION - 3]}..."


@dataclass(frozen=True, slots=True)
class Rejection:
    """A checkpoint that is not served.

    Attributes:
        name: Name of the model.
        version: Version of the checkpoint; None if the model has no version at all.
        reason: Why it is not served.
    """

    name: str
    version: str | None
    reason: str


class CheckpointRepository:
    """Reads `<name>/<version>/`, and remembers rejected versions until their files change.

    Args:
        search_path: The directories of the checkpoints; see `madeira.models.model_directories`. A
            model of one of them comes before any of the same name in those behind it.
        pins: The only version to be served, by name of model.
        failed: Called with each version that is rejected, and the reason.
    """

    def __init__(
        self,
        search_path: Path,
        pins: Mapping[str, str],
        failed: Callable[[ModelKey, str], object] | None = None,
    ) -> None:
        self._search_path, self._directories = search_path, directories_of(search_path)
        self._announced: set[str] = set()
        self._pins = pins
        self._failed = failed
        self._broken: dict[ModelKey, tuple[object, str]] = {}

    def names(self) -> tuple[list[str], list[Rejection]]:
        """Return the names of all models, and the directories whose name cannot be one.

        Raises:
            OSError: The directory cannot be read.
        """
        found: dict[str, list[Path]] = {}
        missing = []
        for directory in self._directories:
            try:
                with os.scandir(directory) as entries:
                    for one in islice(entries, MAX_ENTRIES):
                        if not one.name.startswith((".", "__")) and one.is_dir():
                            found.setdefault(one.name, []).append(directory)
            except FileNotFoundError as error:  # no model was trained yet
                missing.append(error)
        if len(missing) == len(self._directories):
            raise missing[0]
        self._announce_hidden({name: places for name, places in found.items() if len(places) > 1})
        names = [name for name in sorted(found) if len(name) <= MAX_NAME and name.isprintable()]
        odd = sorted(set(found).difference(names))
        refused = [Rejection(escaped(name, MAX_NAME), None, _ODD_NAME) for name in odd[:MAX_TRIED]]
        if len(names) > MAX_MODELS:
            more = f"{len(names) - MAX_MODELS} more models are not looked at"
            refused.append(Rejection(names[MAX_MODELS], None, more))
        return names[:MAX_MODELS], refused

    def candidates(self, name: str) -> list[str]:
        """Return the versions of a model that may be served, the best first."""
        numbers = (versions(directory / name)[::-1] for directory in self._directories)
        found = list(dict.fromkeys(chain.from_iterable(numbers)))
        pin = self._pins.get(name)
        if pin is None:
            return found[:MAX_TRIED]
        return [version for version in found if version == pin]

    def path(self, name: str, version: str) -> Path:
        """Return the directory of a version."""
        return checkpoint_path(self._search_path, name, version)

    def _announce_hidden(self, several: Mapping[str, Sequence[Path]]) -> None:
        """Log once which models are served in the place of others of the same name."""
        for name in sorted(set(several).difference(self._announced)):
            first, *others = several[name]
            where = " and ".join(map(str, others))
            log.info("%s of %s is served in the place of the one in %s", name, first, where)
        self._announced = set(several)

    def soonest_first(self, names: Iterable[str], default: str | None) -> list[str]:
        """Sort models into the order of loading: the default one, then the smallest.

        Args:
            names: The models.
            default: Name of the default model.
        """

        def order(name: str) -> tuple[bool, int, str]:
            sizes = [self._size(ModelKey(name, one)) for one in self.candidates(name)[:1]]
            return name != default, sum(sizes), name

        return sorted(names, key=order)

    def _size(self, key: ModelKey) -> int:
        """Size of the files of a version in bytes; 0 if they cannot be read."""
        try:
            with os.scandir(self.path(key.name, key.version)) as entries:
                some = islice(entries, MAX_ENTRIES)
                return sum(entry.stat(follow_symlinks=False).st_size for entry in some)
        except OSError:
            return 0

    def missing(self, name: str) -> Rejection:
        """Return why a model without candidates is not served."""
        pin = self._pins.get(name)
        if pin is not None:
            return Rejection(name, pin, "it is pinned, and is not there")
        return Rejection(name, None, "it holds no version: no directory named 1, 2, ...")

    def read(self, name: str, version: str) -> ServedModel | Rejection:
        """Read the description of a version; takes a while, and never raises.

        Args:
            name: Name of the model.
            version: Its version.
        """
        key = ModelKey(name, version)
        known = self._broken.get(key)
        if known is not None and known[0] == self._fingerprint(key):
            return Rejection(name, version, known[1])
        try:
            found = read_description(self.path(name, version))
        except CheckpointError as error:
            return self.reject(key, error.reason)
        return ServedModel(
            key=key,
            schema=found.schema,
            noise_width=1 + sum(column.noise for column in found.schema.columns),
            joint_noise_width=1 + sum(column.noise for column in found.schema.variables),
            metrics=found.metrics,
            card=found.card,
            size_bytes=found.size_bytes,
        )

    def reject(self, key: ModelKey, reason: str) -> Rejection:
        """Reject a version until its files change.

        Args:
            key: The version.
            reason: Why; shown to users.
        """
        reason = escaped(reason, MAX_REASON)
        self._broken[key] = (self._fingerprint(key), reason)
        log.error("refusing %s version %s: %s", key.name, key.version, reason)
        if self._failed is not None:
            self._failed(key, reason)
        return Rejection(key.name, key.version, reason)

    def retry(self, name: str) -> None:
        """Forget that versions of a model were rejected, so that they are tried again."""
        for key in [key for key in self._broken if key.name == name]:
            del self._broken[key]

    def _fingerprint(self, key: ModelKey) -> object:
        """Return a value that changes when a file of the checkpoint does."""
        try:
            with os.scandir(self.path(key.name, key.version)) as entries:
                some = islice(entries, MAX_ENTRIES)
                stats = [(entry.name, entry.stat(follow_symlinks=False)) for entry in some]
        except OSError as error:
            return error.errno
        return sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
