"""The writing side of a connection: one system call an answer, and a close that clients notice.

uvicorn writes the head and the body of an answer apart. It also closes a connection at once, even
if the client is still sending: the kernel then resets it, and many clients never see the answer.
"""

import asyncio
from collections.abc import Callable

__all__ = ["JoinedWrites"]

JOINED_BYTES = 64 * 2**10


class JoinedWrites:
    """A transport that joins the writes of one round of the event loop.

    Args:
        transport: The transport of the event loop.
        loop: The event loop.
        unread: Says whether the client may still be sending something.
        linger: Called when the answer is sent and the client may still be sending; what it sends
            is to be read and thrown away, and `end` called after a while.

    Attributes:
        written: How many bytes have been given to it.
        closing: Whether nothing more is written.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        unread: Callable[[], bool],
        linger: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._unread, self._linger = unread, linger
        self._held: list[bytes] = []
        self.written = 0
        self.closing = False

    def write(self, data: bytes) -> None:
        """Send data at the end of this round; large data at once."""
        if self.closing:
            return
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)
        self.written += len(data)
        if len(data) > JOINED_BYTES:
            self._send()

    def _send(self) -> None:
        if self._held:
            data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
            self._held.clear()
            self._transport.write(data)

    @property
    def buffered(self) -> int:
        """Number of bytes that the client has not received."""
        return self._transport.get_write_buffer_size() + sum(map(len, self._held))

    def close(self) -> None:
        """End the connection when all is sent, and the client has stopped sending."""
        if self.closing:
            return
        self._send()
        self.closing = True
        if self._transport.is_closing():
            return
        if self._unread():
            self._transport.write_eof()
            self._linger()
        else:
            self._transport.close()

    def end(self) -> None:
        """End the connection at once."""
        self.closing = True
        self._held.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether the connection is ending."""
        return self.closing or self._transport.is_closing()

    def pause_reading(self) -> None:
        """Stop reading."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return information of the event loop about the connection."""
        return self._transport.get_extra_info(name, default)

    def release(self) -> None:
        """Forget the protocol, so that no cycle outlives the connection."""
        self._unread, self._linger = (lambda: False), (lambda: None)
