"""A request as a transport hands it over."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from madeira.app.codecs.format import Format
from madeira.app.plane.memory import RequestMemory

__all__ = ["Call"]


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One request: its content, and facts about the caller.

    Attributes:
        content: The body.
        format: The format of the body.
        answer_format: The format of the answer.
        query: Options beside the body, by name, in the order in which they were sent.
        memory: Its share of the memory for large requests.
        started_at: When it came in, by the clock of the event loop.
        deadline_s: Seconds from then that the caller allows; None for those of the service.
        disconnected: Returns when the caller is gone.
    """

    content: bytes
    format: Format
    answer_format: Format
    query: Sequence[tuple[str, str]]
    memory: RequestMemory
    started_at: float
    deadline_s: float | None
    disconnected: Callable[[], Awaitable[object]]
