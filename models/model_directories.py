"""Directories of models: the user's own and the bundled one, or those of a setting.

A search path is written like `PATH`, with colons between directories (semicolons on Windows).
Models are searched in all of them, in this order; new ones are saved in the first.
"""

import os
import sys
from itertools import islice
from pathlib import Path

from madeira.models.echo import did_you_mean, listed, quoted
from madeira.models.errors import CheckpointError
from madeira.models.version_numbers import versions

__all__ = [
    "bundled_directory",
    "checkpoint_path",
    "default_search_path",
    "directories_of",
    "find_checkpoint",
    "model_names",
    "own_directory",
]

_CONFIG = "config.json"

MAX_ENTRIES = 10_000
"""Maximum number of entries of a directory that are read."""


def own_directory() -> Path:
    """Return the directory for trained models: `madeira/models` in the user's data folder (XDG)."""
    if sys.platform == "win32":
        data = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    try:
        return Path(data).expanduser() / "madeira" / "models"
    except RuntimeError:  # a user without a home
        return Path("madeira-models")


def bundled_directory() -> Path:
    """Return the directory of the bundled models: in the package, or in its checkout."""
    package = Path(__file__).resolve().parent
    packaged = package / "bundled"
    return packaged if packaged.is_dir() else package.parent / "checkpoints"


def default_search_path() -> Path:
    """Return the user's own directory and the bundled one, as a search path."""
    return Path(os.pathsep.join(map(str, (own_directory(), bundled_directory()))))


def directories_of(search_path: Path) -> tuple[Path, ...]:
    """Return the directories of a search path: at least one, without duplicates."""
    parts = [part for part in str(search_path).split(os.pathsep) if part]
    return tuple(dict.fromkeys(map(Path, parts))) or (search_path,)


def model_names(directory: Path) -> list[str]:
    """Return the names of the models in a directory, sorted; none if it does not exist."""
    try:
        with os.scandir(directory) as entries:
            some = islice(entries, MAX_ENTRIES)
            return sorted(
                one.name for one in some if not one.name.startswith((".", "__")) and one.is_dir()
            )
    except OSError:
        return []


def checkpoint_path(search_path: Path, name: str, version: str) -> Path:
    """Return the directory of a version.

    Args:
        search_path: Directories of models.
        name: Name of the model.
        version: Its version.

    Returns:
        The first that exists; else its place in the first directory.
    """
    places = [directory / name / version for directory in directories_of(search_path)]
    return next((place for place in places if place.is_dir()), places[0])


def find_checkpoint(
    model: str | Path, version: str | None = None, search_path: Path | None = None
) -> Path:
    """Return the directory of a checkpoint.

    Args:
        model: A name, such as `penguins`; or a path: of one version, or of a model with some. A
            text without a slash is a name, unless a directory of that name is a checkpoint.
        version: Of the model; the latest by default.
        search_path: Directories in which names are looked up; those of the user and of the
            bundled models by default.

    Raises:
        CheckpointError: There is no such model or version; the message lists those that exist.
    """
    path = Path(model).expanduser()
    if (path / _CONFIG).is_file():
        return path
    if not isinstance(model, Path) and path.name == model and not versions(path):
        path = _place_of(model, default_search_path() if search_path is None else search_path)
    found = versions(path)
    if version is not None and version not in found:
        known = ", ".join(found) or "none"
        raise CheckpointError(f"there is no version {quoted(version)}; there are: {known}", path)
    if not found:
        # The reader of checkpoints says what is wrong with it.
        return path
    return path / (version or found[-1])


def _place_of(name: str, search_path: Path) -> Path:
    """Return the first directory of a model of this name.

    Raises:
        CheckpointError: There is none.
    """
    directories = directories_of(search_path)
    for directory in directories:
        if versions(directory / name):
            return directory / name
    if not any(directory.is_dir() for directory in directories):
        raise CheckpointError(f"{search_path} is not a directory")
    known = sorted(
        {
            one
            for directory in directories
            for one in model_names(directory)
            if versions(directory / one)
        }
    )
    raise CheckpointError(
        f"no model is called {quoted(name)}.{did_you_mean(name, known)} "
        f"There are: {listed(known) or 'none'}"
    )
