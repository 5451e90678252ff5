"""Workers that send what is no answer, never finish loading, or take too much memory."""

import asyncio
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from madeira.app.engine.worker_connection import WorkerConnection
from madeira.app.errors import ComputationError, PoisonousJobError, UnavailableError
from madeira.app.ipc.frames import MAX_BODY_BYTES, MAX_HEADER_BYTES
from madeira.app.ipc.heartbeat import create_heartbeat
from madeira.app.jobs import ModelKey, ScoreJob
from madeira.app.workers.execute import execute
from madeira.models import DensityEstimator
from tests.app.crew import KEY, Crew, crew
from tests.app.faulty_worker import (
    DEADLY_VERSION,
    ENDLESS_VERSION,
    LARGE,
    SENSELESS,
    marked,
)
from tests.waiting import wait_until

LIMIT_BYTES = 3 * 2**29


@pytest.fixture(scope="module")
def bounded(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    """Yield a worker of bounded memory that has half a minute to load a model."""
    directory = Path(shutil.copytree(checkpoints, tmp_path_factory.mktemp("models") / "all"))
    for version in (ENDLESS_VERSION, DEADLY_VERSION):
        shutil.copytree(directory / "shop" / "1", directory / "shop" / version)
    with crew(directory, load_timeout_s=30.0, memory_limit_bytes=LIMIT_BYTES) as running:
        yield running


@pytest.fixture(scope="module")
def job(estimator: DensityEstimator, shop_table: object) -> ScoreJob:
    return ScoreJob(KEY, estimator.schema.encode(shop_table)[:1], False)


def assert_answers(workers: Crew, job: ScoreJob, estimator: DensityEstimator) -> None:
    wait_until(lambda: workers.engine.usable == 1)
    found = workers.run(workers.engine.run(job))
    expected = execute(job, estimator.density)
    np.testing.assert_allclose(found.log_likelihood, expected.log_likelihood, rtol=1e-3)


def test_a_job_that_needs_too_much_memory_fails_alone(
    bounded: Crew, job: ScoreJob, estimator: DensityEstimator
) -> None:
    pids = bounded.state.pids
    with pytest.raises(ComputationError, match="not enough memory"):
        bounded.run(bounded.engine.run(ScoreJob(KEY, marked(job.values, LARGE), False)))
    assert_answers(bounded, job, estimator)
    assert bounded.state.pids == pids


def test_a_version_that_does_not_finish_loading_is_refused_and_does_not_come_again(
    bounded: Crew, job: ScoreJob, estimator: DensityEstimator
) -> None:
    (pid,) = bounded.state.pids
    with pytest.raises(UnavailableError, match="could not be loaded within 30 s"):
        bounded.run(bounded.engine.prepare(ModelKey("shop", ENDLESS_VERSION)))
    wait_until(lambda: bounded.state.pids[0] not in (pid, None))
    assert_answers(bounded, job, estimator)


def test_a_version_that_kills_who_loads_it_is_refused_and_does_not_come_again(
    bounded: Crew, job: ScoreJob, estimator: DensityEstimator
) -> None:
    restarts = bounded.state.restarts
    with pytest.raises(UnavailableError, match="2 workers ended while they loaded it"):
        bounded.run(bounded.engine.prepare(ModelKey("shop", DEADLY_VERSION)))
    assert_answers(bounded, job, estimator)
    assert bounded.state.restarts == restarts + 2


def test_a_job_after_which_workers_send_no_frames_is_refused(
    bounded: Crew, job: ScoreJob, estimator: DensityEstimator
) -> None:
    with pytest.raises(PoisonousJobError):
        bounded.run(bounded.engine.run(ScoreJob(KEY, marked(job.values, SENSELESS), False)))
    assert_answers(bounded, job, estimator)


TALKER = """
import socket, sys, time
from pathlib import Path
from madeira.app.ipc.frames import encode_frame
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("listens", flush=True)
connection, _ = listener.accept()
for part in encode_frame({"kind": "hello", "pid": 1, "heartbeat": "0-1.heartbeat"}, {}):
    connection.sendall(part)
connection.recv(1)
connection.sendall(bytes.fromhex(sys.stdin.readline()))
time.sleep(3600)
"""
"""A worker that greets, and when it has been sent anything answers what it was told to."""


def frame(header: str, header_size: int | None = None, body_size: int = 0) -> bytes:
    text = header.encode()
    text += b" " * (-len(text) % 16)
    size = len(text) if header_size is None else header_size
    return b"MDR1" + size.to_bytes(4, "little") + body_size.to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "sent",
    [
        b"x" * 100,
        frame("{}", header_size=MAX_HEADER_BYTES + 16),
        frame("{}", body_size=MAX_BODY_BYTES + 16),
        frame("{}", header_size=7),
        frame('{"arrays": []'),
        frame('{"arrays": 7}'),
        frame("[" * 10_000),
        frame('{"arrays": [["x", "|O8", [1]]]}', body_size=16) + bytes(16),
        frame('{"arrays": [["x", "<f8", [9]]]}', body_size=16) + bytes(16),
        frame('{"kind": "prepared", "arrays": []}'),
        frame('{"kind": "prepared", "number": 1, "error": {}, "arrays": []}'),
        frame('{"kind": "hello", "pid": 1, "heartbeat": "0-1.heartbeat", "arrays": []}'),
        frame('{"kind": "answer", "number": [], "arrays": []}'),
        frame('{"kind": "answer", "number": 7, "places": "x", "arrays": []}'),
    ],
    ids=lambda sent: sent[:60].decode("latin-1"),
)
def test_what_is_no_answer_ends_its_worker_and_counts_against_what_it_held(
    tmp_path_factory: pytest.TempPathFactory, sent: bytes
) -> None:
    directory = tmp_path_factory.mktemp("r")
    path = directory / "0.sock"
    create_heartbeat(directory / "0-1.heartbeat", 60.0)
    talker = subprocess.Popen(
        [sys.executable, "-c", TALKER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert talker.stdin is not None
    assert talker.stdout is not None
    talker.stdout.readline()

    async def talk() -> frozenset[int]:
        loop = asyncio.get_running_loop()
        lost: asyncio.Future[frozenset[int]] = loop.create_future()
        ready = asyncio.Event()

        def answered(connection: WorkerConnection, frame: object) -> None:
            del connection.in_flight[frame.header["number"]]  # type: ignore[attr-defined]

        def ended(connection: WorkerConnection, computing: frozenset[int]) -> None:
            lost.set_result(computing)
            connection.close()

        connection = WorkerConnection(path, answered, ended, ready.set, list)
        connection.open()
        await ready.wait()
        connection.in_flight[5] = connection.in_flight[6] = None  # type: ignore[assignment]
        connection.write([b"work"])
        return await asyncio.wait_for(lost, 60)

    talker.stdin.write(sent.hex() + "\n")
    talker.stdin.flush()
    try:
        blamed = asyncio.run(talk())
    except BaseException:
        talker.kill()
        raise
    finally:
        talker.communicate()
    assert blamed >= {6}
    assert talker.returncode == -signal.SIGKILL
