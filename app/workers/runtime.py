"""The runtime directory: where the workers are found, and what their supervisor knows of them."""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = [
    "State",
    "journal_path",
    "private_directory",
    "read_state",
    "remove_abandoned",
    "socket_path",
    "write_state",
]

_STATE = "supervisor.json"
_LOCK = "lock"
_PREFIX = "madeira-"

LONGEST_PATH = 80
"""The path of a Unix socket may have about a hundred characters."""


@dataclass(frozen=True, slots=True)
class State:
    """What a supervisor knows of its workers.

    Attributes:
        owner: Number of the process it runs in.
        restarts: How many workers have been replaced.
        pids: The process of each place; None while it is empty.
        failures: How many times in a row each place has lost its worker soon after its start.
    """

    owner: int
    restarts: int
    pids: tuple[int | None, ...]
    failures: tuple[int, ...]


def private_directory() -> tuple[Path, int]:
    """A new directory for this user alone, with a path short enough for a socket.

    Returns:
        The directory, and a descriptor that holds its lock as long as it is open.
    """
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
    if len(str(directory)) > LONGEST_PATH:
        directory.rmdir()
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp"))
    lock = os.open(directory / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return directory, lock


def remove_abandoned() -> None:
    """Removes directories whose owners were killed: nobody holds their locks."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError):
            descriptor = os.open(lock, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent)
            finally:
                os.close(descriptor)


def socket_path(directory: Path, number: int) -> Path:
    """Where the worker of a place listens."""
    return directory / f"{number}.sock"


def journal_path(directory: Path, number: int, generation: int) -> Path:
    """Where a worker writes what it does; of each process its own."""
    return directory / f"{number}-{generation}.journal"


def write_state(directory: Path, state: State) -> None:
    """Writes down what is known, whole or not at all."""
    fresh = directory / f"{_STATE}.new"
    fresh.write_text(json.dumps(asdict(state)), encoding="utf-8")
    os.replace(fresh, directory / _STATE)


def read_state(directory: Path) -> State | None:
    """What the supervisor wrote down last; None where it has not yet, or is gone."""
    try:
        found = json.loads((directory / _STATE).read_text(encoding="utf-8"))
    except OSError:
        return None
    return State(found["owner"], found["restarts"], tuple(found["pids"]), tuple(found["failures"]))
