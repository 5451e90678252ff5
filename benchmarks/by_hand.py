"""What is written by hand, beside the library that could do it: `python -m benchmarks.by_hand`.

- Few JSON rows become codes cell by cell; the same rows through an Arrow table.
- A histogram of the report is drawn as SVG; the same by matplotlib.
- A request reaches its endpoint by a route of Starlette; the same by FastAPI.
"""

import asyncio
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from fastapi import FastAPI, Request
from matplotlib.figure import Figure
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Message

import madeira
from benchmarks.report import Report, in_turns, parse_arguments
from checkpoints.tables import loans
from madeira.app.report.svg import Plot

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


def main() -> None:
    """Measure all of it and write the results."""
    arguments = parse_arguments(__doc__)
    report = Report("by_hand", arguments.quick)
    seconds = 0.3 if arguments.quick else 3.0
    encoding(report, seconds)
    drawing(report, seconds)
    routing(report, seconds)
    report.write()


if __name__ == "__main__":
    main()
