"""Too much work, too little time, callers who leave, workers that die: told over HTTP."""

import http.client
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from madeira.app.ipc.heartbeat import HeartbeatReader
from madeira.app.ipc.runtime_paths import SupervisorState, read_state
from madeira.app.settings import Settings
from madeira.models import DensityEstimator
from tests.app.faulty_worker import CODES, DEADLY, ENDLESS, FAILING, HELD, MARKS, held
from tests.app.running import RunningService, assert_problem, running
from tests.waiting import wait_until

LIMIT_COST = 20


@pytest.fixture(scope="module")
def service(checkpoints: Path, estimator: DensityEstimator) -> Iterator[RunningService]:
    """One worker, and a queue of twenty rows."""
    settings = Settings.read(
        checkpoints=checkpoints,
        threads=1,
        queue_limit_cost=LIMIT_COST,
        queue_limit_requests=8,
        log_level="warning",
    )
    codes = estimator.schema.encode(pa.table({"income": MARKS}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CODES, json.dumps(codes[~np.isnan(codes)].tolist()))
        with running(settings, "tests.app.faulty_worker") as found:
            yield found


def ask(
    service: RunningService, income: float, rows: int = 1, deadline_ms: str | None = None
) -> httpx.Response:
    """Score some rows of one income, on a connection of its own."""
    headers = {} if deadline_ms is None else {"X-Deadline-Ms": deadline_ms}
    with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=60) as client:
        table = {"rows": [{"income": income}] * rows}
        return client.post("/score", json=table, headers=headers)


@contextmanager
def busy(service: RunningService, rows: int = 1) -> Iterator[None]:
    """Keep a worker busy until the end of the context."""
    answers: list[httpx.Response] = []
    gate = held(os.getpid())
    gate.touch()
    thread = threading.Thread(target=lambda: answers.append(ask(service, HELD, rows)))
    thread.start()
    try:
        engine = service.app.state.plane.engine
        wait_until(
            lambda: len(engine.admission) > 0 and HeartbeatReader(heartbeat(service)).frames()
        )
        yield
    finally:
        gate.unlink()
        thread.join()
    assert [answer.status_code for answer in answers] == [200]


def heartbeat(service: RunningService) -> Path:
    """Return the path of the worker's heartbeat."""
    (path,) = service.app.state.plane.engine.directory.glob("0-*.heartbeat")
    return Path(path)


def test_a_full_queue_is_answered_429_until_there_is_room(service: RunningService) -> None:
    with busy(service, rows=LIMIT_COST - 1):
        answer = ask(service, 1.0, rows=2)
        assert_problem(answer, 429)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert ask(service, 1.0, rows=2).status_code == 200


def test_too_many_requests_are_refused_before_they_are_read(service: RunningService) -> None:
    with busy(service):
        threads = [threading.Thread(target=ask, args=(service, 1.0)) for _ in range(7)]
        for thread in threads:
            thread.start()
        wait_until(lambda: service.app.limit.in_flight == 8)
        answer = service.client.post("/score", content=b"{", headers={"Content-Type": "text/x"})
        assert_problem(answer, 429)
        assert service.client.get("/health/live").status_code == 200
    for thread in threads:
        thread.join()


def test_a_passed_deadline_is_answered_504_and_not_computed(service: RunningService) -> None:
    restarts = state(service).restarts
    with busy(service):
        answer = ask(service, ENDLESS, deadline_ms="50")
        problem = assert_problem(answer, 504)
        assert "50 ms" in problem["detail"]
    # Had it been computed, the worker would not answer any more.
    assert ask(service, 1.0, deadline_ms="60000").status_code == 200
    assert state(service).restarts == restarts


@pytest.mark.parametrize("deadline", ["0", "-1", "soon", "nan", "inf"])
def test_a_deadline_is_a_number_of_milliseconds(service: RunningService, deadline: str) -> None:
    problem = assert_problem(ask(service, 1.0, deadline_ms=deadline), 422)
    assert "X-Deadline-Ms" in problem["detail"]


def test_the_work_of_a_caller_who_has_gone_is_not_computed(service: RunningService) -> None:
    restarts = state(service).restarts
    with busy(service):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        body = json.dumps({"rows": [{"income": ENDLESS}]})
        connection.request("POST", "/score", body, {"Content-Type": "application/json"})
        engine = service.app.state.plane.engine
        wait_until(lambda: len(engine.admission) == 2)
        connection.close()
        wait_until(lambda: len(engine.admission) == 1)
    assert ask(service, 1.0).status_code == 200
    assert state(service).restarts == restarts


def test_bad_input_and_failing_work_leave_others_unharmed(service: RunningService) -> None:
    expected = ask(service, 1.0).json()
    answers: dict[int, httpx.Response] = {}
    incomes: list[Any] = [1.0, FAILING, 1.0, "much", 1.0]

    def one(place: int) -> None:
        answers[place] = ask(service, incomes[place])

    with busy(service):
        threads = [threading.Thread(target=one, args=(place,)) for place in range(5)]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    problem = assert_problem(answers[1], 500)
    assert "secret" not in answers[1].text
    assert problem["type"].endswith("computation")
    assert_problem(answers[3], 422)
    for place in (0, 2, 4):
        assert answers[place].json() == expected


def test_a_job_that_kills_workers_is_refused(service: RunningService) -> None:
    problem = assert_problem(ask(service, DEADLY), 500)
    assert problem["type"].endswith("poisonous-job")
    assert "worker" not in problem["detail"]
    assert ask(service, 1.0).status_code == 200


def test_ready_tells_the_truth_and_no_request_is_lost(service: RunningService) -> None:
    assert ask(service, 1.0).status_code == 200
    ready = service.client.get("/health/ready").json()
    assert ready["workers"] == {"usable": 1, "all": 1}
    (pid,) = state(service).pids
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not service.app.state.plane.engine.usable)
    problem = assert_problem(service.client.get("/health/ready"), 503)
    assert "No worker of 1" in problem["detail"]
    assert service.client.get("/health/live").status_code == 200
    assert ask(service, 1.0).status_code == 200
    assert service.client.get("/health/ready").status_code == 200


def state(service: RunningService) -> SupervisorState:
    found = read_state(service.app.state.plane.engine.directory)
    assert found is not None
    return found
