"""What a run of the command leaves, for the tests to look at."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Madeira", "Outcome"]


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit status and what it wrote."""

    status: int
    out: str
    err: str


Madeira = Callable[..., Outcome]
