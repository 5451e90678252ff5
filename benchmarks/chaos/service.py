"""The service as processes of its own."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["CHECKPOINTS", "Running", "serving"]

CHECKPOINTS = Path("checkpoints")
STARTED = b"Madeira has started\n"
START_LIMIT_S = 300.0
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MIB = 2**20


class Running:
    """The service as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process, self.url = process, url

    def descendants(self, named: str = "") -> list[int]:
        """Return processes of the service, those whose command line holds a word."""
        parents = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
        found = {self.process.pid}
        while more := {child for child, parent in parents.items() if parent in found} - found:
            found |= more
        return [pid for pid in sorted(found) if named in _command_line(pid)]

    def memory_mib(self) -> float:
        """Resident memory of all its processes."""
        pages = 0
        for pid in self.descendants():
            try:
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except OSError:
                continue
        return pages * PAGE_BYTES / MIB


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@asynccontextmanager
async def serving(
    *flags: str, checkpoints: Path = CHECKPOINTS, descriptors: int | None = None
) -> AsyncIterator[Running]:
    """Start the service on a directory of models, and stop it at the end.

    Args:
        flags: Of `madeira serve`.
        checkpoints: The directory.
        descriptors: Most files that a process of it may have open; None for as many as here.

    Raises:
        SystemExit: The service does not start.
    """
    command = [
        sys.executable,
        "-m",
        "madeira",
        "serve",
        "--port",
        "0",
    ]
    command += ["--checkpoints", str(checkpoints), "--log-level", "critical", *flags]
    if descriptors is not None:
        command = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *command]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            async with asyncio.timeout(START_LIMIT_S):
                said = (await process.stdout.readuntil(STARTED)).decode()
        except asyncio.IncompleteReadError:
            raise SystemExit("the service did not start") from None
        address = re.search(r"http://\S+", said)
        assert address is not None  # noqa: S101 - it stands before
        yield Running(process, address.group())
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()
