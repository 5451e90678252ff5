"""How much memory large requests take together: bodies, tables and results.

Small ones are bounded by their number and are not counted, so that no large one shuts them out.
A request takes memory as its need becomes known: while its body comes in, and before its table is
expanded to one number a cell.
"""

import threading
from typing import Self

from madeira.app.errors import InvalidInputError, QueueFullError

__all__ = ["SMALL_BYTES", "MemoryLimit", "RequestMemory"]

SMALL_BYTES = 64 * 2**10
"""Requests that take no more are not counted."""

MEDIUM_BYTES = 2**20
LARGE_SHARE = 0.75
"""Requests that take more than `MEDIUM_BYTES` leave a part of the limit to others."""

REQUEST_SHARE = 0.5
"""One request may take so much of the limit."""

RETRY_AFTER_S = 1
MIB = 2**20


class MemoryLimit:
    """Memory of the requests of an API process; threads may use it.

    Args:
        limit_bytes: Most that large requests may take together.

    Attributes:
        taken: What they take.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self.taken = 0

    def request(self) -> "RequestMemory":
        """Return the part of one request, which is given back when its context is left."""
        return RequestMemory(self)

    def take(self, size_bytes: int, before: int) -> None:
        """Reserve more memory for a request.

        Args:
            size_bytes: How much more.
            before: How much it has.

        Raises:
            InvalidInputError: One request may not take so much.
            QueueFullError: Other requests take it at present.
        """
        wanted = before + size_bytes
        most = REQUEST_SHARE * self._limit
        if wanted > most:
            raise InvalidInputError(
                f"The request needs about {wanted / MIB:.0f} MiB of memory, over the limit of "
                f"{most / MIB:.0f} MiB for one; send several requests."
            )
        room = self._limit if wanted <= MEDIUM_BYTES else LARGE_SHARE * self._limit
        with self._lock:
            if self.taken + size_bytes > room:
                raise QueueFullError(RETRY_AFTER_S, "Other large requests take the memory there is")
            self.taken += size_bytes

    def give_back(self, size_bytes: int) -> None:
        """Count what a request no longer needs."""
        with self._lock:
            self.taken -= size_bytes


class RequestMemory:
    """What one request takes of the limit.

    Args:
        limit: The limit of all requests.
    """

    __slots__ = ("_limit", "_taken")

    def __init__(self, limit: MemoryLimit) -> None:
        self._limit = limit
        self._taken = 0

    def take(self, size_bytes: int) -> None:
        """Take more, once it is not small any more.

        Raises:
            InvalidInputError: One request may not take so much.
            QueueFullError: Other requests take it at present.
        """
        if self._taken + size_bytes > SMALL_BYTES:
            self._limit.take(size_bytes, self._taken)
            self._taken += size_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._taken:
            self._limit.give_back(self._taken)
            self._taken = 0
