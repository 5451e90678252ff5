"""The clock of the machine is set while requests are under way: nobody notices."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from madeira.app.settings import Settings
from tests.app.jumping_worker import jump
from tests.app.running import RunningService, running


@pytest.fixture
def service(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningService]:
    settings = Settings.read(checkpoints=checkpoints, threads=1)
    with running(settings, worker_module="tests.app.jumping_worker") as service:
        monkeypatch.setattr(time, "time", lambda: jump()[0])
        monkeypatch.setattr(time, "time_ns", lambda: jump()[1])
        yield service


def test_a_clock_that_jumps_neither_expires_nor_delays_anything(service: RunningService) -> None:
    assert abs(time.time() - time.time()) > 1000
    body = {"rows": [{"city": "Funchal"}]}
    expected = service.post("/score", body)
    for _ in range(40):
        answer = service.client.post("/score", json=body, headers={"X-Deadline-Ms": "60000"})
        assert answer.status_code == 200, answer.text
        assert answer.json() == expected
    assert len(service.post("/sample", {"n": 5000})["rows"]) == 5000
    assert service.client.get("/health/ready").status_code == 200
    assert service.client.get("/health/live").status_code == 200
    for line in service.client.get("/metrics").text.splitlines():
        if "_seconds_sum" in line and not line.startswith("#"):
            assert 0 <= float(line.rpartition(" ")[2]) < 600
    service.refuse("/score", body | {"seed": 1}, 422)
