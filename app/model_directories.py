"""Directories of models: the user's own and the bundled one, or those of a setting.

A search path is written like `PATH`, with colons between directories (semicolons on Windows).
Models are searched in all of them, in this order; new ones are saved in the first.
"""

import os
import sys
from itertools import islice
from pathlib import Path

__all__ = [
    "bundled_directory",
    "checkpoint_path",
    "default_search_path",
    "directories_of",
    "model_names",
    "own_directory",
]

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
