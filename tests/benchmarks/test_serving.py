"""The load generator counts what came back, takes times from when it was due, and checks it."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.serving.answers import is_right
from benchmarks.serving.load import Load, run
from benchmarks.serving.questions import arrow_bytes

BENCHMARK = """
import sys, time
from benchmarks.serving.servers import _free_port, _serving
port = _free_port()
command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
with _serving("ended", command, {}, port, "", "/", "/") as server:
    print(server.process.pid, flush=True)
    time.sleep(60)
"""
ANSWER = {"log_likelihood": [-2.0], "anomaly_score": [0.25]}
Respond = Callable[[int, bytes], tuple[int, object]]


@contextmanager
def server(respond: Respond) -> Iterator[int]:
    """Start a server of simple HTTP, with a thread for each connection and no code of ours."""
    asked = iter(range(10**9))

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as reader:
            while (head := reader.readline()) and head != b"\r\n":
                length = 0
                while (line := reader.readline()) != b"\r\n":
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                status, answer = respond(next(asked), reader.read(length))
                if status == 0:
                    return
                body = json.dumps(answer).encode()
                text = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n\r\n".encode()
                for start in range(0, len(text + body), 40):  # in pieces, as networks do
                    connection.sendall((text + body)[start : start + 40])

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Two questions, and their answers; one is too long for the buffer of a socket."""
    for place, body in enumerate((b"short", b"x" * 8_000_000)):
        (tmp_path / str(place)).write_bytes(body)
    (tmp_path / "answers.json").write_text(json.dumps([ANSWER, ANSWER]))
    return str(tmp_path)


def load(port: int, folder: str, connections: int = 3, rate: float | None = None) -> Load:
    return Load(port, "/score", "text/plain", folder, connections, 0.5, 0.1, rate)


def test_a_closed_loop_asks_every_question_and_counts_every_answer(folder: str) -> None:
    lengths = []

    def respond(_: int, body: bytes) -> tuple[int, object]:
        lengths.append(len(body))
        return 200, ANSWER

    with server(respond) as port:
        outcome = run(load(port, folder))
    assert set(lengths) >= {5, 8_000_000}  # the last ones may be cut off
    assert outcome.statuses == {"200": outcome.offered}
    assert 0 < outcome.offered <= len(lengths)
    assert outcome.per_s == outcome.offered / 0.5
    assert outcome.checked > 0
    assert (outcome.wrong, outcome.cut, outcome.unsent) == (0, 0, 0)


def test_wrong_answers_refusals_and_cut_connections_are_told_apart(folder: str) -> None:
    def respond(number: int, _: bytes) -> tuple[int, object]:
        return (
            (200, {**ANSWER, "log_likelihood": [-2.1]}),
            (429, "full"),
            (0, None),
        )[number % 3]

    with server(respond) as port:
        outcome = run(load(port, folder))
    assert outcome.checked == outcome.wrong > 0
    assert outcome.statuses["429"] > 0
    assert outcome.cut > 0


def test_an_open_loop_offers_its_rate_whatever_comes_back(folder: str) -> None:
    def respond(_: int, body: bytes) -> tuple[int, object]:
        time.sleep(0.2)
        return 200, ANSWER

    with server(respond) as port:
        outcome = run(load(port, folder, connections=4, rate=200))
    assert 30 <= outcome.offered <= 150  # that is due in half a second, Poisson
    assert outcome.unsent > 0
    assert outcome.p50_ms >= 200


@pytest.mark.parametrize("place", ["log_likelihood", "anomaly_score"])
def test_answers_of_every_format_are_compared_with_the_model(place: str) -> None:
    rows = {"log_likelihood": [-2.0, -300.0], "anomaly_score": [0.25, 0.5]}
    off = {**rows, place: [rows[place][0], rows[place][1] + np.sign(rows[place][1]) * 0.4]}
    for found, right in ((rows, True), (off, False)):
        plain = json.dumps({"model": {}, **found}).encode()
        outputs = [{"name": name, "data": values} for name, values in found.items()]
        bodies = plain, json.dumps({"outputs": outputs}).encode(), arrow_bytes(pa.table(found))
        assert [is_right(body, rows) for body in bodies] == [right] * 3
    assert not is_right(json.dumps({**rows, place: [rows[place][0]]}).encode(), rows)


def test_a_benchmark_that_is_ended_takes_its_servers_with_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BENCHMARK],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as benchmark:
        assert benchmark.stdout is not None
        server = int(benchmark.stdout.readline())
        os.kill(server, 0)
        benchmark.terminate()
        assert benchmark.wait(timeout=60) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)
