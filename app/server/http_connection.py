"""The life of one connection: the time that its client may take, and its end."""

import asyncio
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from madeira.app.errors import RequestError, RequestTimeoutError, TooManyConnectionsError
from madeira.app.server.connections import LINGER_S, Connections
from madeira.app.server.http_request import HttpRequest
from madeira.app.server.joined_writes import JoinedWrites

__all__ = ["MAX_HEAD_BYTES", "HttpConnection"]

MAX_HEAD_BYTES = 64 * 2**10


class HttpConnection(HttpToolsProtocol):
    """A connection that ends if its client takes too long, or if room is needed.

    Args:
        config: Of uvicorn.
        server_state: What uvicorn's connections share.
        app_state: What the application has put there when it started.
        connections: Where connections are counted, and their limits.
    """

    cycle: HttpRequest

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._all = connections
        self._limits = connections.limits
        self._in_head, self._head_left = True, MAX_HEAD_BYTES
        self._refused = False
        self._since = self._mark_time = 0.0
        self._mark: int | None = None
        self._mark_kind = ""
        self._linger_until: float | None = None
        self._linger_left = 0

    # ------------------------------------------------------------ connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection; called by the event loop."""
        self._since = self.loop.time()
        joined = JoinedWrites(transport, self.loop, lambda: self._unread, self._linger)
        super().connection_made(cast("asyncio.Transport", joined))
        if self._all.full:
            self._all.make_room()
        no_room = self._all.full
        self._all.open.add(self)
        if no_room:
            self._refuse(TooManyConnectionsError())

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection has ended; called by the event loop."""
        self._all.open.discard(self)
        super().connection_lost(exc)
        self._joined.release()

    @property
    def _joined(self) -> JoinedWrites:
        return cast("JoinedWrites", self.transport)

    @property
    def _answering(self) -> bool:
        """Whether a request has arrived whose answer is not sent."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _unread(self) -> bool:
        """Whether the client may still be sending."""
        return self._refused or not self._in_head or self._head_left < MAX_HEAD_BYTES

    @property
    def _begun(self) -> bool:
        """Whether the parser has seen the start of a request, and not the end of its head."""
        return self.scope is not None and "path" not in self.scope

    @property
    def idle(self) -> bool:
        """Whether no part of a request has arrived."""
        return not self._unread and not self._answering and not self._joined.buffered

    @property
    def waits_since(self) -> float | None:
        """Time since which the client is awaited; None while it is not."""
        if self._linger_until is not None or not self._answering:
            return self._since
        arriving = self.cycle.more_body and not self.flow.read_paused
        return self._since if arriving or self.flow.write_paused else None

    @property
    def buffered(self) -> int:
        """Number of bytes of an answer that the client has not read."""
        return self._joined.buffered

    def drop(self) -> None:
        """End the connection to make room."""
        if self.idle:
            self.transport.close()
        else:
            self._joined.end()

    def pause_writing(self) -> None:
        """Stop writing while the client does not read; called by the event loop."""
        self._since = self.loop.time()
        super().pause_writing()

    def shutdown(self) -> None:
        """End the connection when its request is answered; called when the server stops."""
        if self._linger_until is not None:
            self._joined.end()
        else:
            super().shutdown()

    # ------------------------------------------------------------ time

    def check(self, now: float) -> None:
        """End the connection of a client that takes too long."""
        limits = self._limits
        if self._linger_until is not None:
            if now > self._linger_until:
                self._joined.end()
        elif buffered := self._joined.buffered:
            if self._stalls(now, "answer", self._joined.written - buffered, limits.answer_s):
                self._joined.end()
        elif self.cycle is not None and self.cycle.more_body:
            if self.flow.read_paused:
                self._mark = None
            elif self._stalls(now, "body", self.cycle.received, limits.body_s):
                self._give_up(
                    RequestTimeoutError(
                        f"Less than {limits.min_rate} bytes a second of the body came in "
                        f"{limits.body_s:g} s; the rest is not waited for."
                    )
                )
        elif not self._answering:
            self._mark = None
            waited = now - self._since
            if self._head_left < MAX_HEAD_BYTES and self._begun:
                if waited > limits.header_s:
                    error = RequestTimeoutError(
                        f"The headers did not come within {limits.header_s:g} s."
                    )
                    self._refuse(error)
            elif waited > (limits.header_s if self.cycle is None else limits.keep_alive_s):
                self._joined.end()
        else:
            self._mark = None

    def _stalls(self, now: float, kind: str, progress: int, window_s: float) -> bool:
        """Check whether the transfer was slower than the least rate for the whole window."""
        if self._mark is None or self._mark_kind != kind or progress < self._mark:
            self._mark, self._mark_kind, self._mark_time = progress, kind, now
        elif now - self._mark_time >= window_s:
            if progress - self._mark < self._limits.min_rate * window_s:
                return True
            self._mark, self._mark_time = progress, now
        return False

    def _linger(self) -> None:
        """Discard what the client still sends, until it stops or the time is over."""
        self._refused = True
        self._linger_until = self.loop.time() + LINGER_S
        self._linger_left = self._limits.linger_bytes
        self.flow.resume_reading()

    def _give_up(self, error: RequestError) -> None:
        """Reject what is arriving: the body of a request, or a new request."""
        raise NotImplementedError

    def _refuse(self, error: RequestError) -> None:
        """Answer an incomplete request with an error, after the requests before it."""
        raise NotImplementedError
