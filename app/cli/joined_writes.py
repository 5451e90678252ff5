"""One system call for an answer, where uvicorn makes two: its head and its body."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["JoiningProtocol"]

JOINED_BYTES = 64 * 2**10


class _JoinedWrites:
    """A transport that sends together what is written in one round of the loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Sends data soon; large data at once."""
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)
        if len(data) > JOINED_BYTES:
            self._send()

    def _send(self) -> None:
        if self._held:
            data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
            self._held.clear()
            self._transport.write(data)

    def close(self) -> None:
        """Ends the connection when all is sent."""
        self._send()
        self._transport.close()

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)


class JoiningProtocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, over a transport that joins writes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by the event loop."""
        joined: Any = _JoinedWrites(transport, asyncio.get_running_loop())
        super().connection_made(joined)
