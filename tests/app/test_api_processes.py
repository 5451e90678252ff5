"""Several API processes count together, and change versions together."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.app.running import Document, urls_of
from tests.waiting import LIMIT_S, wait_until


@dataclass
class Running:
    """A service of two API processes."""

    process: "subprocess.Popen[str]"
    url: str
    directory: Path

    def post(self, path: str, document: object = None) -> Document:
        """Return the answer on a connection of its own: whichever process takes it."""
        answer = httpx.post(f"{self.url}{path}", json=document, timeout=60)
        assert answer.status_code == 200, answer.text
        found: Document = answer.json()
        return found

    def number(self, name: str) -> float:
        """Return a number of the metrics, 0 where it is not there."""
        page = httpx.get(f"{self.url}/metrics", timeout=60).text
        found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def api_processes(self) -> list[int]:
        """Those that answer requests."""
        return self.started("madeira.app.server.api_process")

    def started(self, module: str) -> list[int]:
        """Those of its processes that run a module."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                parent = (path.parent / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == self.process.pid and module in path.read_text():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found


@pytest.fixture(scope="module")
def two(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = Path(shutil.copytree(checkpoints, tmp_path_factory.mktemp("models") / "all"))
    command = [
        sys.executable,
        "-m",
        "madeira",
        "serve",
        "--port",
        "0",
    ]
    command += ["--checkpoints", str(directory), "--api-processes", "2", "--threads", "1"]
    command += ["--reload-interval-s", "0", "--log-level", "critical"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield Running(process, urls_of(process)[0], directory)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0


def test_requests_add_up_whoever_answers(two: Running) -> None:
    name = 'madeira_requests_total{route="/score",status="200"}'
    rows = 'madeira_rows_total{job="score",model="shop",version="1"}'
    before, rows_before = two.number(name), two.number(rows)
    for _ in range(20):
        two.post("/score", {"rows": [{"city": "Funchal"}, {}]})
    for _ in range(6):
        assert two.number(name) == before + 20
        assert two.number(rows) == rows_before + 40
    assert two.number('madeira_model_loads_total{model="shop",result="loaded"}') == 2
    assert two.number("madeira_workers_usable") == 1


def test_what_waits_is_told_and_goes_with_its_process(two: Running) -> None:
    assert two.number("madeira_queue_cost") == 0
    name = 'madeira_requests_total{route="/models",status="200"}'
    httpx.get(f"{two.url}/models")
    counted = two.number(name)
    host, port = two.url.removeprefix("http://").split(":")
    body = b'{"n": 1}'
    (worker,) = two.started("madeira.app.workers.process")
    with socket.create_connection((host, int(port))) as waiting:
        os.kill(worker, signal.SIGSTOP)
        waiting.sendall(
            b"POST /sample HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        wait_until(lambda: two.number("madeira_queue_cost") > 0)
        for pid in two.api_processes():
            os.kill(pid, signal.SIGKILL)
        os.kill(worker, signal.SIGCONT)

        def is_back() -> bool:
            try:
                return httpx.get(f"{two.url}/health/ready", timeout=60).is_success
            except httpx.TransportError:
                return False

        wait_until(is_back)
        wait_until(lambda: len(two.api_processes()) == 2)
        assert two.number("madeira_queue_cost") == 0
        assert two.number(name) == counted


def test_a_reload_reaches_all_of_them(two: Running) -> None:
    beside = two.directory / "shop" / ".2"
    shutil.copytree(two.directory / "shop" / "1", beside)
    beside.rename(two.directory / "shop" / "2")

    assert two.post("/models/shop/reload") == {
        "name": "shop", "version": "2", "previous": "1", "behind": 0, "refused": []
    }  # fmt: skip
    versions = [two.post("/score", {"rows": [{}]})["model"]["version"] for _ in range(30)]
    assert set(versions) == {"2"}
    # Each has counted a version taken into service: that which was asked, and that which was told.
    assert two.number('madeira_model_loads_total{model="shop",result="loaded"}') >= 4


def test_processes_that_are_killed_before_they_serve_are_started_again_however_often(
    two: Running,
) -> None:
    for _ in range(5):
        before = frozenset(two.api_processes())
        os.kill(max(before), signal.SIGKILL)  # the one that started last
        wait_until(partial(_another, two, before))
    assert two.process.poll() is None
    row = {"rows": [{"city": "Funchal"}]}
    assert len(two.post("/score", row)["log_likelihood"]) == 1


def _another(running: Running, before: frozenset[int]) -> bool:
    return bool(set(running.api_processes()) - before)
