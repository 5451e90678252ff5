"""Files in the runtime directory: sockets, heartbeats, and the state of the supervisor."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = [
    "SupervisorState",
    "heartbeat_path",
    "read_state",
    "socket_path",
    "supervisor_heartbeat_path",
    "write_state",
]

_STATE = "supervisor.json"


@dataclass(frozen=True, slots=True)
class SupervisorState:
    """The workers, as their supervisor last wrote them.

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


def socket_path(directory: Path, number: int) -> Path:
    """Return the socket of the worker in a place."""
    return directory / f"{number}.sock"


def heartbeat_path(directory: Path, number: int, generation: int) -> Path:
    """Return the heartbeat of one process in a place."""
    return directory / f"{number}-{generation}.heartbeat"


def supervisor_heartbeat_path(directory: Path) -> Path:
    """Return the heartbeat of the supervisor."""
    return directory / "supervisor.heartbeat"


def write_state(directory: Path, state: SupervisorState) -> None:
    """Write the state, as a whole or not at all."""
    fresh = directory / f"{_STATE}.new"
    fresh.write_text(json.dumps(asdict(state)), encoding="utf-8")
    os.replace(fresh, directory / _STATE)


def read_state(directory: Path) -> SupervisorState | None:
    """Read the state; None before the supervisor has written it, or when it is gone."""
    try:
        found = json.loads((directory / _STATE).read_text(encoding="utf-8"))
    except OSError:
        return None
    return SupervisorState(
        found["owner"], found["restarts"], tuple(found["pids"]), tuple(found["failures"])
    )
