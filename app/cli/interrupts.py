"""Ctrl-C and SIGTERM during a training: it ends early, and the best model is saved."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from madeira.app.processes.signals import ABORTED

__all__ = ["Interrupts"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Context that handles SIGINT and SIGTERM, and restores the former handlers at its end.

    ```
    with Interrupts() as interrupts:
        with interrupts.stopping():
            ...  # the first Ctrl-C raises KeyboardInterrupt here, the second aborts
            interrupts.finish()
            ...  # the model is completed: the first Ctrl-C from here on only prints a warning
        ...  # and saved
    ```
    An abort raises `SystemExit`, and prints `lost` if the training has ended.

    Args:
        lost: Message about an abort after the training: the loss, and how to continue.
    """

    def __init__(self, lost: str = "The model is lost; the same command trains it again.") -> None:
        self._lost = lost
        self._received = 0
        self._may_stop = False
        self._finishing = False

    def __enter__(self) -> Self:
        self._former: dict[int, Any] = {
            number: signal.signal(number, self._receive) for number in _SIGNALS
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Raise `KeyboardInterrupt` in this context at the first Ctrl-C.

        Raises:
            KeyboardInterrupt: Ctrl-C came, possibly before this context began.
        """
        self._may_stop = True
        try:
            if self._received:
                raise KeyboardInterrupt
            yield
        finally:
            self._may_stop = False

    def finish(self) -> None:
        """Mark the end of the training: from here on, an abort takes two more Ctrl-C."""
        if not self._finishing:
            self._finishing, self._received = True, 0

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self._received += 1
        if self._received > 1:
            _say(f"Aborted. {self._lost}" if self._finishing else "Aborted.")
            raise SystemExit(ABORTED)
        if self._finishing:
            _say(
                "Training has ended; the model is being saved, which takes seconds. "
                "Ctrl-C again aborts and loses it."
            )
            return
        _say("Stopping; the best model so far will be saved. Ctrl-C again aborts.")
        if self._may_stop:
            raise KeyboardInterrupt


def _say(text: str) -> None:
    # os.write: a signal handler must not enter a print that it has interrupted.
    os.write(2, f"\n{text}\n".encode())
