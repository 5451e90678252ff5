"""The HTTP server of one process: uvicorn that drains before it stops."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from typing import cast

import uvicorn
from uvicorn._types import ASGI3Application

from app.api.shortcut import ServiceApp
from app.cli.connections import ConnectionLimits, Connections
from app.cli.http_protocol import HttpProtocol
from app.errors import RequestError
from app.logs import set_up_logs
from app.settings import Settings

__all__ = ["HttpServer", "run_server"]

log = logging.getLogger(__name__)

ACCEPTED_AT_ONCE = 32
ACCEPT_PAUSE_S = 0.5
SPARE_CONNECTIONS = 8
ROOM_PAUSE_S = 0.002
"""So many connections beyond the limit are taken in, to be told that there are too many; more wait
in the line of the kernel, until idle ones have made room."""


class HttpServer(uvicorn.Server):
    """uvicorn that says when it serves, and stops when what was admitted has been answered.

    Args:
        app: What answers.
        settings: Say how long clients may take, how many there may be, and how long draining
            may take.
        serving: Called once requests are answered.

    Attributes:
        connections: Those that are open.
    """

    def __init__(self, app: ServiceApp, settings: Settings, serving: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            proxy_headers=False,  # nothing asks where a request comes from
            timeout_graceful_shutdown=settings.drain_timeout_s,
        )
        super().__init__(config)
        self._app = app
        self._drain_s = settings.drain_timeout_s
        self._serving = serving
        self._connecting: set[asyncio.Task[object]] = set()
        self._watching: asyncio.Task[None] | None = None
        self.connections = Connections(ConnectionLimits.of(settings))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn."""
        await super().startup(sockets=[])
        if not self.started:
            return
        loop = asyncio.get_running_loop()
        for listener in sockets or []:
            listener.setblocking(False)
            loop.add_reader(listener, self._accept, listener)
        self._watching = loop.create_task(self.connections.watch())
        self._serving()

    def _accept(self, listener: socket.socket) -> None:
        """Takes in who waits in line.

        uvloop takes in one caller each round of the loop. While rounds are long, as under
        overload, others then wait for seconds in the line of the kernel, where nobody can tell
        them to come back later.
        """
        loop = asyncio.get_running_loop()
        for _ in range(ACCEPTED_AT_ONCE):
            if self._excess() >= SPARE_CONNECTIONS:
                self.connections.make_room()
                self._pause(listener, ROOM_PAUSE_S)
                return
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:  # no more files may be open, say
                log.error("a connection cannot be accepted: %s", error.strerror)
                self._pause(listener, ACCEPT_PAUSE_S)
                return
            connection.setblocking(False)
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def _excess(self) -> int:
        """How many connections there are beyond the limit."""
        taken = len(self.connections.open) + len(self._connecting)
        return taken - self.connections.limits.connections

    def _pause(self, listener: socket.socket, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)
        loop.call_later(seconds, self._accept_again, listener)

    def _accept_again(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _protocol(self) -> asyncio.Protocol:
        return HttpProtocol(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            connections=self.connections,
            refusal=cast("Callable[[RequestError], ASGI3Application]", self._app.refusal),
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn."""
        # Until all are answered it goes on listening: who comes now is told so, with a 503.
        await self._app.door.drain(self._drain_s, lambda: self.force_exit)
        for listener in sockets or []:
            asyncio.get_running_loop().remove_reader(listener)
        if self._watching is not None:
            self._watching.cancel()
        await super().shutdown(sockets)


def run_server(
    app: ServiceApp, settings: Settings, listener: socket.socket, serving: Callable[[], None]
) -> bool:
    """Serves until SIGINT or SIGTERM has drained what was under way.

    Args:
        app: What answers.
        settings: Say how much is logged, and how long draining may take.
        listener: Where requests come in.
        serving: Called once they are answered.

    Returns:
        Whether the service came up at all.
    """
    set_up_logs(settings.log_format, settings.log_level)
    server = HttpServer(app, settings, serving)
    # uvicorn raises the signal that stopped it again once it has drained; by then it is served.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
    return server.started
