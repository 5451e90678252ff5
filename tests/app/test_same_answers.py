"""The same request has the same answer: whatever the chunks, the workers and the other callers."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.app.running import RunningService

Request = tuple[str, dict[str, Any]]

CLIENTS = 6
TURNS = 8


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the bundled model of loans."""
    directory = tmp_path_factory.mktemp("bundled")
    checkpoint = Path(__file__).parents[2] / "checkpoints" / "loans"
    shutil.copytree(checkpoint, directory / "loans")
    return directory


def requests(rows: list[dict[str, Any]]) -> list[Request]:
    """Return requests of every kind and of several sizes, from the rows of a model."""
    generator = np.random.default_rng(0)
    gaps = [
        {name: None if generator.random() < 0.4 else value for name, value in row.items()}
        for row in rows
    ]
    found: list[Request] = []
    for size in (1, 2, 5, 33, 60):
        found += [
            ("/score", {"rows": rows[:size]}),
            ("/score", {"rows": gaps[:size], "contributions": size < 6}),
            ("/sample", {"n": size, "seed": size, "log_likelihood": True}),
            ("/sample", {"n": size, "seed": size, "given": dict(list(rows[3].items())[:2])}),
            ("/impute", {"rows": gaps[:size], "seed": size}),
            ("/impute", {"rows": gaps[:size], "seed": size, "draws": 3}),
        ]
    for estimate in ("mean", "median", "mode"):
        found.append(("/impute", {"rows": gaps[:20], "estimate": estimate, "seed": 0}))
    return found


def answer_of(service: RunningService, request: Request) -> bytes:
    answer = service.client.post(request[0], json=request[1])
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.parametrize("which", ["shop", "loans"])
def test_the_same_request_has_the_same_bytes(
    which: str,
    start: Callable[..., RunningService],
    checkpoints: Path,
    bundled: Path,
) -> None:
    directory = {"shop": checkpoints, "loans": bundled}[which]
    alone = start(checkpoints=directory)
    first = alone.post("/sample", {"n": 60, "seed": 1})
    asked = requests(first["rows"])
    expected = [answer_of(alone, request) for request in asked]
    for settings in (
        {"compute_chunk_rows": 7, "stream_chunk_rows": 3, "batch_delay_ms": 5},
        {"compute_chunk_rows": 33, "stream_chunk_rows": 17, "devices": "cpu:2", "threads": 2},
    ):
        service = start(checkpoints=directory, **settings)
        wrong: list[Request] = []

        def ask(client: int, service: RunningService = service, wrong: Any = wrong) -> None:  # noqa: ANN401
            order = np.random.default_rng(client).permutation(len(asked))
            for place in order[:TURNS]:
                if answer_of(service, asked[place]) != expected[place]:
                    wrong.append(asked[place])

        clients = [threading.Thread(target=ask, args=(client,)) for client in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert not wrong
