"""What a worker is doing, written where it survives the worker.

A worker that is killed cannot say what it was doing. So it writes that into a file of fixed size
before it does it, which costs as much as writing to memory, because the file is mapped; whoever
asks afterwards learns which jobs were being computed, and which merely waited behind them. As
long as the worker lives, the same file says by when it will have done what it does: a worker
that is late hangs.
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
    """Makes a heartbeat for a process that is about to begin.

    All of it is written, so that it has its space on the disk: a mapped file whose space runs out
    ends the process that writes to it.

    Args:
        path: Where; nothing is there.
        limit_s: Seconds after which the process is late if it has not written anything.

    Raises:
        OSError: There is no space, or no descriptor.
    """
    head = _HEAD.pack(time.monotonic() + limit_s, 0)
    with path.open("xb") as file:
        file.write(head + bytes(_SIZE - _HEAD.size))


class Heartbeat:
    """A process's own heartbeat.

    Args:
        path: The file, as `create_heartbeat` makes it.

    Raises:
        OSError: There is none.
    """

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)

    def beat(self, limit_s: float, frames: Sequence[int] = ()) -> None:
        """Says what is begun.

        Args:
            limit_s: Seconds it may take.
            frames: The numbers of the frames that are computed.
        """
        self._map[_HEAD.size : _HEAD.size + 8 * len(frames)] = struct.pack(
            f"<{len(frames)}Q", *frames
        )
        self._map[: _HEAD.size] = _HEAD.pack(time.monotonic() + limit_s, len(frames))


class HeartbeatReader:
    """Somebody else's heartbeat.

    Args:
        path: The file; it may be removed while it is being read.

    Raises:
        OSError: There is none.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)

    def overdue_s(self) -> float:
        """By how many seconds the worker is over its time; negative where it is not."""
        head = os.pread(self._file, _HEAD.size, 0)
        return time.monotonic() - _HEAD.unpack(head)[0] if len(head) == _HEAD.size else 0.0

    def frames(self) -> frozenset[int]:
        """The frames that are being computed, or were when the worker died."""
        content = os.pread(self._file, _SIZE, 0)
        if len(content) < _SIZE:
            return frozenset()
        count = min(_HEAD.unpack_from(content)[1], MAX_FRAMES)
        return frozenset(struct.unpack_from(f"<{count}Q", content, _HEAD.size))

    def close(self) -> None:
        """Ends the reading."""
        os.close(self._file)
