"""A fuzzer of HTTP: broken requests in random pieces, for the protocol of the real server.

`python -m tests.fuzz.http --cases 100000` runs as many cases as one likes. Whatever comes, every
case must end with well-formed answers and a closed connection, and with nothing in the log that
is an error.
"""

import argparse
import asyncio
import logging
import random
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn._types import ASGI3Application
from uvicorn.server import ServerState

from madeira.app.http.limit import ConcurrencyLimit
from madeira.app.http.routes import ServiceApp
from madeira.app.metrics import Metrics
from madeira.app.server.connections import ConnectionLimits, Connections
from madeira.app.server.http_protocol import HttpProtocol
from madeira.app.settings import Settings

__all__ = ["Fuzzer", "main"]

BODY = b'{"rows": [{"city": "Funchal"}]}'
SEEDS = (
    b"GET /models HTTP/1.1\r\nHost: x\r\n\r\n",
    b"HEAD / HTTP/1.0\r\n\r\n",
    b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY),
    b"POST /score HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x" * 500,
    b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;a=b\r\nabc\r\n5\r\ndefgh\r\n0\r\nTrailer: y\r\n\r\n",
    b"POST /score HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 3\r\n\r\nabc",
    b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)
WORDS = (
    b"\r\n", b"\r\n\r\n", b"\n", b"\r", b": ", b" ", b"\t", b"\x00", b"\xff", b"%00", b"%", b"?",
    b"Host: y\r\n", b"Content-Length: 3\r\n", b"Content-Length: -1\r\n", b"Content-Length: 03\r\n",
    b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip\r\n", b"Connection: close\r\n", b"Connection: upgrade\r\n",
    b"Upgrade: h2c\r\n", b"Expect: 100-continue\r\n", b"HTTP/1.1", b"HTTP/1.0", b"0\r\n\r\n",
    b"ffffffffffffffff\r\n", b"1\r\nx\r\n", b"X-Request-Id: \xfc\r\n", b"a: b\r\n" * 101,
    b"x" * 17000, b"x" * 66000, b"\r\n" * 40000,
)  # fmt: skip
FAR_S = 10_000.0
ANSWER = re.compile(rb"HTTP/1\.1 (\d\d\d) [^\r\n]*\r\n((?:[^\r\n:]+: [^\r\n]*\r\n)*)\r\n")
STATUSES = frozenset({100, 200, 400, 404, 408, 413, 414, 429, 431, 501, 503})


@dataclass
class Wire(asyncio.Transport):
    """A transport that keeps what is written.

    Attributes:
        written: All of it.
        closed: Whether the server has closed it.
    """

    written: bytearray = field(default_factory=bytearray)
    closed: bool = False

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        """Keep data."""
        self.written += data

    def write_eof(self) -> None:
        """Note that the server writes no more."""

    def close(self) -> None:
        """Note that the server closes."""
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        """Whether the server has closed."""
        return self.closed

    def get_write_buffer_size(self) -> int:
        """Everything is taken at once."""
        return 0

    def pause_reading(self) -> None:
        """Ignore that reading should pause: the fuzzer does not wait."""

    def resume_reading(self) -> None:
        """See `pause_reading`."""

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Nothing is known."""
        return default


class _Errors(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class Fuzzer:
    """Makes cases, and runs them.

    Args:
        seed: Of the random numbers.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._app = ServiceApp(FastAPI(), (), ConcurrencyLimit(256), Metrics(), None)
        self._limits = ConnectionLimits.of(Settings())

    def case(self) -> list[bytes]:
        """Return the pieces of one connection."""
        pick = self._random
        sent = bytearray().join(pick.choices(SEEDS, k=pick.choice((1, 1, 1, 2, 3))))
        for _ in range(pick.choice((0, 1, 1, 2, 3, 8))):
            place = pick.randrange(len(sent) + 1)
            match pick.randrange(5):
                case 0:
                    sent[place:place] = pick.choice(WORDS)
                case 1:
                    del sent[place : place + pick.choice((1, 2, 10, 100))]
                case 2:
                    sent[place : place + 1] = bytes([pick.randrange(256)])
                case 3:
                    end = place + pick.randrange(40)
                    sent[place:place] = sent[place:end] * pick.choice((1, 2, 20))
                case 4:
                    sent[place:] = b""
        pieces, start = [], 0
        while start < len(sent):
            size = pick.choice((1, 2, 7, 50, 1000, 100_000, 100_000))
            pieces.append(bytes(sent[start : start + size]))
            start += size
        return pieces[:2000]

    async def run(self, pieces: list[bytes]) -> bytes:
        """Run one case; return all that was answered.

        Raises:
            AssertionError: Something went wrong.
        """
        loop = asyncio.get_running_loop()
        connections = Connections(self._limits)
        config = uvicorn.Config(_answer, ws="none", lifespan="off", log_config=None)
        refusal = cast("Any", self._app.rejection)
        state = ServerState()
        protocol = HttpProtocol(config, state, {}, connections, refusal)
        protocol.app = cast("ASGI3Application", _answer)
        wire = Wire()
        protocol.connection_made(wire)
        for piece in pieces:
            if wire.closed:
                break
            protocol.data_received(piece)
            if self._random.random() < 0.2:
                await asyncio.sleep(0)
        for _ in range(3):
            await _until(lambda: not state.tasks or _waits(protocol))
            protocol.check(loop.time() + FAR_S)
            protocol.check(loop.time() + 2 * FAR_S)
            await asyncio.sleep(0)
        assert wire.closed, "the connection is left open"
        protocol.connection_lost(None)
        await _until(lambda: not state.tasks)
        assert not connections.open
        _check(bytes(wire.written))
        return bytes(wire.written)


