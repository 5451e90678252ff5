"""Ctrl-C during a training run: the first stops it and keeps its result, the second aborts."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

__all__ = ["ABORTED", "Interrupts"]

ABORTED = 130  # what a shell expects of a command that Ctrl-C ended


class Interrupts:
    """Handles SIGINT while it is entered; the former handler is put back on leaving.

    ```
    with Interrupts() as interrupts:
        with interrupts.stopping():
            ...  # the first Ctrl-C raises KeyboardInterrupt here
        ...  # a first Ctrl-C here is only announced: what is under way is soon done
    ```
    Wherever it comes, a second Ctrl-C raises `SystemExit`, which nobody takes for a wish to stop.
    """

    def __init__(self) -> None:
        self._received = 0
        self._may_stop = False

    def __enter__(self) -> Self:
        self._former = signal.signal(signal.SIGINT, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._former)

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """What runs inside is stopped by the first Ctrl-C, with `KeyboardInterrupt`.

        One that came before stops it before it begins.
        """
        self._may_stop = True
        try:
            if self._received:
                raise KeyboardInterrupt
            yield
        finally:
            self._may_stop = False

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self._received += 1
        if self._received > 1:
            raise SystemExit(ABORTED)
        # os.write, because a print that this handler interrupts must not be entered again.
        os.write(2, b"\nStopping; the best so far is kept and saved. Ctrl-C again aborts.\n")
        if self._may_stop:
            raise KeyboardInterrupt
