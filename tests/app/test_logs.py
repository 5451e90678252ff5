"""Every request has an id and a line in the log; the log is text or JSON."""

import json
import logging
import os
import socket
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from madeira.app.logs import request_id_of
from tests.app.running import RunningService


def test_a_request_id_comes_back(service: RunningService) -> None:
    answer = service.client.get("/models", headers={"x-request-id": "order-66/a"})
    assert answer.headers["x-request-id"] == "order-66/a"
    made = {service.client.get("/models").headers["x-request-id"] for _ in range(5)}
    assert len(made) == 5


def test_a_problem_names_its_request(service: RunningService) -> None:
    headers = {"x-request-id": "broken-1"}
    answer = service.client.post("/score", json={"rows": 1}, headers=headers)
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "broken-1"
    assert service.client.get("/nowhere", headers=headers).json()["request_id"] == "broken-1"


@pytest.mark.parametrize("sent", ["", "x" * 129, "a b", "ü", "a\nb", '"'])
def test_an_id_that_is_not_sane_is_replaced(sent: str) -> None:
    found = request_id_of(sent)
    assert found != sent
    assert found.isalnum()


def test_a_request_is_one_line(service: RunningService, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "madeira.requests"):
        service.client.post("/score", json={"rows": [{}, {}]}, headers={"x-request-id": "line-1"})
        service.client.get("/models")  # behind it, the first is written
    fields = [vars(record)["fields"] for record in caplog.records if "fields" in vars(record)]
    (line,) = [one for one in fields if one["request_id"] == "line-1"]
    assert line.pop("ms") > 0
    assert line == {
        "request_id": "line-1",
        "method": "POST",
        "route": "/score",
        "status": 200,
        "rows": 2,
        "model": "shop/1",
    }


def test_probes_are_no_lines_at_the_usual_level(
    service: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    def routes() -> list[str]:
        fields = [vars(one)["fields"] for one in caplog.records if "fields" in vars(one)]
        return [one["route"] for one in fields]

    probes = ["/health/live", "/health/ready", "/metrics"]
    for level, expected in ((logging.INFO, []), (logging.DEBUG, probes)):
        caplog.clear()
        with caplog.at_level(level, "madeira.requests"):
            for path in (*probes, "/models"):
                service.client.get(path)
            service.client.get("/models")  # behind it, the first is written
        assert [route for route in routes() if route != "/models"] == expected
        assert "/models" in routes()


@pytest.mark.parametrize("form", ["json", "text"])
def test_nothing_that_is_logged_can_forge_a_line(form: str) -> None:
    program = (
        "import logging; from madeira.app.logs import set_up_logs\n"
        f"set_up_logs({form!r}, 'info')\n"
        r"text = 'a\nINFO: forged\r\u2028\x1b[31m\u202e\udcff'"
        "\n"
        "logging.info('%s', text, extra={'fields': {'path': text}})\n"
        "try:\n    raise ValueError(text)\n"
        "except ValueError:\n    logging.exception('failed')\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    lines = ran.stderr.decode().removesuffix("\n").split("\n")
    assert not [line for line in lines if line.startswith(("INFO: forged", "\x1b"))]
    if form == "json":
        first, second = map(json.loads, lines)
        assert first["message"].startswith("a\nINFO: forged")
        assert "forged" in second["traceback"]
        return
    assert lines[0].count(r"a\nINFO: forged\r\u2028\x1b[31m\u202e\udcff") == 2
    assert all(line.startswith("    ") for line in lines[2:])
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_log_has_one_form(form: str) -> None:
    program = (
        "import logging; from madeira.app.logs import set_up_logs, current, RequestNote\n"
        f"set_up_logs({form!r}, 'info'); current.set(RequestNote('id-1'))\n"
        "logging.getLogger('x').info('said', extra={'fields': {'rows': 3}})\n"
        "logging.getLogger('uvicorn.error').debug('nothing')\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: logging.getLogger('y').exception('failed')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    first, *rest = done.stderr.splitlines()
    if form == "text":
        time, _, said = first.partition(" ")
        assert datetime.fromisoformat(time)
        assert said == "INFO: said rows=3"
        assert "ZeroDivisionError" in rest[-1]
        return
    said, failed = json.loads(first), json.loads(rest[0])
    assert len(rest) == 1
    assert (said["level"], said["message"], said["rows"]) == ("info", "said", 3)
    assert said["request_id"] == failed["request_id"] == "id-1"
    assert "ZeroDivisionError" in failed["traceback"]


def test_all_processes_write_json_under_a_bare_server_too(checkpoints: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "madeira.app.main:create_app"]
    started = subprocess.Popen(
        [*command, "--port", str(port)],
        env={
            **os.environ,
            "MADEIRA_CHECKPOINTS": str(checkpoints),
            "MADEIRA_LOG_FORMAT": "json",
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    entries = []
    with started as process:
        assert process.stderr is not None
        for line in process.stderr:
            entries.append(json.loads(line))
            if entries[-1]["message"] == "serving shop version 1":
                httpx.get(f"http://127.0.0.1:{port}/models", headers={"x-request-id": "bare-1"})
                process.terminate()
    messages = [entry["message"] for entry in entries]
    assert "loaded shop version 1" in messages  # a worker says so
    assert "serving shop version 1" in messages
    assert [one["route"] for one in entries if one.get("request_id") == "bare-1"] == ["/models"]