async def _until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until a condition holds."""
    while not condition():  # noqa: ASYNC110 - nothing in the server says when
        await asyncio.sleep(0)


def _waits(protocol: HttpProtocol) -> bool:
    """Whether the request that is under way waits for its client."""
    cycle = protocol.cycle
    return cycle is not None and cycle.more_body and not cycle.message_event.is_set()


def _check(written: bytes) -> None:
    """Check that the bytes are well-formed answers, one after the other."""
    place = 0
    while place < len(written):
        found = ANSWER.match(written, place)
        assert found is not None, f"no answer at {place}: {written[place : place + 100]!r}"
        status = int(found[1])
        assert status in STATUSES, f"status {status}"
        place = found.end()
        length = re.search(rb"content-length: (\d+)", found[2])
        if length is not None and written[place : place + 5] not in (b"", b"HTTP/"):  # a HEAD
            place += int(length[1])
    assert place == len(written), "an answer is cut off"


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Read a body and return its length, or do not read it at all."""
    size, more = 0, scope["path"] != "/early"
    refused: ASGIApp | None = None
    while more and refused is None:
        try:
            message = await receive()
        except Exception as error:
            refused = ServiceApp.rejection(_APP, cast("Any", error))
            break
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    if refused is not None:
        await refused(scope, receive, send)
        return
    body = b"" if scope["method"] == "HEAD" else b"%d" % size
    headers = [(b"content-length", b"%d" % len(body))]
    status = 200 if scope["path"] != "/early" else 404
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_APP = ServiceApp(FastAPI(), (), ConcurrencyLimit(256), Metrics(), None)


async def fuzz(cases: int, seed: int) -> dict[str, int]:
    """Run so many cases; return how many answers of each status there were.

    Raises:
        AssertionError: A case went wrong; the message has its bytes.
    """
    errors = _Errors()
    logging.getLogger().addHandler(errors)
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: logging.getLogger(__name__).error("%s", context)
    )
    fuzzer, counts = Fuzzer(seed), dict[str, int]()
    try:
        for number in range(cases):
            pieces = fuzzer.case()
            try:
                written = await asyncio.wait_for(fuzzer.run(pieces), 30)
                assert not errors.records, errors.records[0].getMessage()
            except Exception as error:
                raise AssertionError(f"case {number}: {error!r}\n{pieces!r}"[:4000]) from error
            for status in re.findall(rb"HTTP/1\.1 (\d\d\d) ", written):
                counts[status.decode()] = counts.get(status.decode(), 0) + 1
    finally:
        logging.getLogger().removeHandler(errors)
    return counts


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.getLogger("madeira.requests").setLevel(logging.WARNING)
    began = time.monotonic()
    counts = asyncio.run(fuzz(options.cases, options.seed))
    seconds = time.monotonic() - began
    sys.stdout.write(f"HTTP: {options.cases} cases in {seconds:.0f} s; answers {counts}\n")


if __name__ == "__main__":
    main()
