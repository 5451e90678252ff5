"""The processes of a service, as the system lists them."""

from collections.abc import Iterable
from pathlib import Path

from tests.waiting import wait_until

__all__ = ["alive", "assert_all_end", "command_line", "descendants"]


def descendants(pid: int) -> set[int]:
    """Return the processes that a process has started, and those that they have."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def command_line(pid: int) -> str:
    """Return the command of a process; empty if there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def assert_all_end(pids: Iterable[int]) -> None:
    """Wait until none of some processes runs any more."""
    started = set(pids)
    wait_until(
        lambda: not any(map(alive, started)),
        lambda: {pid: command_line(pid) for pid in started if alive(pid)},
        0.05,
    )
