"""The HTTP server of one process: uvicorn that drains before it stops."""

import signal
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from app.api.door import Door
from app.logs import set_up_logs
from app.settings import Settings

__all__ = ["run_server"]


class _Server(uvicorn.Server):
    """uvicorn that says when it serves, and stops when what was admitted has been answered."""

    def __init__(
        self, config: uvicorn.Config, door: Door, drain_s: float, serving: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._door = door
        self._drain_s = drain_s
        self._serving = serving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._serving()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Until all are answered it goes on listening: who comes now is told so, with a 503.
        await self._door.drain(self._drain_s, lambda: self.force_exit)
        await super().shutdown(sockets)


def run_server(
    app: FastAPI, settings: Settings, listener: socket.socket, serving: Callable[[], None]
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
        timeout_graceful_shutdown=settings.drain_timeout_s,
    )
    server = _Server(config, app.state.door, settings.drain_timeout_s, serving)
    # uvicorn raises the signal that stopped it again once it has drained; by then it is served.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
    return server.started
