"""Work on the processor that would hold up the event loop is done in a thread."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, Unpack

from anyio import to_thread

from app.logs import current

__all__ = ["coded", "offload"]

INLINE_BYTES = 64 * 2**10
"""Up to here the work takes less than a few milliseconds, and a thread would cost more."""

Args = TypeVarTuple("Args")
T = TypeVar("T")


async def offload(size_bytes: int, function: Callable[[Unpack[Args]], T], *args: *Args) -> T:
    """Calls a function: here where the work is small, in a thread where it is large.

    Args:
        size_bytes: Roughly how many bytes the function reads or writes.
        function: What to call.
        args: Its arguments.
    """
    if size_bytes <= INLINE_BYTES:
        return function(*args)
    return await to_thread.run_sync(function, *args)


async def coded(size_bytes: int, function: Callable[[Unpack[Args]], T], *args: *Args) -> T:
    """The same for what reads a body or writes an answer: a span of its own in a trace."""
    note = current.get()
    if note is None or note.span is None:
        return await offload(size_bytes, function, *args)
    with note.span.timed("codec", **{"madeira.bytes": size_bytes}):
        return await offload(size_bytes, function, *args)
