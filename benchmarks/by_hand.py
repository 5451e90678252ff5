"""What is written by hand, beside the library that could do it: `python -m benchmarks.by_hand`.

- Few JSON rows become codes cell by cell; the same rows through an Arrow table.
- A histogram of the report is drawn as SVG; the same by matplotlib.
- A request reaches its endpoint by a route of Starlette; the same by FastAPI.
- Head and body of an answer go to the socket in one write; the same in two, as uvicorn writes them.
- New connections are accepted many in a round of the event loop; the same one by one, as by uvloop.
"""

import asyncio
import contextlib
import io
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, cast

import numpy as np
import pyarrow as pa
import uvloop
from fastapi import FastAPI, Request
from matplotlib.figure import Figure
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Message

import madeira
from benchmarks.report import Report, in_turns, parse_arguments
from checkpoints.tables import loans
from madeira.app.report.svg import Plot
from madeira.app.server.accept_loop import AcceptLoop
from madeira.app.server.joined_writes import JoinedWrites

__all__ = ["main"]

ROWS = (1, 4, 16, 32, 64, 128, 256)
BINS = 30
REQUESTS = 100


def encoding(report: Report, seconds: float) -> None:
    """Compare the two ways from JSON rows to codes, by number of rows.

    Raises:
        ValueError: The row encoder does not take these rows.
    """
    table = loans()
    schema = madeira.Schema.infer(table)
    rows: list[dict[str, Any]] = table.select([one.name for one in schema.columns]).to_pylist()
    for count in ROWS:
        few = rows[:count]
        ways: dict[str, Callable[[], object]] = {
            "by hand": lambda few=few: schema.row_encoder.encode(few),  # type: ignore[misc]
            "Arrow": lambda few=few: schema.encode(pa.Table.from_pylist(few)),  # type: ignore[misc]
        }
        if ways["by hand"]() is None:
            raise ValueError("the row encoder does not take these rows")
        times = in_turns(ways, seconds)
        report.compare(
            f"encode {count} rows of {len(schema.columns)} columns",
            times["by hand"] * 1e6,
            "us",
            "Arrow",
            times["Arrow"] * 1e6,
        )


def own_svg(edges: np.ndarray[Any, Any], bars: np.ndarray[Any, Any]) -> str:
    """Draw one histogram of the report."""
    plot = Plot(270, 150, (edges[0], edges[-1]), (0.0, bars.max() * 1.05), left=30, bottom=22)
    plot.axes()
    plot.bars(edges, bars, "real")
    plot.steps(edges, bars, "made-line")
    return plot.render("A histogram")


def matplotlib_svg(edges: np.ndarray[Any, Any], bars: np.ndarray[Any, Any]) -> str:
    """Draw the same histogram by matplotlib."""
    figure = Figure(figsize=(2.7, 1.5))
    axes = figure.subplots()
    axes.stairs(bars, edges, fill=True)
    axes.stairs(bars, edges)
    written = io.StringIO()
    figure.savefig(written, format="svg")
    return written.getvalue()


def drawing(report: Report, seconds: float) -> None:
    """Compare time and size of one picture."""
    values = np.random.default_rng(0).normal(size=5_000)
    bars, edges = np.histogram(values, BINS, density=True)
    times = in_turns(
        {
            "by hand": lambda: own_svg(edges, bars),
            "matplotlib": lambda: matplotlib_svg(edges, bars),
        },
        seconds,
    )
    report.compare(
        "draw a histogram as SVG",
        times["by hand"] * 1e3,
        "ms",
        "matplotlib",
        times["matplotlib"] * 1e3,
    )
    report.compare(
        "size of that histogram",
        len(own_svg(edges, bars)) / 1e3,
        "kB",
        "matplotlib",
        len(matplotlib_svg(edges, bars)) / 1e3,
    )


async def _answer(_: Request) -> Response:
    return Response(b"{}", media_type="application/json")


async def _receive() -> Message:
    return {"type": "http.request", "body": b"{}", "more_body": False}


async def _send(_: Message) -> None:
    pass


async def _ask(app: ASGIApp) -> None:
    """Send some requests to an application, one after the other."""
    for _ in range(REQUESTS):
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/score",
            "root_path": "",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        }
        await app(scope, _receive, _send)


def routing(report: Report, seconds: float) -> None:
    """Compare two ways from the server to an endpoint that does nothing."""
    framework = FastAPI()
    framework.add_api_route("/score", _answer, methods=["POST"])
    route = Route("/score", _answer, methods=["POST"])
    router = Router(routes=[route, Mount("/", framework)])
    loop = asyncio.new_event_loop()
    times = in_turns(
        {
            "Starlette": lambda: loop.run_until_complete(_ask(router)),
            "FastAPI": lambda: loop.run_until_complete(_ask(framework)),
        },
        seconds,
    )
    loop.close()
    report.compare(
        "reach an endpoint",
        times["Starlette"] / REQUESTS * 1e6,
        "us",
        "FastAPI",
        times["FastAPI"] / REQUESTS * 1e6,
    )


