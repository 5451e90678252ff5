"""`madeira serve` told to stop under load: who was admitted is answered, nothing is left."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from madeira.app.processes.runtime_directory import remove_abandoned
from tests.app.running import urls_of
from tests.cli.process_tree import alive, assert_all_end, descendants
from tests.waiting import LIMIT_S

Process = Callable[..., "subprocess.Popen[str]"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

ROWS = 150_000


def address(running: "subprocess.Popen[str]") -> str:
    """Where a service says that it listens; it has started."""
    return urls_of(running)[0]


@pytest.mark.parametrize("processes", [1, 2])
def test_who_was_admitted_is_answered_and_nothing_is_left(
    processes: int,
    checkpoints: Path,
    process: Process,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scratch = tmp_path_factory.mktemp("t")
    monkeypatch.setenv("TMPDIR", str(scratch))
    running = process(
        *("serve", "--port", "0", "--checkpoints", checkpoints),
        *("--api-processes", str(processes), "--drain-timeout-s", str(LIMIT_S)),
    )
    try:
        url = address(running)
        (runtime,) = scratch.glob("madeira-*")
        assert runtime.stat().st_mode & 0o777 == 0o700
        started = descendants(running.pid)
        assert len(started) >= (1 if processes == 1 else 1 + processes)
        answers: list[httpx.Response] = []
        begun = threading.Semaphore(0)

        def ask() -> None:
            body = {"n": ROWS}
            with httpx.stream("POST", f"{url}/sample", json=body, timeout=LIMIT_S) as answer:
                begun.release()
                answer.read()
            answers.append(answer)

        asking = [threading.Thread(target=ask) for _ in range(4)]
        for thread in asking:
            thread.start()
        assert all(begun.acquire(timeout=LIMIT_S) for _ in asking)
        running.send_signal(signal.SIGTERM)
        refusals = []
        while any(thread.is_alive() for thread in asking):
            try:
                answer = httpx.post(f"{url}/sample", json={"n": 1}, timeout=LIMIT_S)
            except httpx.TransportError:
                break
            if answer.status_code == 503:
                refusals.append(answer)
        for thread in asking:
            thread.join()
    finally:
        _, err = running.communicate(timeout=LIMIT_S)
    assert running.returncode == 0
    assert "Traceback" not in err
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [len(answer.json()["rows"]) for answer in answers] == [ROWS] * 4
    assert refusals, "who came while it drained was not told so"
    assert {answer.headers["connection"] for answer in refusals} == {"close"}
    assert not any(alive(pid) for pid in started)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_workers_end_with_an_owner_that_is_killed(
    processes: int,
    checkpoints: Path,
    process: Process,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scratch = tmp_path_factory.mktemp("t")
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    running = process(
        "serve", "--port", "0", "--checkpoints", checkpoints, "--api-processes", str(processes)
    )
    address(running)
    started = descendants(running.pid)
    running.kill()
    running.communicate(timeout=LIMIT_S)
    assert_all_end(started)
    assert len(list(scratch.iterdir())) == 1
    remove_abandoned()  # as the next service does when it starts
    assert list(scratch.iterdir()) == []


def test_an_api_process_that_is_killed_is_replaced(checkpoints: Path, process: Process) -> None:
    running = process("serve", "--port", "0", "--checkpoints", checkpoints, "--api-processes", "2")
    try:
        url = address(running)
        serving = {
            pid
            for pid in descendants(running.pid)
            if b"api_process" in Path(f"/proc/{pid}/cmdline").read_bytes()
        }
        assert len(serving) == 2
        os.kill(min(serving), signal.SIGKILL)
        for _ in range(20):
            with httpx.Client(base_url=url, timeout=LIMIT_S) as client:
                assert client.post("/sample", json={"n": 1}).status_code == 200
    finally:
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=LIMIT_S)
    assert running.returncode == 0
    assert "is started again" in err


def test_api_processes_without_an_owner_answer_what_they_hold_and_go(
    checkpoints: Path, process: Process
) -> None:
    running = process(
        *("serve", "--port", "0", "--checkpoints", checkpoints, "--api-processes", "2"),
        *("--drain-timeout-s", "600"),
    )
    url = address(running)
    started = descendants(running.pid)
    ended: list[object] = []

    def ask() -> None:
        body = {"n": 1_000_000}
        try:
            ended.append(httpx.post(f"{url}/sample", json=body, timeout=LIMIT_S).status_code)
        except httpx.TransportError as error:  # the answer had begun, and is cut off
            ended.append(error)

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    time.sleep(0.5)
    running.kill()
    running.communicate(timeout=LIMIT_S)
    for thread in asking:
        thread.join()
    # Each ends because of this, long before the time for draining is over.
    assert len(ended) == 4
    assert 200 not in ended
    assert_all_end(started)
