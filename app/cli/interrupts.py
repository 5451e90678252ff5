"""Ctrl-C and SIGTERM during a training run: it ends early, and what was trained is saved."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["ABORTED", "Interrupts"]

ABORTED = 130  # what a shell expects of a command that Ctrl-C ended

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Handles SIGINT and SIGTERM while it is entered; the former handlers come back on leaving.

    ```
    with Interrupts() as interrupts:
        with interrupts.stopping():
            ...  # the first Ctrl-C raises KeyboardInterrupt here, the second aborts
            interrupts.finish()
            ...  # what was trained is finished: the first Ctrl-C from here on is only announced
        ...  # and saved
    ```
    What aborts raises `SystemExit`, which nobody takes for a wish to stop, and says what is lost.

    Args:
        lost: What an abort while the model is finished and saved loses, and how to go on.
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

    def finish(self) -> None:
        """Training is over: from here on it takes two more to abort."""
        if not self._finishing:
            self._finishing, self._received = True, 0

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self._received += 1
        if self._received > 1:
            _say(f"Aborted. {self._lost}" if self._finishing else "Aborted.")
            raise SystemExit(ABORTED)
        if self._finishing:
            _say(
                "Training has ended; what it came to is being saved, which takes seconds. "
                "Ctrl-C again aborts and loses it."
            )
            return
        _say("Stopping; the best so far is kept and saved. Ctrl-C again aborts.")
        if self._may_stop:
            raise KeyboardInterrupt


def _say(text: str) -> None:
    # os.write, because a print that this handler interrupts must not be entered again.
    os.write(2, f"\n{text}\n".encode())
