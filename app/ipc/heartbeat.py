"""Heartbeats: the work and the deadline of a process, in a file that survives it.

A worker that is killed cannot say which jobs it was computing. So it writes their numbers into a
file of fixed size before each batch; the file is mapped, which makes this as cheap as a write to
memory. After a crash, the API processes read from it which jobs were being computed, and which only
waited. With the numbers stands a deadline: a worker past it hangs, and is killed.
"""

import mmap
import os
import struct
import time
from collections.abc import Sequence
from pathlib import Path

__all__ = ["MAX_FRAMES", "Heartbeat", "HeartbeatReader", "create_heartbeat"]

MAX_FRAMES = 512
"""Most frames that are computed in one batch."""

_HEAD = struct.Struct("<dQ")
_SIZE = _HEAD.size + 8 * MAX_FRAMES


def create_heartbeat(path: Path, limit_s: float) -> None:
    """Make the heartbeat file of a process that is about to start.

    The whole file is written, so that its disk space is allocated: a process that writes to a
    mapped file without space is killed.

    Args:
        path: Path of the new file.
        limit_s: Seconds until the first deadline.

    Raises:
        OSError: There is no space, or no descriptor.
    """
    head = _HEAD.pack(time.monotonic() + limit_s, 0)
    with path.open("xb") as file:
        file.write(head + bytes(_SIZE - _HEAD.size))


class Heartbeat:
    """The heartbeat of this process.

    Args:
        path: The file, as `create_heartbeat` makes it.

    Raises:
        OSError: The file is missing.
    """

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)

    def beat(self, limit_s: float, frames: Sequence[int] = ()) -> None:
        """Write the frames that are computed, and the deadline.

        Args:
            limit_s: Seconds until the deadline.
            frames: Numbers of the frames that are computed.
        """
        self._map[_HEAD.size : _HEAD.size + 8 * len(frames)] = struct.pack(
            f"<{len(frames)}Q", *frames
        )
        self._map[: _HEAD.size] = _HEAD.pack(time.monotonic() + limit_s, len(frames))


class HeartbeatReader:
    """The heartbeat of another process.

    Args:
        path: The file; it may be removed while it is being read.

    Raises:
        OSError: The file is missing.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)

    def overdue_s(self) -> float:
        """Return the seconds since the deadline; negative before it."""
        head = os.pread(self._file, _HEAD.size, 0)
        return time.monotonic() - _HEAD.unpack(head)[0] if len(head) == _HEAD.size else 0.0

    def frames(self) -> frozenset[int]:
        """Return the frames that are being computed, or were when the process died."""
        content = os.pread(self._file, _SIZE, 0)
        if len(content) < _SIZE:
            return frozenset()
        count = min(_HEAD.unpack_from(content)[1], MAX_FRAMES)
        return frozenset(struct.unpack_from(f"<{count}Q", content, _HEAD.size))

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