HEAD, BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"x" * 100
CONNECTIONS = 64
NEW = 256
BUSY = 16
WORK_S = 0.0005
"""Time of a request of a busy connection: a round of the event loop lasts `BUSY` times as long."""

Address = tuple[str, int]


class _Answering(asyncio.Protocol):
    """Answers each request with a head and a body.

    Args:
        joined: Whether both go in one write.
    """

    def __init__(self, joined: bool) -> None:
        self._joined = joined

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, or what joins its writes."""
        own = cast(asyncio.Transport, transport)
        loop = asyncio.get_running_loop()
        joined = JoinedWrites(own, loop, lambda: False, lambda: None)
        self._write = joined.write if self._joined else own.write

    def data_received(self, data: bytes) -> None:
        """Answer."""
        self._write(HEAD)
        self._write(BODY)


def _answer_joined(joined: bool, port: Connection) -> None:
    """Answer on a free port, which is told, until the process is ended."""

    async def forever() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Answering(joined), "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(forever())


@contextlib.contextmanager
def _server(serve: Callable[[bool, Connection], None], by_hand: bool) -> Iterator[Address]:
    """Serve in a process of its own until the end of the context."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(by_hand, theirs))
    process.start()
    theirs.close()
    try:
        yield ("127.0.0.1", ours.recv())
    finally:
        process.kill()
        process.join()


def writing(report: Report, seconds: float) -> None:
    """Compare answers in one write and in two, on many connections at the same time."""
    with contextlib.ExitStack() as stack:
        ways: dict[str, Callable[[], object]] = {}
        for name, joined in (("joined", True), ("apart", False)):
            address = stack.enter_context(_server(_answer_joined, joined))
            clients = [
                stack.enter_context(socket.create_connection(address)) for _ in range(CONNECTIONS)
            ]
            ways[name] = partial(_ask_all, clients)
        times = in_turns(ways, seconds)
    report.compare(
        f"an answer, {CONNECTIONS} connections",
        times["joined"] / CONNECTIONS * 1e6,
        "us",
        "two writes",
        times["apart"] / CONNECTIONS * 1e6,
    )


def _ask_all(clients: list[socket.socket]) -> None:
    """Ask on every connection, then read every answer to its end."""
    for client in clients:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    for client in clients:
        left = len(HEAD) + len(BODY)
        while left:
            left -= len(client.recv(left))


class _Working(asyncio.Protocol):
    """Answers a new connection at once, as a full server does, and computes for each request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(HEAD)

    def data_received(self, data: bytes) -> None:
        """Compute, and answer."""
        end = time.perf_counter() + WORK_S
        while time.perf_counter() < end:
            pass
        self._transport.write(HEAD)


def _accept(by_hand: bool, port: Connection) -> None:
    """Accept on a free port, which is told, until the process is ended."""

    async def forever() -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=2 * NEW)
        listener.setblocking(False)
        if by_hand:
            AcceptLoop(_Working, lambda connecting: True).start(listener)
        else:
            await asyncio.get_running_loop().create_server(_Working, sock=listener, backlog=2 * NEW)
        port.send(listener.getsockname()[1])
        await asyncio.Event().wait()

    uvloop.run(forever())


@contextlib.contextmanager
def _busy(address: Address, connections: int) -> Iterator[None]:
    """Ask on some connections, again and again, until the end of the context."""
    over = threading.Event()
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(address)) for _ in range(connections)
        ]

        def ask() -> None:
            while not over.is_set():
                for client in clients:
                    client.sendall(b"x")
                for client in clients:
                    client.recv(len(HEAD))

        thread = threading.Thread(target=ask if clients else over.wait)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _connect_all(address: Address, busy: int) -> None:
    """Open many connections beside busy ones, and wait for the answer of each."""
    with _busy(address, busy), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(address)) for _ in range(NEW)]
        for client in clients:
            client.recv(len(HEAD))


def accepting(report: Report, seconds: float) -> None:
    """Compare many connections accepted each round of the event loop with one, as uvloop does."""
    with contextlib.ExitStack() as stack:
        many = stack.enter_context(_server(_accept, True))
        one = stack.enter_context(_server(_accept, False))
        for busy in (0, BUSY):
            times = in_turns(
                {
                    "many": partial(_connect_all, many, busy),
                    "one": partial(_connect_all, one, busy),
                },
                seconds,
            )
            report.compare(
                f"accept {NEW} connections beside {busy} busy ones",
                times["many"] * 1e3,
                "ms",
                "one a round",
                times["one"] * 1e3,
            )


def main() -> None:
    """Measure all of it and write the results."""
    arguments = parse_arguments(__doc__)
    report = Report("by_hand", arguments.quick)
    seconds = 0.3 if arguments.quick else 3.0
    encoding(report, seconds)
    drawing(report, seconds)
    routing(report, seconds)
    writing(report, seconds)
    accepting(report, seconds)
    report.write()


if __name__ == "__main__":
    main()
