"""The order of the queue, what may wait in it, and the sizer that batches are cut to."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madeira.app.engine.admission import MAX_RETRY_S, Admission
from madeira.app.engine.fair_queue import FairQueue
from madeira.app.engine.request import AdmittedRequest, QueuedJob
from madeira.app.errors import QueueFullError
from madeira.app.jobs import ImputeJob, Job, ModelKey, SampleJob, ScoreJob
from madeira.app.workers.batch_size import MAX_STRETCH, MIN_COST, BatchSizer

KEY = ModelKey("shop", "1")


class Scheduler:
    """Where nothing is computed: tickets need one."""

    def cancel_jobs(self, admitted: AdmittedRequest, error: BaseException) -> None:
        """Nothing is under way."""

    def leave(self, admitted: AdmittedRequest) -> None:
        """Nothing is under way."""

    def pause(self, admitted: AdmittedRequest) -> None:
        """Nothing is under way."""

    def resume(self, admitted: AdmittedRequest) -> None:
        """Nothing is under way."""


class FailingScheduler(Scheduler):
    """Tells the jobs that are expected why they fail."""

    def __init__(self) -> None:
        self.expected: list[QueuedJob] = []

    def cancel_jobs(self, admitted: AdmittedRequest, error: BaseException) -> None:
        """Fails them."""
        for one in self.expected:
            one.future.set_exception(error)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def admitted(cost: float = 1) -> AdmittedRequest:
    return AdmittedRequest(Scheduler(), cost, None)


def entry(owner: AdmittedRequest, cost: float) -> QueuedJob:
    return QueuedJob(ScoreJob(KEY, np.ones((1, 2)), False), cost, owner)


def drained(queue: FairQueue) -> list[QueuedJob]:
    found = []
    while queue.first() is not None:
        found.append(queue.pop())
    return found


def test_one_row_overtakes_the_chunks_of_a_million() -> None:
    async def work() -> None:
        queue, large, small = FairQueue(), admitted(), admitted()
        chunks = [entry(large, 8192) for _ in range(100)]
        for chunk in chunks:
            queue.push(chunk)
        assert queue.pop() is chunks[0]
        row = entry(small, 1)
        queue.push(row)
        assert queue.pop() is row
        assert drained(queue) == chunks[1:]

    run(work())


def test_requests_of_one_size_take_turns() -> None:
    async def work() -> None:
        queue, owners = FairQueue(), [admitted() for _ in range(3)]
        for owner in owners:
            for _ in range(4):
                queue.push(entry(owner, 100))
        order = [owners.index(one.request) for one in drained(queue)]
        assert order == [0, 1, 2] * 4

    run(work())


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 1000), st.booleans()), max_size=40))
def test_every_job_leaves_once_and_each_request_in_its_order(
    jobs: list[tuple[int, int, bool]],
) -> None:
    async def work() -> None:
        queue, owners = FairQueue(), [admitted() for _ in range(5)]
        entries = [entry(owners[owner], cost) for owner, cost, _ in jobs]
        for one in entries:
            queue.push(one)
        for one, (_, _, dropped) in zip(entries, jobs, strict=True):
            one.dropped = dropped
        left = drained(queue)
        assert set(map(id, left)) == {id(one) for one in entries if not one.dropped}
        for owner in owners:
            mine = [one for one in left if one.request is owner]
            assert mine == [one for one in entries if one.request is owner and not one.dropped]
        assert queue.cost == 0

    run(work())


def test_a_steady_stream_of_small_jobs_does_not_keep_a_large_one_waiting_for_ever() -> None:
    async def work() -> None:
        queue = FairQueue()
        large = entry(admitted(), 500)
        queue.push(large)
        for turn in range(1000):
            queue.push(entry(admitted(), 1))
            if queue.pop() is large:
                assert turn > 100
                return
        pytest.fail("it never had its turn")

    run(work())


def test_the_queue_is_bounded_and_says_when_there_is_room() -> None:
    async def work() -> None:
        admission = Admission(100, 8)
        first, second = admitted(90), admitted(20)
        admission.enter(first)
        with pytest.raises(QueueFullError) as raised:
            admission.enter(second)
        assert raised.value.headers == {"Retry-After": "1"}
        admission.drained(10)
        assert 1 < admission.retry_after_s() <= MAX_RETRY_S
        admission.leave(first)
        assert admission.reserved == 0
        admission.enter(second)

    run(work())


def test_large_requests_are_bounded_in_number_and_leave_room_for_small_ones() -> None:
    async def work() -> None:
        admission = Admission(100, 8)
        large = [AdmittedRequest(Scheduler(), 10, None, large=True) for _ in range(3)]
        for one in large[:2]:
            admission.enter(one)
        with pytest.raises(QueueFullError, match="2 other large requests"):
            admission.enter(large[2])
        admission.enter(admitted(1))
        admission.leave(large[0])
        admission.enter(large[2])

    run(work())


def test_a_request_whose_client_does_not_read_reserves_nothing() -> None:
    async def work() -> None:
        reserved: list[float] = []
        admission = Admission(100, 4, reserved.append)
        stalled = [AdmittedRequest(Scheduler(), 60, None, large=True) for _ in range(3)]
        for one in stalled:
            admission.enter(one)  # one large request may be under way at a time
            admission.pause(one)
            admission.pause(one)
            assert admission.reserved == 0
        for one in stalled:
            admission.resume(one)
            admission.resume(one)
        assert max(reserved) == admission.reserved == 60
        admission.enter(admitted(40))  # those who go on leave room for small ones
        with pytest.raises(QueueFullError, match="3 other large requests"):
            admission.enter(AdmittedRequest(Scheduler(), 0, None, large=True))
        for one in stalled:
            admission.leave(one)
        assert admission.reserved == 40
        admission.pause(stalled[0])
        admission.resume(stalled[0])  # it is at its end
        assert admission.reserved == 40
        assert len(admission) == 1

    run(work())


def test_the_deadline_of_a_stream_is_that_of_its_next_part() -> None:
    async def work() -> None:
        scheduler, error = FailingScheduler(), TimeoutError()
        one = AdmittedRequest(scheduler, 1, None)
        one.set_deadline(0.01, lambda: error, 0.01)
        one.pause()
        await asyncio.sleep(0.1)
        assert one.failure is None
        one.resume()
        job = QueuedJob(ScoreJob(KEY, np.ones((1, 2)), False), 1, one)
        scheduler.expected.append(job)
        with pytest.raises(TimeoutError):
            await job.future
        assert one.failure is error

    run(work())


def test_a_job_costs_what_is_to_be_computed() -> None:
    values = np.array([[1.0, np.nan, 2.0], [np.nan, np.nan, 3.0]])
    jobs: list[tuple[Job[Any], int]] = [
        (ScoreJob(KEY, values, False), 2),
        (ScoreJob(KEY, values, True), 8),
        (SampleJob(KEY, values, np.ones((2, 4)), 1.0, False, False), 5),
        (ImputeJob(KEY, values, np.ones((2, 10, 4)), 10, "draw", False), 32),
        (ScoreJob(KEY, values[:0], False), 1),
    ]
    assert [job.cost for job, _ in jobs] == [cost for _, cost in jobs]


def _teach(sizer: BatchSizer, seconds: Callable[[float], float], batches: int = 60) -> float:
    """Batches as large as the budget, and what is left of requests, as bulk callers send them."""
    for number in range(batches):
        budget = sizer.budget("score")
        cost = budget if number % 3 else 1000 % budget or budget
        sizer.learn("score", cost, seconds(cost))
    return sizer.budget("score")


def test_the_budget_grows_to_what_takes_the_wanted_time() -> None:
    assert _teach(BatchSizer(0.005), lambda cost: cost * 1e-6) == pytest.approx(5000, rel=0.01)


def test_a_fixed_part_is_told_from_that_of_the_rows() -> None:
    budget = _teach(BatchSizer(0.005), lambda cost: 5e-4 + cost * 1e-5)
    assert budget == pytest.approx(450, rel=0.02)


def test_batches_are_longer_than_wanted_where_the_fixed_part_would_be_most_of_them() -> None:
    budget = _teach(BatchSizer(0.005), lambda cost: 2e-3 + cost * 1e-5)
    assert budget == pytest.approx(600, rel=0.02)  # 2 ms of 8
    budget = _teach(BatchSizer(0.005), lambda cost: 5e-3 + cost * 1e-5)
    assert budget == pytest.approx(500, rel=0.02)  # 10 ms, however dear the fixed part
    assert MAX_STRETCH == 2


def test_one_slow_moment_changes_little() -> None:
    sizer = BatchSizer(0.005)
    budget = _teach(sizer, lambda cost: cost * 1e-6)
    sizer.learn("score", budget, 10.0)
    assert budget / 2 <= sizer.budget("score") <= budget
    assert _teach(sizer, lambda cost: cost * 1e-6) == pytest.approx(budget, rel=0.01)


def test_single_rows_do_not_promise_that_thousands_are_as_fast() -> None:
    sizer = BatchSizer(0.005)
    before = _teach(sizer, lambda cost: 5e-5 * cost)
    for _ in range(50):
        sizer.learn("score", 1, 1e-6)
    assert sizer.budget("score") <= before


def test_a_machine_that_has_become_slow_gets_less() -> None:
    sizer = BatchSizer(0.005)
    _teach(sizer, lambda cost: cost * 1e-6)
    assert _teach(sizer, lambda cost: cost * 1e-5, 200) == pytest.approx(500, rel=0.02)
    for _ in range(50):
        sizer.learn("score", 1, 10.0)
    assert sizer.budget("score") == MIN_COST
