"""The directory of checkpoints: which models and versions there are, and reading one."""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from madeira.app.jobs import Array, ModelKey
from madeira.app.model_directories import checkpoint_path, directories_of
from madeira.models.checkpoint import MAX_ENTRIES, read_description, versions
from madeira.models.columns.schema import Schema
from madeira.models.echo import escaped
from madeira.models.errors import MAX_REASON, CheckpointError

__all__ = ["ModelStore", "Refusal", "ServedModel"]

log = logging.getLogger(__name__)

REFERENCE_ROWS = 1000

MAX_MODELS, MAX_NAME, MAX_TRIED, MAX_DESCRIPTION = 1000, 100, 16, 1000
"""Models of a directory, characters of a name, versions of a model that are tried, the highest
first, and characters of a description in the list of models."""

_ODD_NAME = f"its name must have at most {MAX_NAME} characters, all of them printable"


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ServedModel:
    """One version of a model, as far as requests need it; what computes is in the workers.

    Attributes:
        key: Its name and version.
        schema: Its columns.
        noise_width: Uniforms that one drawn row takes.
        metrics: Where, on what and how well it was trained.
        card: Its model card, Markdown.
        reference: Rows drawn from the model itself, encoded, `(rows, D)`.
        size_bytes: Of its weights.
    """

    key: ModelKey
    schema: Schema
    noise_width: int
    metrics: Mapping[str, Any]
    card: str
    reference: Array
    size_bytes: int

    @property
    def description(self) -> str:
        """The first paragraph of the card, cut where it is long."""
        paragraphs = (part.strip() for part in self.card.split("\n\n"))
        first = (part for part in paragraphs if part and not part.startswith(("#", "|", "!", "-")))
        text = " ".join(next(first, "").split())
        return text if len(text) <= MAX_DESCRIPTION else f"{text[: MAX_DESCRIPTION - 3]}..."


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


class ModelStore:
    """Reads `<name>/<version>/`, and remembers what cannot be read until its files change.

    Args:
        search_path: The directories of the checkpoints; see `madeira.app.model_directories`. A
            model of one of them comes before any of the same name in those behind it.
        pins: The only version to be served, by name of model.
        failed: Told which version cannot be served, and why, once for each try.
    """

    def __init__(
        self,
        search_path: Path,
        pins: Mapping[str, str],
        failed: Callable[[ModelKey, str], object] | None = None,
    ) -> None:
        self._search_path, self._directories = search_path, directories_of(search_path)
        self._told: set[str] = set()
        self._pins = pins
        self._failed = failed
        self._broken: dict[ModelKey, tuple[object, str]] = {}

    def names(self) -> tuple[list[str], list[Refusal]]:
        """Names of the models there are, and the directories whose name cannot be one.

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
            except FileNotFoundError as error:  # nobody has trained a model yet
                missing.append(error)
        if len(missing) == len(self._directories):
            raise missing[0]
        self._tell_hidden({name: places for name, places in found.items() if len(places) > 1})
        names = [name for name in sorted(found) if len(name) <= MAX_NAME and name.isprintable()]
        odd = sorted(set(found).difference(names))
        refused = [Refusal(escaped(name, MAX_NAME), None, _ODD_NAME) for name in odd[:MAX_TRIED]]
        if len(names) > MAX_MODELS:
            more = f"{len(names) - MAX_MODELS} more models are not looked at"
            refused.append(Refusal(names[MAX_MODELS], None, more))
        return names[:MAX_MODELS], refused

    def candidates(self, name: str) -> list[str]:
        """Versions of a model that may be served, the one to be preferred first."""
        numbers = (versions(directory / name)[::-1] for directory in self._directories)
        found = list(dict.fromkeys(chain.from_iterable(numbers)))
        pin = self._pins.get(name)
        if pin is None:
            return found[:MAX_TRIED]
        return [version for version in found if version == pin]

    def path(self, name: str, version: str) -> Path:
        """Where a version is."""
        return checkpoint_path(self._search_path, name, version)

    def _tell_hidden(self, several: Mapping[str, Sequence[Path]]) -> None:
        """Says once which models are served in the place of others of the same name."""
        for name in sorted(set(several).difference(self._told)):
            first, *others = several[name]
            where = " and ".join(map(str, others))
            log.info("%s of %s is served in the place of the one in %s", name, first, where)
        self._told = set(several)

    def soonest_first(self, names: Iterable[str], default: str | None) -> list[str]:
        """Models in the order in which they are loaded: the default one, then the smallest."""

        def order(name: str) -> tuple[bool, int, str]:
            sizes = [self._size(ModelKey(name, one)) for one in self.candidates(name)[:1]]
            return name != default, sum(sizes), name

        return sorted(names, key=order)

    def _size(self, key: ModelKey) -> int:
        """Bytes of the files of a version; 0 where they cannot be looked at."""
        try:
            with os.scandir(self.path(key.name, key.version)) as entries:
                some = islice(entries, MAX_ENTRIES)
                return sum(entry.stat(follow_symlinks=False).st_size for entry in some)
        except OSError:
            return 0

    def missing(self, name: str) -> Refusal:
        """Why a model without candidates is not served."""
        pin = self._pins.get(name)
        if pin is not None:
            return Refusal(name, pin, "it is pinned, and is not there")
        return Refusal(name, None, "it holds no version: no directory named 1, 2, ...")

    def read(self, name: str, version: str) -> ServedModel | Refusal:
        """Reads what one version says of itself; takes a while, and never raises."""
        key = ModelKey(name, version)
        known = self._broken.get(key)
        if known is not None and known[0] == self._fingerprint(key):
            return Refusal(name, version, known[1])
        try:
            found = read_description(self.path(name, version))
        except CheckpointError as error:
            return self.refuse(key, error.reason)
        if not len(found.reference):
            return self.refuse(key, "model.safetensors holds no reference rows")
        return ServedModel(
            key=key,
            schema=found.schema,
            noise_width=1 + sum(column.noise for column in found.schema.columns),
            metrics=found.metrics,
            card=found.card,
            reference=found.reference[:REFERENCE_ROWS],
            size_bytes=found.size_bytes,
        )

    def refuse(self, key: ModelKey, reason: str) -> Refusal:
        """Does not serve a version until its files change."""
        reason = escaped(reason, MAX_REASON)
        self._broken[key] = (self._fingerprint(key), reason)
        log.error("refusing %s version %s: %s", key.name, key.version, reason)
        if self._failed is not None:
            self._failed(key, reason)
        return Refusal(key.name, key.version, reason)

    def forgive(self, name: str) -> None:
        """Has versions of a model tried again that could not be read."""
        for key in [key for key in self._broken if key.name == name]:
            del self._broken[key]

    def _fingerprint(self, key: ModelKey) -> object:
        """Changes when a file of a checkpoint does."""
        try:
            with os.scandir(self.path(key.name, key.version)) as entries:
                some = islice(entries, MAX_ENTRIES)
                stats = [(entry.name, entry.stat(follow_symlinks=False)) for entry in some]
        except OSError as error:
            return error.errno
        return sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
