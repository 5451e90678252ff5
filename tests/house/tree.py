"""The files of the project: what git tracks, and what is new and not ignored."""

import subprocess
from functools import cache
from pathlib import Path

import pytest

__all__ = ["ROOT", "project_files", "text_of"]

ROOT = Path(__file__).resolve().parents[2]


@cache
def project_files() -> tuple[Path, ...]:
    """List every file of the working tree, relative to its root, sorted.

    Returns:
        Paths that exist; what git ignores is left out.
    """
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip(f"not a git checkout: {listing.stderr.strip()}", allow_module_level=True)
    names = sorted(set(listing.stdout.split("\0")) - {""})
    return tuple(Path(name) for name in names if (ROOT / name).is_file())


def text_of(path: Path) -> str | None:
    """Read a file of the project; None where it is not text."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
