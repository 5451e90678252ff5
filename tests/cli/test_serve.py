"""`madeira serve` serves, says where, ends with 0 on Ctrl-C, and takes every setting as a flag."""

import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from madeira.app.settings import Settings
from tests.app.running import urls_of
from tests.cli.outcome import Madeira

Process = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def taken() -> Iterator[int]:
    """Listen on a port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_service_says_where_it_listens_answers_and_ends_with_0(
    number: signal.Signals, checkpoints: Path, process: Process
) -> None:
    running = process("serve", "--port", "0", "--checkpoints", checkpoints)
    try:
        service, console, docs = urls_of(running)
        assert (console, docs) == (f"{service}/", f"{service}/docs")
        with httpx.Client(base_url=service, timeout=30) as client:
            assert len(client.post("/sample", json={"n": 2}).json()["rows"]) == 2
            assert client.get("/").status_code == client.get("/docs").status_code == 200
    finally:
        running.send_signal(number)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "Traceback" not in err


def test_port_in_use_is_one_sentence(taken: int, checkpoints: Path, madeira: Madeira) -> None:
    outcome = madeira("serve", "--port", str(taken), "--checkpoints", checkpoints)
    assert outcome.status == 1
    assert outcome.err == (
        f"madeira: cannot listen on 127.0.0.1 port {taken}: address already in use; "
        "choose another with --port\n"
    )


def test_every_setting_is_a_flag(madeira: Madeira, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    outcome = madeira("serve", "--help")
    assert outcome.status == 0
    flags = set(re.findall(r"--([a-z-]+)", outcome.out)) - {"help", "log-level debug"}
    assert {name.replace("_", "-") for name in Settings.model_fields} <= flags


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "99999"), "MADEIRA_PORT (--port) = 99999"),
        (("--port", "many"), "--port"),
        (("--log-level", "loud"), "--log-level"),
        (("--devices", "tpu"), "--devices"),
        (("--prot", "1"), "--prot"),
    ],
)
def test_flag_that_cannot_be_met_is_a_usage_error(
    arguments: tuple[str, ...], said: str, madeira: Madeira
) -> None:
    outcome = madeira("serve", *arguments)
    assert outcome.status == 2
    assert said in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("processes", ["1", "2"])
def test_absent_cuda_device_is_one_line(
    processes: str, checkpoints: Path, madeira: Madeira
) -> None:
    outcome = madeira(
        *("serve", "--port", "0", "--checkpoints", checkpoints),
        *("--devices", "cpu,cuda:99", "--api-processes", processes),
    )
    assert outcome.status == 2
    assert "there is no CUDA device 99" in outcome.err
    assert outcome.err.count("\n") == 1


def test_misspelt_variable_stops_start_up(
    madeira: Madeira, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADEIRA_PROT", "9000")
    outcome = madeira("serve")
    assert outcome.status == 2
    assert "MADEIRA_PROT is not a setting of madeira. Did you mean 'MADEIRA_PORT'?" in outcome.err


def test_address_of_another_machine_is_one_sentence(madeira: Madeira) -> None:
    outcome = madeira("serve", "--host", "192.0.2.1", "--port", "0")
    assert outcome.status == 1
    assert outcome.err.startswith("madeira: cannot listen on 192.0.2.1 port 0: ")
