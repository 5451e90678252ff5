"""The peers at their best: a small grid each, measured by the load that counts."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.serving.asking import ask_one_row, first_answer
from benchmarks.serving.servers import Server, litserve, mlserver

__all__ = ["Peer", "best_options", "peers"]

Options = Mapping[str, Any]
Start = Callable[[Options], AbstractContextManager[Server]]


@dataclass(frozen=True)
class Peer:
    """A server that has to be tuned.

    Attributes:
        name: What it is called.
        start: Starts it as told.
        first: Settings of its batches, all combinations of which are tried.
        then: Changes that are tried one by one to the best of these.
        usual: What the others are set to.
        installed: Where its environment is.
    """

    name: str
    start: Start
    first: Mapping[str, tuple[Any, ...]]
    then: tuple[Options, ...]
    usual: Options
    installed: Path


def peers(checkpoint: Path, folder: Path, quick: bool) -> list[Peer]:
    """Those that are installed; where one is not, it is said how to."""
    every = [
        Peer(
            "LitServe",
            lambda options: litserve(checkpoint, options),
            {"max_batch_size": (16, 64), "batch_timeout": (0.001, 0.005, 0.02)},
            ({"workers_per_device": 2}, {"fast_queue": True}, {"api_servers": 2}, {"threads": 2}),
            {"workers_per_device": 1, "fast_queue": False, "api_servers": 1, "threads": 1},
            Path(".bench/serving"),
        ),
        Peer(
            "MLServer",
            lambda options: mlserver(checkpoint, folder / "mlserver", options),
            {"max_batch_size": (64,), "max_batch_time": (0.001, 0.005, 0.02)},
            ({"parallel_workers": 0}, {"parallel_workers": 2}),
            {"parallel_workers": 1, "threads": 1},
            Path(".bench/mlserver"),
        ),
    ]
    found = [peer for peer in every if (peer.installed / ".installed").exists()]
    for peer in every:
        if peer not in found:
            print(f"left out: {peer.name}, which `make bench-setup` installs")
    if quick:
        found = [
            replace(
                peer,
                first={name: tried[-2:-1] or tried for name, tried in peer.first.items()},
                then=(),
            )
            for peer in found
        ]
    return found


def best_options(peer: Peer, folder: Path, connections: int, seconds: float) -> Options:
    """Return the settings with which a peer answers most one-row requests a second."""
    measured: dict[str, tuple[float, Options]] = {}

    def measure(options: Options) -> None:
        key = json.dumps(options, sort_keys=True)
        if key in measured:
            return
        with peer.start(options) as server:
            first_answer(server, folder)
            outcome = ask_one_row(server, folder, connections, seconds)
        measured[key] = outcome.per_s, options
        print(
            f"  {peer.name} {key}: {outcome.per_s:.0f}/s, p99 {outcome.p99_ms:.1f} ms", flush=True
        )

    batching = list(_combinations(peer.first))
    if len(batching) == 1 and not peer.then:
        return {**peer.usual, **batching[0]}
    for options in batching:
        measure({**peer.usual, **options})
    best = max(measured.values(), key=lambda one: one[0])[1]
    for change in peer.then:
        measure({**best, **change})
    return max(measured.values(), key=lambda one: one[0])[1]


def _combinations(grid: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))
