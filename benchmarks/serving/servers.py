"""The servers, as processes of their own: started, made to rest, weighed and stopped."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Server", "bare", "litserve", "madeira", "mlserver"]

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "benchmarks" / "peers"
START_LIMIT_S = 300.0
STOP_LIMIT_S = 20.0
KNOCK_EVERY_S = 0.1
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MIB = 2**20


@dataclass
class Server:
    """One that listens.

    Attributes:
        name: What it is called.
        port: Where it listens.
        questions: The folder of bodies that it is asked one-row questions with.
        path: What one-row questions are asked at.
        process: Its first process.
    """

    name: str
    port: int
    questions: str
    path: str
    process: subprocess.Popen[bytes]

    def processes(self) -> list[int]:
        """Numbers of all its processes."""
        parents = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        found = {self.process.pid}
        while more := {child for child, parent in parents.items() if parent in found} - found:
            found |= more
        return sorted(found)

    def memory_mib(self) -> float:
        """Resident memory of all its processes."""
        pages = 0
        for pid in self.processes():
            with contextlib.suppress(OSError):
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * PAGE_BYTES / MIB

    def rest(self) -> None:
        """Stop the clock for it, so that it takes nothing from the one that is measured."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Continue it."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def madeira(
    checkpoints: Path, model: str, *flags: str
) -> contextlib.AbstractContextManager[Server]:
    """Start the service as a user does."""
    port = _free_port()
    command = [sys.executable, "-m", "madeira", "serve"]
    command += ["--port", str(port), "--checkpoints", str(checkpoints), *flags]
    return _serving("madeira", command, {}, port, "one-row", "/score", f"/models/{model}")


def bare(checkpoint: Path) -> contextlib.AbstractContextManager[Server]:
    """FastAPI and the model inline, with the libraries of this environment."""
    port = _free_port()
    command = [sys.executable, str(PEERS / "inline.py"), str(checkpoint), str(port)]
    return _serving("bare FastAPI", command, {}, port, "one-row", "/score", "/openapi.json")


def litserve(
    checkpoint: Path, options: Mapping[str, Any]
) -> contextlib.AbstractContextManager[Server]:
    """LitServe; `threads` of the options is for PyTorch, the others are its own."""
    port, options = _free_port(), dict(options)
    threads = {"OMP_NUM_THREADS": str(options.pop("threads"))}
    python = ROOT / ".bench" / "serving" / "bin" / "python"
    command = [str(python), str(PEERS / "serving.py"), str(checkpoint), str(port)]
    command.append(json.dumps(options))
    return _serving("LitServe", command, threads, port, "one-row", "/score", "/health")


@contextlib.contextmanager
def mlserver(checkpoint: Path, folder: Path, options: Mapping[str, Any]) -> Iterator[Server]:
    """MLServer on a model with adaptive batching, over the Open Inference Protocol.

    Args:
        checkpoint: The model.
        folder: Where its settings are written.
        options: `parallel_workers`, `threads` of PyTorch, and settings of the batching.
    """
    port, options = _free_port(), dict(options)
    threads = {"OMP_NUM_THREADS": str(options.pop("threads"))}
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": _free_port(),
        "metrics_port": _free_port(),
        "parallel_workers": options.pop("parallel_workers"),
        "debug": False,
        "metrics_dir": str(folder / "metrics"),
    }
    model = {
        "name": "density",
        "implementation": "benchmarks.peers.mlserver_model.DensityModel",
        "parameters": {"uri": str(checkpoint)},
        **options,
    }
    (folder / "metrics").mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model))
    command = [str(ROOT / ".bench" / "mlserver" / "bin" / "mlserver"), "start", str(folder)]
    path, ready = "/v2/models/density/infer", "/v2/models/density/ready"
    with _serving("MLServer", command, threads, port, "one-row-v2", path, ready) as server:
        yield server


@contextlib.contextmanager
def _serving(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    port: int,
    questions: str,
    path: str,
    ready: str,
) -> Iterator[Server]:
    """Start a server, and stop it at the end or on SIGTERM; its output goes to a file."""
    log = ROOT / ".bench" / f"{name.replace(' ', '-').lower()}.log"
    log.parent.mkdir(exist_ok=True)
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with log.open("wb") as written:
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(name, port, questions, path, process)
    try:
        _wait_for(server, ready, log)
        yield server
    finally:
        _stop(server)
        signal.signal(signal.SIGTERM, former)


def _wait_for(server: Server, ready: str, log: Path) -> None:
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{ready}", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(KNOCK_EVERY_S)
    raise SystemExit(f"{server.name} did not start; {log.relative_to(ROOT)} says why")


def _stop(server: Server) -> None:
    """End it and what it has started."""
    server.wake()
    everything = server.processes()
    server.process.send_signal(signal.SIGTERM)
    try:
        server.process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
    for pid in everything:  # not all peers take their workers with them
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
