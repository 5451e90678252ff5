"""`madeira serve` with processes of every kind killed in turn: answers go on, nothing is left."""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.app.running import urls_of
from tests.cli.process_tree import alive, assert_all_end, command_line, descendants
from tests.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@dataclass
class Service:
    """Two API processes, a worker and a spare."""

    process: "subprocess.Popen[str]"
    url: str
    log: Path
    seen: set[int] = field(default_factory=set)

    def named(self, word: str) -> list[int]:
        """Its processes whose command line holds a word, the oldest first."""
        found = sorted(descendants(self.process.pid))
        self.seen.update(found)
        return [pid for pid in found if word in command_line(pid)]

    def workers(self) -> list[int]:
        """Return the worker and the spare."""
        return self.named("madeira.app.workers.process")

    def all_there(self) -> bool:
        """Whether every process is there, and can compute."""
        if len(self.workers()) != 2 or len(self.named("madeira.app.server.api_process")) != 2:
            return False
        try:
            # Whichever process answers: each of them must say so several times.
            answers = [httpx.get(f"{self.url}/health/ready", timeout=60) for _ in range(8)]
        except httpx.TransportError:
            return False
        return all(one.is_success and one.json()["spares"]["usable"] == 1 for one in answers)


def _is_gone(pid: int) -> bool:
    return not alive(pid)


@pytest.fixture(scope="module")
def service(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    log = tmp_path_factory.mktemp("log") / "log"
    command = [
        sys.executable,
        "-m",
        "madeira",
        "serve",
        "--port",
        "0",
    ]
    command += ["--checkpoints", str(checkpoints), "--api-processes", "2", "--threads", "1"]
    command += ["--spare-workers", "1", "--log-level", "error"]
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True)
    try:
        running = Service(process, urls_of(process)[0], log)
        wait_until(running.all_there)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LIMIT_S)


def ask(service: Service) -> int:
    """Return the status of a request on a connection of its own."""
    return httpx.post(f"{service.url}/score", json={"rows": [{}]}, timeout=LIMIT_S).status_code


def test_no_request_fails_when_the_only_worker_is_killed(service: Service) -> None:
    worker, spare = service.workers()
    statuses: list[int] = []
    ended = threading.Event()

    def caller() -> None:
        while not ended.is_set():
            statuses.append(ask(service))

    callers = [threading.Thread(target=caller) for _ in range(4)]
    for one in callers:
        one.start()
    wait_until(lambda: len(statuses) >= 20)
    os.kill(worker, signal.SIGKILL)
    before = len(statuses)
    wait_until(lambda: len(statuses) >= before + 40)
    assert service.workers() != [worker, spare]
    ended.set()
    for one in callers:
        one.join()
    assert set(statuses) == {200}
    wait_until(service.all_there)
    assert spare in service.workers()


def test_an_api_process_is_started_when_there_are_descriptors_again(service: Service) -> None:
    wait_until(service.all_there)
    parent, one = service.process.pid, service.named("madeira.app.server.api_process")[0]
    bounds = resource.prlimit(parent, resource.RLIMIT_NOFILE)
    resource.prlimit(parent, resource.RLIMIT_NOFILE, (3, bounds[1]))
    os.kill(one, signal.SIGKILL)
    wait_until(lambda: "an API process cannot be started: Too many" in service.log.read_text())
    assert ask(service) == 200
    resource.prlimit(parent, resource.RLIMIT_NOFILE, bounds)
    wait_until(service.all_there)


def test_every_process_is_replaced_and_none_is_left_when_the_parent_is_killed(
    service: Service,
) -> None:
    wait_until(service.all_there)
    for pid in [*service.workers(), *service.named("madeira.app.server.api_process")]:
        os.kill(pid, signal.SIGKILL)
        wait_until(partial(_is_gone, pid))
        wait_until(service.all_there)
        assert len(descendants(service.process.pid)) == 4
    service.process.kill()
    service.process.wait()

    assert_all_end(service.seen)
