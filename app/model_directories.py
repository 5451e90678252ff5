"""Where models are: the user's own directory and the bundled ones, or those that a setting names.

Several directories are written as the shell writes `PATH`, with colons between them (semicolons on
Windows). Models are looked for in all of them, in this order; new ones are written to the first.
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
"""Most entries of a directory that are looked at."""


def own_directory() -> Path:
    """Where models go that a user trains: `madeira/models` among the user's data (XDG)."""
    if sys.platform == "win32":
        data = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    try:
        return Path(data).expanduser() / "madeira" / "models"
    except RuntimeError:  # a user without a home
        return Path("madeira-models")


def bundled_directory() -> Path:
    """Where the models are that come with the project: in the package, or in its checkout."""
    package = Path(__file__).resolve().parent
    packaged = package / "bundled"
    return packaged if packaged.is_dir() else package.parent / "checkpoints"


def default_search_path() -> Path:
    """The user's own directory, and behind it the bundled one."""
    return Path(os.pathsep.join(map(str, (own_directory(), bundled_directory()))))


def directories_of(search_path: Path) -> tuple[Path, ...]:
    """The directories of a search path, one at least, each once."""
    parts = [part for part in str(search_path).split(os.pathsep) if part]
    return tuple(dict.fromkeys(map(Path, parts))) or (search_path,)


def model_names(directory: Path) -> list[str]:
    """Names of the models in a directory, sorted; none where there is no directory."""
    try:
        with os.scandir(directory) as entries:
            some = islice(entries, MAX_ENTRIES)
            return sorted(
                one.name for one in some if not one.name.startswith((".", "__")) and one.is_dir()
            )
    except OSError:
        return []


def checkpoint_path(search_path: Path, name: str, version: str) -> Path:
    """The directory of a version: where it is first found; in the first one where it is not."""
    places = [directory / name / version for directory in directories_of(search_path)]
    return next((place for place in places if place.is_dir()), places[0])
