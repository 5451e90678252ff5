"""Puts loads on servers, by generators in processes of their own."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from benchmarks.serving.load import Load, Outcome
from benchmarks.serving.questions import ARROW, JSON
from benchmarks.serving.servers import ROOT, Server

__all__ = ["ask", "ask_bulk", "ask_one_row", "in_turns", "middle"]


def ask(load: Load) -> Outcome:
    """What comes of a load.

    Raises:
        SystemExit: The answers are not what the model says, or errors.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.serving.load"],
        input=json.dumps(asdict(load)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    outcome = Outcome(**json.loads(done.stdout))
    if outcome.wrong:
        raise SystemExit(f"{load.path}: {outcome.wrong} of {outcome.checked} answers are wrong")
    if load.rate is None and set(outcome.statuses) - {"200"}:
        raise SystemExit(f"{load.path}: answers by status: {outcome.statuses}")
    return outcome


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


def ask_bulk(server: Server, model: str, folder: Path, connections: int, seconds: float) -> Outcome:
    """Requests of 1000 rows each, as Arrow streams."""
    path = f"{server.path}?model={model}"
    return ask(Load(server.port, path, ARROW, str(folder / "bulk"), connections, seconds))


def in_turns(
    servers: Sequence[Server], folder: Path, connections: int, seconds: float, turns: int
) -> dict[str, list[Outcome]]:
    """One-row requests to each in turn, while the others rest."""
    outcomes: dict[str, list[Outcome]] = {server.name: [] for server in servers}
    for server in servers:
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
    """The median over the turns of one measure, by server."""
    return {
        name: median(getattr(outcome, measure) for outcome in turns)
        for name, turns in outcomes.items()
    }
