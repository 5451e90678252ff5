"""Versions of a model: the directories in `checkpoints/<name>` that have a number for a name."""

import os
import re
from itertools import islice
from pathlib import Path

__all__ = ["MAX_ENTRIES", "next_version", "versions"]

MAX_ENTRIES = 10_000
"""Most entries of a directory that are looked at."""

_VERSION = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


def versions(directory: str | Path) -> list[str]:
    """Versions of the model in `checkpoints/<name>`, oldest first; other entries are ignored.

    A version is a directory whose name is a whole number of at most nine digits, without leading
    zeros. Of more than `MAX_ENTRIES` entries the rest is not looked at.
    """
    try:
        with os.scandir(directory) as entries:
            some = islice(entries, MAX_ENTRIES)
            found = [one.name for one in some if _VERSION.fullmatch(one.name) and one.is_dir()]
    except OSError:
        return []
    return sorted(found, key=int)


def next_version(*directories: str | Path) -> str:
    """Return the version after the latest in any `checkpoints/<name>`: "1" where there is none."""
    found = [int(version) for directory in directories for version in versions(directory)]
    return str(max(found, default=0) + 1)
