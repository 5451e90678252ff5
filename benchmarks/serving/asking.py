"""Puts loads on servers, by generators in processes of their own."""

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median

from benchmarks.serving.load import Load, Outcome
from benchmarks.serving.questions import ARROW, JSON
from benchmarks.serving.servers import ROOT, Server

__all__ = [
    "ask",
    "ask_bulk",
    "ask_hundred_rows",
    "ask_one_row",
    "first_answer",
    "in_turns",
    "middle",
    "whatever_comes",
]

PATIENCE = 10
FIRST_LIMIT_S = 120.0


def ask(load: Load) -> Outcome:
    """Return the results of a load.

    Raises:
        SystemExit: The answers are not what the model says, or errors; or none comes, in the
            time wanted and then in ten times of it.
    """
    outcome = whatever_comes(load)
    if load.rate is None and not outcome.statuses:
        outcome = whatever_comes(replace(load, seconds=PATIENCE * load.seconds))
    if outcome.wrong:
        raise SystemExit(f"{load.path}: {outcome.wrong} of {outcome.checked} answers are wrong")
    if load.rate is None and set(outcome.statuses) != {"200"}:
        raise SystemExit(f"{load.path}: answers by status: {outcome.statuses}")
    return outcome


def whatever_comes(load: Load) -> Outcome:
    """Return the results of a load, refusals and wrong answers included."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.serving.load"],
        input=json.dumps(asdict(load)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Outcome(**json.loads(done.stdout))


def first_answer(server: Server, folder: Path) -> None:
    """Ask once and wait: the extra work of the first answer is not measured."""
    body = (folder / server.questions / "0").read_bytes()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=FIRST_LIMIT_S)
    with contextlib.closing(connection):
        connection.request("POST", server.path, body, {"Content-Type": JSON})
        connection.getresponse().read()


def ask_one_row(
    server: Server,
    folder: Path,
    connections: int,
    seconds: float,
    rate: float | None = None,
    warm_up_s: float = 1.0,
) -> Outcome:
    """One-row requests."""
    questions = str(folder / server.questions)
    return ask(
        Load(server.port, server.path, JSON, questions, connections, seconds, warm_up_s, rate)
    )


def ask_hundred_rows(
    server: Server, folder: Path, connections: int, seconds: float, rate: float | None = None
) -> Outcome:
    """Return requests of a hundred rows each, as JSON."""
    questions = str(folder / "hundred-rows")
    return ask(Load(server.port, server.path, JSON, questions, connections, seconds, rate=rate))


def ask_bulk(server: Server, model: str, folder: Path, connections: int, seconds: float) -> Outcome:
    """Return requests of 1000 rows each, as Arrow streams."""
    path = f"{server.path}?model={model}"
    return ask(Load(server.port, path, ARROW, str(folder / "bulk"), connections, seconds))


def in_turns(
    servers: Sequence[Server], folder: Path, connections: int, seconds: float, turns: int
) -> dict[str, list[Outcome]]:
    """One-row requests to each in turn, while the others rest."""
    outcomes: dict[str, list[Outcome]] = {server.name: [] for server in servers}
    for server in servers:
        first_answer(server, folder)
        server.rest()
    try:
        for _ in range(turns):
            for server in servers:
                server.wake()
                outcomes[server.name].append(ask_one_row(server, folder, connections, seconds))
                server.rest()
    finally:
        for server in servers:
            server.wake()
    return outcomes


def middle(outcomes: Mapping[str, list[Outcome]], measure: str) -> dict[str, float]:
    """Return the median over the turns of one measure, by server."""
    return {
        name: median(getattr(outcome, measure) for outcome in turns)
        for name, turns in outcomes.items()
    }
