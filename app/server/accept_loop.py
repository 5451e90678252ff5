"""Accepts the connections that wait on a socket, many in one round of the event loop.

uvloop accepts one connection each round of the loop. While rounds are long, as under overload,
others would wait for seconds in the queue of the kernel, where they cannot be answered 503.
"""

import asyncio
import logging
import socket
from collections.abc import Callable

__all__ = ["AcceptLoop"]

log = logging.getLogger(__name__)

ACCEPTED_AT_ONCE = 32
ERROR_PAUSE_S = 0.5
ROOM_PAUSE_S = 0.002


class AcceptLoop:
    """Takes connections from the kernel while there is room for them.

    Args:
        protocol: Makes the protocol of a connection.
        room: Says whether one more may be accepted, by the number of those that are accepted and
            have no protocol yet; the others wait in the queue of the kernel.
    """

    def __init__(
        self, protocol: Callable[[], asyncio.Protocol], room: Callable[[int], bool]
    ) -> None:
        self._protocol, self._room = protocol, room
        self._connecting: set[asyncio.Task[object]] = set()

    def start(self, listener: socket.socket) -> None:
        """Accept from a socket that listens and does not block."""
        if listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def stop(self, listener: socket.socket) -> None:
        """Accept no more from a socket."""
        asyncio.get_running_loop().remove_reader(listener)

    def _accept(self, listener: socket.socket) -> None:
        """Accept the waiting connections, up to a number."""
        loop = asyncio.get_running_loop()
        for _ in range(ACCEPTED_AT_ONCE):
            if not self._room(len(self._connecting)):
                self._pause(listener, ROOM_PAUSE_S)
                return
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:  # no more files may be open, say
                log.error("a connection cannot be accepted: %s", error.strerror)
                self._pause(listener, ERROR_PAUSE_S)
                return
            connection.setblocking(False)
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def _pause(self, listener: socket.socket, seconds: float) -> None:
        self.stop(listener)
        asyncio.get_running_loop().call_later(seconds, self.start, listener)
