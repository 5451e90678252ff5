"""The HTTP server of one process: uvicorn that drains before it stops."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable

import uvicorn

from app.api.door import Door
from app.api.shortcut import ServiceApp
from app.cli.joined_writes import JoiningProtocol
from app.logs import set_up_logs
from app.settings import Settings

__all__ = ["run_server"]

log = logging.getLogger(__name__)

ACCEPTED_AT_ONCE = 32
ACCEPT_PAUSE_S = 0.5
KEEP_ALIVE_S = 75
"""Longer than the minute after which balancers let go of a connection: who is behind one would
otherwise send on a connection that ends at that moment."""


class _Server(uvicorn.Server):
    """uvicorn that says when it serves, and stops when what was admitted has been answered."""

    def __init__(
        self, config: uvicorn.Config, door: Door, drain_s: float, serving: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._door = door
        self._drain_s = drain_s
        self._serving = serving
        self._connecting: set[asyncio.Task[object]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        if not self.started:
            return
        for listener in sockets or []:
            listener.setblocking(False)
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)
        self._serving()

    def _accept(self, listener: socket.socket) -> None:
        """Takes in who waits in line.

        uvloop takes in one caller each round of the loop. While rounds are long, as under
        overload, others then wait for seconds in the line of the kernel, where nobody can tell
        them to come back later.
        """
        loop = asyncio.get_running_loop()
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:  # no more files may be open, say
                log.error("a connection cannot be accepted: %s", error.strerror)
                loop.remove_reader(listener)
                loop.call_later(ACCEPT_PAUSE_S, self._accept_again, listener)
                return
            connection.setblocking(False)
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def _accept_again(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _protocol(self) -> asyncio.Protocol:
        return JoiningProtocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Until all are answered it goes on listening: who comes now is told so, with a 503.
        await self._door.drain(self._drain_s, lambda: self.force_exit)
        for listener in sockets or []:
            asyncio.get_running_loop().remove_reader(listener)
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
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nothing asks where a request comes from
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.drain_timeout_s,
    )
    server = _Server(config, app.door, settings.drain_timeout_s, serving)
    # uvicorn raises the signal that stopped it again once it has drained; by then it is served.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
    return server.started
