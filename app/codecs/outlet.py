"""A file that is written by libraries, and from which what was written is taken piece by piece."""

import io
from typing import Any

__all__ = ["Outlet"]


class Outlet(io.RawIOBase):
    """A file that is only written to, and from which what was written is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        """Return true."""
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        """Keep data until it is taken."""
        part = bytes(data)
        self._parts.append(part)
        self._written += len(part)
        return len(part)

    def tell(self) -> int:
        """Return how much has been written."""
        return self._written

    def taken(self) -> bytes:
        """Return what has been written since it was last taken."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
