"""How much memory large requests take together: bodies, tables and results.

Small ones are bounded by their number and are not counted, so that no large one shuts them out.
What a request takes is told as it becomes known: while its body comes in, and before its table is
expanded to one number a cell.
"""

import threading

from starlette.types import Scope

from madeira.app.errors import InvalidInputError, QueueFullError

__all__ = ["SMALL_BYTES", "MemoryLimit"]

SMALL_BYTES = 64 * 2**10
"""Requests that take no more are not counted."""

MEDIUM_BYTES = 2**20
LARGE_SHARE = 0.75
"""Requests that take more than `MEDIUM_BYTES` leave a part of the limit to others."""

REQUEST_SHARE = 0.5
"""One request may take so much of the limit."""

RETRY_AFTER_S = 1
MIB = 2**20

_TAKEN = "madeira.memory"


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

    def take(self, scope: Scope, size_bytes: int) -> None:
        """Takes note of what a request needs beyond what it has already.

        Args:
            scope: The request; it keeps how much it has taken.
            size_bytes: How much more.

        Raises:
            InvalidInputError: One request may not take so much.
            QueueFullError: Other requests take it at present.
        """
        before = scope.get(_TAKEN, 0)
        wanted = before + size_bytes
        if wanted <= SMALL_BYTES:
            return
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
        scope[_TAKEN] = wanted

    def give_back(self, scope: Scope) -> None:
        """Takes note that a request is at its end."""
        size = scope.pop(_TAKEN, 0)
        if size:
            with self._lock:
                self.taken -= size
