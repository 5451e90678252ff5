"""A copy of the project with the real service running in it, for the documents' examples."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.tree import ROOT, project_files

__all__ = ["Workshop", "workshop"]

START_LIMIT_S = 90
STOP_LIMIT_S = 60


@dataclass(frozen=True)
class Workshop:
    """Where examples run.

    Attributes:
        folder: A copy of the project's files.
        url: Address of the service that runs in it.
        environment: Variables of every command: the tests' own environment first on PATH.
    """

    folder: Path
    url: str
    environment: dict[str, str]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Copy the project, start `madeira serve` there, and stop it with SIGTERM at the end."""
    command = Path(sys.executable).with_name("madeira")
    if not command.exists():
        pytest.fail(f"there is no {command}: `make setup` installs the project")
    folder = tmp_path_factory.mktemp("docs") / "madeira"
    for path in project_files():
        if path.parts[0] == "madeira":  # is imported from where the tests import it
            continue
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target)
    (folder / ".venv").symlink_to(sys.prefix)

    home = tmp_path_factory.mktemp("home")
    # curl leaves with 0 when the service answers with an error; an example must not.
    (home / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n", encoding="utf-8")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MADEIRA_", "MAKE"))  # a shell that nothing was set in
    }
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment["HOME"] = environment["CURL_HOME"] = str(home)
    environment.pop("XDG_DATA_HOME")  # models that examples train go to this home

    port = _free_port()
    log = home / "serve.log"
    with log.open("wb") as output:
        service = subprocess.Popen(
            [command, "serve", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(service, url, log)
        yield Workshop(folder, url, environment)
    finally:
        service.send_signal(signal.SIGTERM)
        try:
            status = service.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait()
            pytest.fail(f"the service outlived SIGTERM by {STOP_LIMIT_S} s\n{_tail(log)}")
    assert status == 0, f"the service left with {status} on SIGTERM\n{_tail(log)}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(service: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if service.poll() is not None:
            pytest.fail(f"`madeira serve` left with {service.returncode}\n{_tail(log)}")
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=2):  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"`madeira serve` was not ready after {START_LIMIT_S} s\n{_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-4000:]
