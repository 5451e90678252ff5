"""Where a request is cut into jobs, and what of it counts while it waits."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madeira.app.engine import Work
from madeira.app.jobs import ModelKey, ScoreJob, ScoreResult, costs_of_filling
from madeira.app.settings import Settings
from madeira.models import DensityEstimator
from madeira.models.arrays import Float64
from tests.app.faulty_worker import CODES, HELD, MARKS, held
from tests.app.running import RunningService, assert_problem, running
from tests.app.streams import ARROW, post_arrow, stream
from tests.waiting import wait_until

KEY = ModelKey("shop", "1")
ROWS = 20_000


def work(row_cost: float | Float64, rows: int, most_rows: int = 8192) -> Work[ScoreResult]:
    values = np.ones((rows, 2))
    return Work(
        kind=ScoreJob,
        model=KEY,
        rows=rows,
        row_cost=row_cost,
        most_rows=most_rows,
        row_bytes=0,
        job=lambda start, stop: ScoreJob(KEY, values[start:stop], False),
    )


def cuts(whole: Work[Any], cost: float) -> list[tuple[int, int]]:
    """First row and row after the last of each job."""
    found = [(0, whole.stop(0, cost))]
    while found[-1][1] < whole.rows:
        found.append((found[-1][1], whole.stop(found[-1][1], cost)))
    return found


@given(
    st.lists(st.integers(1, 50), max_size=60),
    st.integers(1, 100),
    st.integers(1, 20),
    st.booleans(),
)
def test_jobs_are_as_large_as_they_may_be_and_no_row_is_left_out(
    costs: list[int], cost: int, most: int, alike: bool
) -> None:
    each = np.array(costs, dtype=np.float64)
    if alike and costs:
        each[:] = costs[0]
    whole = work(float(costs[0]) if alike and costs else each, len(costs), most)
    found = cuts(whole, cost)
    assert [row for start, stop in found for row in range(start, stop)] == list(range(len(costs)))
    for start, stop in found:
        size = each[start:stop].sum()
        assert stop - start <= most
        assert stop - start <= 1 or size <= cost
        if stop < len(costs) and stop - start < most:
            assert size + each[stop] > cost


def test_dear_rows_in_one_place_make_smaller_jobs_there() -> None:
    values = np.zeros((1000, 4))
    values[500:600] = np.nan
    each = costs_of_filling(values, 100)
    found = cuts(work(each, 1000), 1000)
    assert max(each[start:stop].sum() for start, stop in found) <= 1000
    assert ScoreJob(KEY, values, False).cost == 1000
    assert each.sum() == 1000 + 100 * 400


@pytest.fixture(scope="module")
def service(checkpoints: Path, estimator: DensityEstimator) -> Iterator[RunningService]:
    """One worker, and a queue that a large request alone would fill many times."""
    settings = Settings.read(
        checkpoints=checkpoints,
        threads=1,
        queue_limit_cost=ROWS // 4,
        queue_limit_requests=8,
        log_level="warning",
    )
    codes = estimator.schema.encode(pa.table({"income": MARKS}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CODES, json.dumps(codes[~np.isnan(codes)].tolist()))
        with running(settings, "tests.app.faulty_worker") as found:
            yield found


def score(service: RunningService, income: float, rows: int = 1) -> httpx.Response:
    """Score some rows, on a connection of its own."""
    with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=300) as client:
        if rows == 1:
            return client.post("/score", json={"rows": [{"income": income}]})
        body = stream(pa.table({"income": np.full(rows, income)}))
        return client.post("/score", content=body, headers={"Content-Type": ARROW})


def test_requests_larger_than_the_queue_leave_others_their_room(service: RunningService) -> None:
    answers: list[httpx.Response] = []
    admission = service.app.state.plane.engine.admission
    gate = held(os.getpid())
    gate.touch()

    def ask(income: float, rows: int) -> None:
        answers.append(score(service, income, rows))

    large = [threading.Thread(target=ask, args=(HELD, ROWS)) for _ in range(2)]
    small = [threading.Thread(target=ask, args=(1.0, 1)) for _ in range(4)]
    try:
        for place, thread in enumerate(large, 1):
            thread.start()
            wait_until(lambda place=place: len(admission) == place)  # type: ignore[misc]
        assert admission.reserved <= ROWS // 4
        problem = assert_problem(score(service, 1.0, ROWS), 429)
        assert "2 other large requests" in problem["detail"]
        for thread in small:
            thread.start()
        wait_until(lambda: len(admission) == 6)
    finally:
        gate.unlink()
        for thread in (*large, *small):
            if thread.ident is not None:
                thread.join()
    assert [answer.status_code for answer in answers] == [200] * 6


def test_a_request_that_costs_too_much_is_told_the_bound_and_its_cost(
    start: Callable[..., RunningService],
) -> None:
    service = start(request_limit_cost=1000, request_limit_rows=5000)
    columns = len(service.app.state.plane.registry.models["shop"].schema.columns)
    rows = [{"income": 1.0}] * 400
    problem = service.refuse("/score", {"rows": rows, "contributions": True})
    assert f"costs {400 * (1 + columns)} " in problem["detail"]
    assert "limit of 1000" in problem["detail"]
    problem = service.refuse("/impute", {"rows": rows})
    assert f"costs {400 * columns} " in problem["detail"]
    body = stream(pa.table({"income": pa.nulls(1001)}))
    problem = assert_problem(post_arrow(service, "/impute", body), 422)
    assert f"costs {1001 * (1 + columns)} " in problem["detail"]
    service.post("/score", {"rows": rows})
    service.post("/impute", {"rows": rows[:100]})
    assert len(service.post("/sample", {"n": 1001})["rows"]) == 1001
