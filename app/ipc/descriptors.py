"""File descriptors kept in reserve, for operations that must not fail when there are no more."""

import os
from typing import Self

__all__ = ["DescriptorReserve"]


class DescriptorReserve:
    """Descriptors that are held open, and released while a block runs.

    A process that has as many files open as it may cannot open a pipe, start a process or connect a
    socket. Whoever must be able to do so keeps some descriptors back and wraps the attempt::

        with reserve:
            os.pipe()

    Another thread may take them in that moment, so that an attempt can fail all the same.

    Args:
        size: How many are kept back.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: list[int] = []
        self.refill()

    def refill(self) -> None:
        """Reserve the missing descriptors, as far as there are any."""
        while len(self._held) < self._size:
            try:
                self._held.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
            except OSError:
                return

    def close(self) -> None:
        """Release all descriptors."""
        while self._held:
            os.close(self._held.pop())

    def __enter__(self) -> Self:
        self.close()
        return self

    def __exit__(self, *_: object) -> None:
        self.refill()
