"""HTTP/1.1 of one connection: uvicorn's, with limits of bytes and time.

What comes is counted before the parser sees it, because the parser puts no bound on headers.
Whatever is refused here is answered as everything else is: as a problem document with a request
id, which is counted and logged. What the client still sends after a refusal is read and thrown
away for a while, so that it sees the answer and not a reset connection.
"""

import asyncio
import urllib.parse
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.server import ServerState

from madeira.app.errors import (
    HeadersTooLargeError,
    MalformedRequestError,
    QueueFullError,
    RequestError,
    TargetTooLongError,
    UnsupportedHttpError,
)
from madeira.app.server.connections import Connections
from madeira.app.server.http_connection import MAX_HEAD_BYTES, HttpConnection
from madeira.app.server.http_request import HttpRequest

__all__ = ["MAX_HEADERS", "MAX_HEAD_BYTES", "MAX_TARGET_BYTES", "HttpProtocol"]

MAX_HEADERS = 100
MAX_TARGET_BYTES = 16 * 2**10
MAX_LENGTH_DIGITS = 18
MAX_PIPELINED = 64
MAX_FRAMING_BYTES = 64 * 2**10
"""Most bytes of chunk sizes, chunk extensions and trailers with no byte of the body between."""

_CHECKED = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect"})
_NOT_FORWARDED = frozenset({b"upgrade", b"http2-settings"})


