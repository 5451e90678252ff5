"""The start of `madeira serve`: live at once, ready later, and ended at any moment."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import httpx
import pytest

from tests.cli.process_tree import assert_all_end, descendants
from tests.waiting import LIMIT_S, wait_until

Process = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def several(checkpoints: Path, tmp_path: Path) -> Path:
    """Three models."""
    (model,) = [path for path in checkpoints.iterdir() if path.is_dir()]
    for name in "abc":
        shutil.copytree(model / "1", tmp_path / name / "1")
    return tmp_path


def answers(port: int, path: str) -> Iterator[httpx.Response]:
    """Return the answers of a path, from when the service listens."""
    deadline = time.monotonic() + LIMIT_S
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=LIMIT_S) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):  # nobody listens yet
                yield client.get(path)
            time.sleep(0.05)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_it_is_live_before_it_is_ready_and_never_says_otherwise(
    processes: str, several: Path, port: int, process: Process
) -> None:
    running = process(
        *("serve", "--port", str(port), "--checkpoints", several, "--default-model", "b"),
        *("--api-processes", processes, "--log-level", "info"),
    )
    unready = 0
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=LIMIT_S) as client:
            for answer in answers(port, "/health/live"):
                assert answer.status_code == 200, answer.text
                ready = client.get("/health/ready")
                if ready.status_code == 200:
                    break
                assert ready.headers["content-type"] == "application/problem+json"
                unready += 1
            if processes == "1":
                assert ready.json()["models"] == ["a", "b", "c"]
    finally:
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=LIMIT_S)
    assert unready > 0
    assert running.returncode == 0
    served = re.findall(r"serving (\w) version", err)
    assert len(served) == 3 * int(processes)
    if processes == "1":
        assert served == ["b", "a", "c"]  # the default one first


SIGNALS = signal.SIGTERM, signal.SIGINT, signal.SIGHUP
OFTEN = {  # each signal, number of processes and moment once; the others run with -m slow
    (signal.SIGTERM, "1", "loading"),
    (signal.SIGINT, "2", "importing"),
    (signal.SIGHUP, "1", "listening"),
}
STARTS = [
    pytest.param(*one, marks=() if one in OFTEN else pytest.mark.slow)
    for one in product(SIGNALS, ("1", "2"), ("listening", "importing", "loading"))
]


@pytest.mark.parametrize(("number", "processes", "moment"), STARTS)
def test_a_start_can_be_ended_at_any_moment(
    number: signal.Signals,
    processes: str,
    moment: str,
    several: Path,
    port: int,
    process: Process,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scratch = tmp_path_factory.mktemp("t")
    monkeypatch.setenv("TMPDIR", str(scratch))
    running = process(
        *("serve", "--port", str(port), "--checkpoints", several, "--api-processes", processes)
    )
    path = {"listening": None, "importing": "/health/live", "loading": "/models"}[moment]
    if path is not None:
        next(one for one in answers(port, path) if one.status_code == 200)
    else:
        wait_until(lambda: takes_connections(port))
    started = descendants(running.pid)
    running.send_signal(number)
    _, err = running.communicate(timeout=LIMIT_S)
    assert "Traceback" not in err
    # Before there is a handler, the signal itself ends the process; Ctrl-C is 130 then.
    assert running.returncode in ((0,) if moment == "loading" else (0, -number, 130))
    assert_all_end(started)
    if running.returncode == 0:
        assert list(scratch.iterdir()) == []


def takes_connections(port: int) -> bool:
    """Whether the port is taken."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_second_ctrl_c_ends_it_at_once_without_a_traceback(
    processes: str, checkpoints: Path, port: int, process: Process
) -> None:
    running = process(
        *("serve", "--port", str(port), "--checkpoints", checkpoints),
        *("--api-processes", processes, "--drain-timeout-s", "600"),
    )
    next(one for one in answers(port, "/health/ready") if one.status_code == 200)
    started = descendants(running.pid)
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        time.sleep(0.5)  # it is there; what follows waits for its body
        running.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=LIMIT_S)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert_all_end(started)


def test_a_hangup_drains_as_other_signals_do(
    checkpoints: Path, port: int, process: Process
) -> None:
    running = process("serve", "--port", str(port), "--checkpoints", checkpoints)
    next(one for one in answers(port, "/health/ready") if one.status_code == 200)
    body = b'{"n": 1}'
    head = b"POST /sample HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as slow:
        slow.sendall(head)
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as other:
            # Behind it, what came before has been read.
            other.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert other.recv(100).startswith(b"HTTP/1.1 200")
        os.kill(running.pid, signal.SIGHUP)
        time.sleep(0.5)
        slow.sendall(body)
        assert slow.recv(100).startswith(b"HTTP/1.1 200")
    _, err = running.communicate(timeout=LIMIT_S)
    assert running.returncode == 0
    assert "Traceback" not in err
