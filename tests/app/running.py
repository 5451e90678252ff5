"""The real service in a thread of the test, behind a real socket."""

import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from madeira.app.http.routes import ServiceApp
from madeira.app.ipc.worker_config import WORKER_MODULE
from madeira.app.main import create_app
from madeira.app.server.http_server import HttpServer
from madeira.app.settings import Settings
from madeira.app.traces import Traces

__all__ = ["Document", "RunningService", "assert_problem", "running", "urls_of"]

START_LIMIT_S = 150

Document = dict[str, Any]


@dataclass(frozen=True)
class RunningService:
    """A service that listens.

    Attributes:
        app: The application, to look behind the answers.
        client: Talks to it.
        port: Where it listens, on the loopback address.
        server: What listens.
    """

    app: ServiceApp
    client: httpx.Client
    port: int
    server: HttpServer

    def post(self, path: str, document: object) -> Document:
        """Send a document; return the document of the answer, which must be a success."""
        answer = self.client.post(path, json=document)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        found: Document = answer.json()
        return found

    def refuse(self, path: str, document: object, status: int = 422) -> Document:
        """Send a document that must be refused; return the problem document."""
        answer = self.client.post(path, json=document)
        return assert_problem(answer, status)


def assert_problem(answer: httpx.Response, status: int) -> Document:
    """Check that an answer is a problem document of this status, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: Document = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "errors", "request_id"}
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert all(set(error) == {"row", "column", "message"} for error in problem["errors"])
    return problem


def urls_of(process: "subprocess.Popen[str]") -> list[str]:
    """Return the addresses that `madeira serve` prints before it has started."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        if line == "Madeira has started\n":
            return re.findall(r"http://\S+", said)
        said += line
    pytest.fail(f"the service did not start: {said}")


@contextmanager
def running(
    settings: Settings, worker_module: str = WORKER_MODULE, traces: Traces | None = None
) -> Iterator[RunningService]:
    """Start a service on a free port, and stop it at the end."""
    app = create_app(settings, worker_module=worker_module, traces=traces)
    loaded = threading.Event()
    server = HttpServer(lambda: app, settings, loaded.set)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    port = listener.getsockname()[1]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        deadline = time.monotonic() + START_LIMIT_S
        while not loaded.wait(0.01):
            assert thread.is_alive(), "the service did not start"
            assert time.monotonic() < deadline, "the service did not start in time"
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=START_LIMIT_S) as client:
            yield RunningService(app, client, port, server)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
