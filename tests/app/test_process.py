"""The service as a process of its own: it starts, answers, and leaves in order."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

START_LIMIT_S = 150


@contextmanager
def serving(checkpoints: Path, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a process that serves; yield it and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "madeira.app.main:create_app"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--log-level", "warning"],
        env={**os.environ, "MADEIRA_CHECKPOINTS": str(checkpoints), **variables},
        stderr=subprocess.PIPE,
        text=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_LIMIT_S
        while process.poll() is None and time.monotonic() < deadline:
            try:
                ready = httpx.get(f"{address}/health/ready")
                if ready.is_success or "No model is served" in ready.text:
                    break
            except httpx.TransportError:
                pass  # nobody listens yet
            time.sleep(0.1)
        yield process, address
    finally:
        process.kill()
        process.communicate()


def test_a_request_under_way_is_answered_before_the_service_leaves(checkpoints: Path) -> None:
    with serving(checkpoints, MADEIRA_STREAM_CHUNK_ROWS="256") as (process, address):
        answers: list[httpx.Response] = []

        def ask() -> None:
            answers.append(httpx.post(f"{address}/sample", json={"n": 60_000}, timeout=60))

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        asking.join()
        assert process.wait(30) in (0, -signal.SIGTERM)  # uvicorn raises the signal again
        (answer,) = answers
        assert answer.status_code == 200
        assert len(answer.json()["rows"]) == 60_000


def test_a_misspelt_setting_stops_start_up(checkpoints: Path) -> None:
    with serving(checkpoints, MADEIRA_DEVISES="cpu") as (process, _):
        assert process.wait(START_LIMIT_S) != 0
        assert process.stderr is not None
        assert "Did you mean 'MADEIRA_DEVICES'?" in process.stderr.read()


def test_what_is_refused_is_logged(tmp_path: Path) -> None:
    (tmp_path / "broken" / "1").mkdir(parents=True)
    with serving(tmp_path) as (process, address):
        assert httpx.get(f"{address}/health/ready").status_code == 503
        process.terminate()
        _, log = process.communicate(timeout=30)
        assert "refusing broken version 1" in log


@pytest.mark.parametrize("connections", [8])
def test_many_callers_at_once_get_their_own_answers(checkpoints: Path, connections: int) -> None:
    cities = ["Funchal", "Machico", "São Vicente", "elsewhere"]
    with serving(checkpoints) as (_, address), httpx.Client(base_url=address) as client:
        alone = {
            city: client.post("/score", json={"rows": [{"city": city}]}).json()["log_likelihood"]
            for city in cities
        }
        wrong: list[object] = []

        def ask(seed: int) -> None:
            with httpx.Client(base_url=address, timeout=60) as mine:
                for turn in range(20):
                    city = cities[(seed + turn) % len(cities)]
                    got = mine.post("/score", json={"rows": [{"city": city}]}).json()
                    if got["log_likelihood"] != alone[city]:
                        wrong.append((city, got))

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
