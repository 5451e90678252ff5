"""Compiled functions, and the folder of their machine code.

Compiling takes seconds, so it is done once: the code is kept on disk, in a folder whose name is
a digest of every source that goes into it. (Numba's own check sees the file of the outermost
function alone.) A package that cannot be written to, as in a container, keeps it in the user's
cache or in a temporary folder, which starts with what the package came with.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

__all__ = ["compiled", "inlined", "machine_code_folder", "subroutine"]

# Without fastmath: arithmetic is done as it is written, so that the same row gives the same bits
# whichever loop, tile or thread it is computed in; `inference.walk.vectors` makes it fast.
# Division by zero gives infinity, as in NumPy; a check for it at every division would not.
_OPTIONS = {"nogil": True, "error_model": "numpy"}

_MODELS = Path(__file__).parent
_SOURCES = (
    Path(__file__),
    *sorted((_MODELS / "columns").rglob("*.py")),  # constants of theirs are compiled in
    *sorted((_MODELS / "inference" / "walk").glob("*.py")),
    _MODELS / "inference" / "summaries.py",
    _MODELS / "made" / "products" / "triangular.py",
)

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile a function at its first call, or read it from disk; it runs without the GIL."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(machine_code_folder())  # read by njit, here and now
    try:
        jitted = numba.njit(cache=True, **_OPTIONS)(function)
    finally:
        numba.config.CACHE_DIR = before
    return cast(_Function, jitted)


def inlined(function: _Function) -> _Function:
    """Compile a function into those that call it."""
    return cast(_Function, numba.njit(forceinline=True, **_OPTIONS)(function))


def subroutine(function: _Function) -> _Function:
    """Compile a function once, to be called by others: a large one with several callers."""
    return cast(_Function, numba.njit(**_OPTIONS)(function))


@cache
def machine_code_folder() -> Path:
    """Return the first folder for machine code that can be written to.

    Raises:
        OSError: None can be written to.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for source in _SOURCES:
        digest.update(source.read_bytes())
    name = digest.hexdigest()[:16]
    shipped = _MODELS / "inference" / "__pycache__" / "kernels" / name
    for folder in (shipped, *_elsewhere(name)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            continue
        if folder != shipped and shipped.is_dir():
            shutil.copytree(shipped, folder, dirs_exist_ok=True)
        return folder
    raise OSError("no folder for compiled code: neither the package, a cache nor /tmp is writable")


def _elsewhere(name: str) -> Iterator[Path]:
    cache_home = os.environ.get("XDG_CACHE_HOME")
    yield (Path(cache_home) if cache_home else Path("~/.cache").expanduser()) / "madeira" / name
    yield Path(tempfile.gettempdir()) / f"madeira-{os.getuid()}" / name
