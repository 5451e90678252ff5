"""When a request is tried again, and after how long."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from madeira.app.client.wire import Headers
from madeira.app.errors import DeadlineError

__all__ = ["Attempts"]

_RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})
_FIRST_PAUSE_S: Final = 0.5
_MAX_PAUSE_S: Final = 8.0
_MAX_RETRY_AFTER_S: Final = 30.0


@dataclass
class Attempts:
    """The attempts at one request.

    Args:
        retries: Most attempts after the first.
        timeout_s: Seconds that all of them may take.
        clock: Tells the time in seconds.
        uniform: Draws a number between two.
    """

    retries: int
    timeout_s: float
    clock: Callable[[], float] = time.monotonic
    uniform: Callable[[float, float], float] = random.uniform  # noqa: S311 - no secret
    _failed: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Begin the time."""
        self._end = self.clock() + self.timeout_s

    def left_s(self) -> float:
        """Return the seconds that are left.

        Raises:
            DeadlineError: None is.
        """
        left = self._end - self.clock()
        if left <= 0:
            raise DeadlineError(self.timeout_s)
        return left

    def pause_s(self, status: int | None, headers: Headers) -> float | None:
        """Return the seconds until the next attempt; None if there is to be none.

        The pause doubles with each attempt, and a part of it is random, so that callers who failed
        together do not come back together. `Retry-After` is a lower bound, unless it asks for more
        than half a minute.

        Args:
            status: Of the answer; None if the connection failed.
            headers: Of the answer.
        """
        self._failed += 1
        if self._failed > self.retries or (status is not None and status not in _RETRIED):
            return None
        longest = min(_FIRST_PAUSE_S * 2 ** (self._failed - 1), _MAX_PAUSE_S)
        pause = self.uniform(longest / 2, longest)
        asked = headers.get("retry-after", "")
        if asked.isdecimal():
            if int(asked) > _MAX_RETRY_AFTER_S:
                return None
            pause = max(pause, float(asked))
        return pause if pause < self._end - self.clock() else None