class HttpProtocol(HttpConnection):
    """One connection.

    Args:
        config: Of uvicorn.
        server_state: What uvicorn's connections share.
        app_state: What the application has put there when it started.
        connections: Where connections are counted, and their limits.
        refusal: Makes an application that answers every request with an error.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        connections: Connections,
        refusal: Callable[[RequestError], ASGI3Application],
    ) -> None:
        super().__init__(config, server_state, app_state, connections)
        self._refusal = refusal
        self._upgrading = False
        self._why: RequestError | None = None
        self._hosts = self._trailers = self._framing = 0
        self._length: int | None = None

    # ------------------------------------------------------------ bytes

    def data_received(self, data: bytes) -> None:
        """Read new bytes; called by the event loop."""
        if self._refused:
            if self._linger_until is not None:
                self._linger_left -= len(data)
                if self._linger_left <= 0:
                    self._joined.end()
            return
        while data:
            piece = data
            if self._in_head:
                if self._head_left == MAX_HEAD_BYTES:
                    self._since = self.loop.time()
                piece = data[: self._head_left]
                self._head_left -= len(piece)
            else:
                self._framing += len(piece)
            data = data[len(piece) :]
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:
                data = self._restart() + piece[upgrade.args[0] :] + data
                continue
            except httptools.HttpParserCallbackError:
                self._give_up(self._why or MalformedRequestError("The address cannot be read."))
                return
            except httptools.HttpParserError as error:
                self._give_up(MalformedRequestError(f"The request is not valid HTTP: {error}."))
                return
            if self._in_head and not self._head_left:
                self._give_up(HeadersTooLargeError(MAX_HEAD_BYTES, MAX_HEADERS))
                return
            if self._framing > MAX_FRAMING_BYTES and not self._in_head:
                self._give_up(MalformedRequestError("The chunks of the body are too long."))
                return

    def _restart(self) -> bytes:
        """Return the head of the request without its upgrade, for a new parser.

        Nobody has to grant the wish (RFC 9110, 7.8), and the parser would take the body for data
        of that protocol.
        """
        self._upgrading = False
        version = self.parser.get_http_version().encode()
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        lines = [self.scope["method"].encode() + b" " + self.url + b" HTTP/" + version]
        for name, value in self.headers:
            if name == b"connection":
                tokens = [token.strip() for token in value.split(b",")]
                value = b", ".join(t for t in tokens if t.lower() not in _NOT_FORWARDED)
            if name not in _NOT_FORWARDED:
                lines.append(name + b": " + value)
        self._head_left = MAX_HEAD_BYTES
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _give_up(self, error: RequestError) -> None:
        """Reject what is arriving: the body of a request, or a new request."""
        if self._in_head or self.cycle is None:
            self._refuse(error)
        elif self.cycle.response_complete:
            self._refused = True
            self.transport.close()
        else:
            self._refused = True
            self.cycle.fail(error)

    def _refuse(self, error: RequestError) -> None:
        """Answer an incomplete request with an error, after the requests before it."""
        self._refused = True
        if not self._begun:
            self.on_message_begin()
        self.scope.setdefault("method", "-")
        self.scope["path"], self.scope["raw_path"], self.scope["query_string"] = "", b"", b""
        self.cycle = self._request(keep_alive=False, previous=self.cycle, error=error)
        self.cycle.more_body = False

    # ------------------------------------------------------------ parser

    def _fail(self, error: RequestError) -> None:
        """End the parsing, from within one of its callbacks."""
        self._why = error
        raise error

    def on_message_begin(self) -> None:
        """Start a request; called by the parser."""
        super().on_message_begin()
        self._hosts = self._trailers = 0
        self._length = None

    def on_url(self, url: bytes) -> None:
        """Add a part of the address; called by the parser."""
        self.url += url
        if len(self.url) > MAX_TARGET_BYTES:
            self._fail(TargetTooLongError(MAX_TARGET_BYTES))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header, or a trailer; called by the parser."""
        if not self._in_head:
            self._trailers += 1
            if self._trailers > MAX_HEADERS:
                self._fail(MalformedRequestError("There are too many trailers."))
            return
        if len(self.headers) >= MAX_HEADERS:
            self._fail(HeadersTooLargeError(MAX_HEAD_BYTES, MAX_HEADERS))
        name = name.lower()
        if name in _CHECKED:
            self._check_header(name, value)
        self.headers.append((name, value))

    def _check_header(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            self._hosts += 1
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        elif name == b"content-length":
            if len(value) > MAX_LENGTH_DIGITS or not value.isdigit():
                self._fail(MalformedRequestError("Content-Length is no number of bytes."))
            self._length = int(value)
        elif value.lower() != b"chunked":
            self._fail(UnsupportedHttpError("The only Transfer-Encoding is `chunked`."))

    def on_headers_complete(self) -> None:
        """Check a complete head; called by the parser."""
        parser, scope = self.parser, self.scope
        version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        if version not in ("1.1", "1.0"):
            self._fail(MalformedRequestError("This is HTTP/1.1; another version was asked for."))
        if self._hosts != 1 and (self._hosts or version == "1.1"):
            self._fail(MalformedRequestError("A request has one Host header."))
        if parser.should_upgrade():
            if scope["method"] == "CONNECT":
                self._fail(UnsupportedHttpError("CONNECT is for proxies; this is none."))
            self._upgrading = True
            return
        if version == "1.0":
            scope["http_version"] = version
            self.expect_100_continue = False
        url = httptools.parse_url(self.url)
        if url.path is None:
            self._fail(MalformedRequestError("The address has no path."))
        path = url.path.decode("ascii")
        scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        if len(self.pipeline) >= MAX_PIPELINED:
            self._fail(QueueFullError(1))
        self._in_head, self._framing, self._mark = False, 0, None
        self.cycle = self._request(
            keep_alive=version == "1.1" and parser.should_keep_alive(), previous=self.cycle
        )

    def _request(
        self, keep_alive: bool, previous: HttpRequest | None, error: RequestError | None = None
    ) -> HttpRequest:
        """Start a request, after those before it are answered."""
        request = HttpRequest(
            length=self._length,
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )
        app = self.app if error is None else self._refusal(error)
        if previous is None or previous.response_complete:
            self._start_asgi_task(request, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((request, app))
        return request

    def on_body(self, body: bytes) -> None:
        """Add a part of the body; called by the parser."""
        cycle = self.cycle
        self._framing = 0
        cycle.received += len(body)
        if cycle.response_complete or cycle.failure is not None:
            return
        cycle.body += body
        if cycle.received > HIGH_WATER_LIMIT:
            self._since = self.loop.time()
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """Complete a request; called by the parser."""
        if self._upgrading:
            return
        self._in_head, self._head_left = True, MAX_HEAD_BYTES
        self.cycle.more_body = False
        if not self.cycle.response_complete:
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Go on with the next request; called when an answer is written."""
        self.server_state.total_requests += 1
        self._since = self.loop.time()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
