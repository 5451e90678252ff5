"""The HTTP server of one process: uvicorn that drains before it stops."""

import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

import uvicorn
from uvicorn._types import ASGI3Application

from madeira.app.errors import RequestError
from madeira.app.logs import set_up_logs
from madeira.app.processes.signals import ABORTED, catch_signals
from madeira.app.server.accept_loop import AcceptLoop
from madeira.app.server.connections import ConnectionLimits, Connections
from madeira.app.server.http_protocol import HttpProtocol
from madeira.app.server.starting import Starting
from madeira.app.settings import Settings

if TYPE_CHECKING:
    from madeira.app.http.routes import ServiceApp

__all__ = ["HttpServer", "run_server"]

OWNERLESS_MARGIN_S = 30.0
"""A process whose owner is gone ends at most so long after its time for draining is over."""

SPARE_CONNECTIONS = 8
"""So many connections beyond the limit are accepted, and answered that there are too many; more
wait in the queue of the kernel, until idle ones have made room."""


class HttpServer(uvicorn.Server):
    """uvicorn that reports when it serves, and drains before it stops.

    Args:
        build: Imports and makes the application; until then the server answers that it starts.
        settings: Limits of clients and of draining.
        loaded: Called once the models are loaded.
        owner: Descriptor whose end is that of the process that owns the workers.
        others: Whether other processes serve already: they answer until the models are loaded.

    Attributes:
        starting: Answers until the application does.
        connections: The open connections.
        failed: Whether the application could not start.
    """

    def __init__(
        self,
        build: "Callable[[], ServiceApp]",
        settings: Settings,
        loaded: Callable[[], None] = lambda: None,
        owner: int | None = None,
        others: bool = False,
    ) -> None:
        self._loaded, self._others = loaded, others
        self._listeners: list[socket.socket] = []
        self.starting = Starting(build, self._begin if others else loaded)
        config = uvicorn.Config(
            self.starting,
            http=HttpProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # nothing asks where a request comes from
            timeout_graceful_shutdown=settings.drain_timeout_s,
        )
        super().__init__(config)
        self._owner = owner
        self._drain_s = settings.drain_timeout_s
        self._accepting = AcceptLoop(self._protocol, self._has_room)
        self._watching: asyncio.Task[None] | None = None
        self._running: asyncio.Task[bool] | None = None
        self.failed = False
        self.connections = Connections(ConnectionLimits.of(settings))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the server; called by uvicorn."""
        await super().startup(sockets=[])
        if not self.started:
            return
        loop = asyncio.get_running_loop()
        self._listeners = sockets or []
        for listener in self._listeners:
            listener.setblocking(False)
        if not self._others:
            self._listen()
        self._watching = loop.create_task(self.connections.watch())
        if self._owner is not None:
            loop.add_reader(self._owner, self._hear_owner, self._owner)
        self._running = loop.create_task(self.starting.run())
        self._running.add_done_callback(self._ended)

    def _listen(self) -> None:
        for listener in self._listeners:
            self._accepting.start(listener)

    def _begin(self) -> None:
        """Take requests beside the other processes: the models are loaded."""
        if not self.should_exit:
            self._listen()
        self._loaded()

    def _hear_owner(self, owner: int) -> None:
        """Stop when the owner is gone: its workers are gone too, and are not replaced.

        Who waits for one is told so at once, and not when the time for draining is over.
        """
        if os.read(owner, 1):
            return
        asyncio.get_running_loop().remove_reader(owner)
        # A process without an owner ends at this time at the latest.
        faulthandler.dump_traceback_later(self._drain_s + OWNERLESS_MARGIN_S, exit=True)
        self.should_exit = True
        if self.starting.app is not None:
            self.starting.app.state.plane.engine.expect_no_replacement()

    def _ended(self, running: "asyncio.Task[bool]") -> None:
        """Stop if the application could not start."""
        if not running.cancelled() and not running.result():
            self.failed = self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `run_server`: a server may run in any thread."""
        yield

    def _has_room(self, connecting: int) -> bool:
        """Check whether one more connection may be accepted, and make room if there is none."""
        taken = len(self.connections.open) + connecting
        has_room = taken < self.connections.limits.connections + SPARE_CONNECTIONS
        if not has_room:
            self.connections.make_room()
        return has_room

    def _protocol(self) -> asyncio.Protocol:
        protocol = HttpProtocol(
            config=self.config,
            server_state=self.server_state,
            app_state={},
            connections=self.connections,
            refusal=cast("Callable[[RequestError], ASGI3Application]", self.starting.refusal),
        )
        if self.starting.app is not None:
            protocol.app = cast("ASGI3Application", self.starting.app)
        return protocol

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then stop the application; called by uvicorn."""
        # It listens until all are answered: new requests get a 503.
        if self.starting.app is not None:
            await self.starting.app.limit.drain(self._drain_s, lambda: self.force_exit)
        for listener in sockets or []:
            self._accepting.stop(listener)
        if self._watching is not None:
            self._watching.cancel()
        await super().shutdown(sockets)
        if self._running is not None:
            if self.starting.app is None:
                self._running.cancel()
            self.starting.stop()
            await asyncio.wait([self._running])


def run_server(
    build: "Callable[[], ServiceApp]",
    settings: Settings,
    listener: socket.socket,
    serving: Callable[[], None],
    owner: int | None = None,
    others: bool = False,
) -> bool:
    """Serve until SIGINT, SIGTERM or SIGHUP, then drain.

    A second SIGINT ends the process at once.

    Args:
        build: Imports and makes the application.
        settings: Log, and limits of clients and of draining.
        listener: Socket that takes requests.
        serving: Called once the models are loaded.
        owner: Descriptor whose end is that of the process that owns the workers.
        others: Whether other processes serve already: they answer until the models are loaded.

    Returns:
        Whether the service could start.

    Raises:
        AppError: It could not, by a mistake of the user.
    """
    set_up_logs(settings.log_format, settings.log_level)
    # The command says itself when the service has started, and why it could not.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    server = HttpServer(build, settings, serving, owner, others)

    def stop(number: int, _: object) -> None:
        if number == signal.SIGINT and server.should_exit:
            os._exit(ABORTED)
        server.should_exit = True

    catch_signals(stop)
    server.run(sockets=[listener])
    if server.starting.error is not None:
        raise server.starting.error
    if server.starting.building:
        # The thread that imports cannot be told to stop, and Python would wait for some of it.
        os._exit(0)
    return not server.failed
