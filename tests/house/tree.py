"""The files of the project: what git tracks, and what is new and not ignored."""

import subprocess
from functools import cache
from pathlib import Path

import pytest

__all__ = ["PACKAGES", "ROOT", "module_name", "module_names", "modules", "project_files", "text_of"]

ROOT = Path(__file__).resolve().parents[2]

PACKAGES = ("madeira", "models", "app")
"""Folders of what is installed."""


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


def modules(*rooms: str) -> list[Path]:
    """List the modules of some folders of the root.

    Args:
        rooms: Names of the folders; those of `PACKAGES` by default.
    """
    wanted = rooms or PACKAGES
    return [path for path in project_files() if path.parts[0] in wanted and path.suffix == ".py"]


def module_name(path: Path) -> str:
    """Return the name by which a module of `PACKAGES` is imported."""
    parts = path.with_suffix("").parts
    name = ".".join(parts if parts[0] == "madeira" else ("madeira", *parts))
    return name.removesuffix(".__init__")


def module_names(*rooms: str) -> list[str]:
    """List the names by which the modules of some folders are imported, without `__main__`.

    Args:
        rooms: Names of the folders; those of `PACKAGES` by default.
    """
    return [module_name(path) for path in modules(*rooms) if path.stem != "__main__"]
