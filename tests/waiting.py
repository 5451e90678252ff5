"""Waiting for what must happen, and failing long before the run would be ended."""

import time
from collections.abc import Callable

__all__ = ["LIMIT_S", "steady", "wait_until"]

LIMIT_S = 150
"""Seconds that anything may take on a busy machine."""


def wait_until(
    condition: Callable[[], object],
    why: Callable[[], object] = lambda: "it never happened",
    pause_s: float = 0.01,
) -> None:
    """Wait until a condition holds.

    Args:
        condition: Asked again and again.
        why: Says what the test fails with.
        pause_s: Seconds between two checks.
    """
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, why()
        time.sleep(pause_s)


def steady(value: Callable[[], int], pause_s: float) -> int:
    """Wait until a number is the same twice in a row, and return it.

    Args:
        value: The number.
        pause_s: Seconds between two looks.
    """
    seen = [-1]

    def same() -> bool:
        seen.append(value())
        return seen[-1] == seen[-2]

    wait_until(same, pause_s=pause_s)
    return seen[-1]
