"""Runs what would hold up the event loop in a thread."""

import asyncio
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, Unpack
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter, to_thread

from madeira.app.logs import current

__all__ = ["LARGE_BYTES", "offload", "offload_traced"]

SMALL_BYTES = 4 * 2**10
"""Up to here the work takes tenths of a millisecond."""

INLINE_BYTES = 64 * 2**10
"""Up to here it takes less than a few milliseconds, and a thread would cost more."""

LARGE_BYTES = 2**20
"""Beyond it one call runs at a time: each holds the interpreter for milliseconds again and again,
and several of them would keep it from the event loop."""

_large: "WeakKeyDictionary[asyncio.AbstractEventLoop, CapacityLimiter]" = WeakKeyDictionary()
_turns: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]" = WeakKeyDictionary()

Args = TypeVarTuple("Args")
T = TypeVar("T")


async def offload(size_bytes: int, function: Callable[[Unpack[Args]], T], *args: *Args) -> T:
    """Call a function: at once where its work is small, in a thread where it is large.

    Work of some milliseconds is done at once too, but only one of them in a round of the event
    loop: ten in a row would hold up requests that are only to be refused.

    Args:
        size_bytes: Roughly how many bytes the function reads or writes.
        function: What to call.
        args: Its arguments.
    """
    if size_bytes <= SMALL_BYTES:
        return function(*args)
    if size_bytes > INLINE_BYTES:
        limiter = None
        if size_bytes > LARGE_BYTES:
            limiter = _large.setdefault(asyncio.get_running_loop(), CapacityLimiter(1))
        return await to_thread.run_sync(function, *args, limiter=limiter)
    async with _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        result = function(*args)
        await asyncio.sleep(0)
    return result


async def offload_traced(size_bytes: int, function: Callable[[Unpack[Args]], T], *args: *Args) -> T:
    """Call `offload` within a span of the trace, to read a body or write an answer.

    Args:
        size_bytes: Size of the body or the answer.
        function: See `offload`.
        args: Its arguments.
    """
    note = current.get()
    if note is None or note.span is None:
        return await offload(size_bytes, function, *args)
    with note.span.timed("codec", **{"madeira.bytes": size_bytes}):
        return await offload(size_bytes, function, *args)
