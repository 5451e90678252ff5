"""Workers that die, hang or fail: nothing is lost, and only the guilty is blamed."""

import asyncio
import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madeira.app.errors import ComputationError, DeadlineError, PoisonousJobError, UnavailableError
from madeira.app.jobs import ImputeJob, Job, ModelKey, SampleJob, ScoreJob
from madeira.app.processes import worker_processes
from madeira.app.workers.execute import execute
from madeira.models import DensityEstimator
from madeira.models.arrays import Float64
from madeira.models.inference.noise import draw_noise, noise_generator
from tests.app.crew import KEY, Crew, crew
from tests.app.faulty_worker import DEADLY, ENDLESS, FAILING, HELD, LOST, held, marked
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def directory(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory of models that may change."""
    return Path(shutil.copytree(checkpoints, tmp_path_factory.mktemp("models") / "all"))


@pytest.fixture(scope="module")
def workers(directory: Path) -> Iterator[Crew]:
    """Two workers that stand in for each other."""
    with crew(directory, workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def values(estimator: DensityEstimator, shop_table: object) -> Float64:
    encoded: Float64 = estimator.schema.encode(shop_table)
    return encoded


def assert_equal(found: object, expected: object) -> None:
    """Check that two results are the same but for floating-point ties."""
    for name in asdict(cast(Any, expected)):
        one, other = getattr(found, name), getattr(expected, name)
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def make_job(
    kind: int, start: int, rows: int, estimator: DensityEstimator, values: Float64
) -> Job[Any]:
    part, width = values[start : start + rows], estimator.density.noise_width
    if kind < 2:
        return ScoreJob(KEY, part, contributions=kind == 1)
    if kind < 4:
        noise = draw_noise(rows, width, noise_generator(start))
        return SampleJob(KEY, part, noise, 1.0 if kind == 2 else 0.5, True, False)
    noise = draw_noise(rows * 3, width, noise_generator(start)).reshape(rows, 3, width)
    return ImputeJob(KEY, part, noise, 3, "draw", False)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 100), st.integers(0, 40), st.booleans()),
        min_size=1,
        max_size=25,
    )
)
def test_answers_under_batching_are_those_of_jobs_alone(
    workers: Crew,
    estimator: DensityEstimator,
    values: Float64,
    mix: list[tuple[int, int, int, bool]],
) -> None:
    jobs = [make_job(kind, start, rows, estimator, values) for kind, start, rows, _ in mix]

    async def one(job: Job[Any], cancelled: bool) -> object:
        with workers.engine.admit(1) as admitted:
            future = workers.engine.submit(job, admitted)
            return None if cancelled else await future

    async def together() -> list[Any]:
        asked = (one(job, mine[3]) for job, mine in zip(jobs, mix, strict=True))
        return await asyncio.gather(*asked)

    for job, result, (*_, cancelled) in zip(jobs, workers.run(together()), mix, strict=True):
        if not cancelled:
            assert_equal(result, execute(job, estimator.density))
    assert len(workers.engine.admission) == 0
    assert workers.engine.admission.reserved == 0


def score(rows: Float64) -> ScoreJob:
    return ScoreJob(KEY, rows, False)


async def outcomes(workers: Crew, jobs: list[ScoreJob]) -> list[Any]:
    asked = (workers.engine.run(job) for job in jobs)
    return await asyncio.gather(*asked, return_exceptions=True)


def test_a_worker_whose_device_is_lost_is_replaced_and_nothing_with_it(
    workers: Crew, estimator: DensityEstimator, values: Float64
) -> None:
    restarts = workers.state.restarts
    flag = held(os.getpid())
    flag.touch()
    lost = np.array(values[:1])
    lost[0, -1] = np.nan
    jobs = [score(values[i : i + 1]) for i in range(20)] + [score(marked(values[:1], LOST))]
    results = workers.run(outcomes(workers, jobs))
    assert not flag.exists()
    for job, result in zip([*jobs[:-1], score(lost)], results, strict=True):
        assert_equal(result, execute(job, estimator.density))
    wait_until(lambda: workers.state.restarts == restarts + 1)


def test_workers_are_replaced_where_the_disk_is_full(
    directory: Path, estimator: DensityEstimator, values: Float64, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with crew(directory) as one:
        job = score(values[:3])
        assert_equal(one.run(one.engine.run(job)), execute(job, estimator.density))
        with monkeypatch.context() as patched:
            patched.setattr(worker_processes, "write_state", full)
            one.kill()
            wait_until(lambda: one.engine.usable == 0)
            assert_equal(one.run(one.engine.run(job)), execute(job, estimator.density))
            assert one.state.restarts == 0  # it could not be written down


def test_a_failing_member_fails_alone(
    workers: Crew, estimator: DensityEstimator, values: Float64
) -> None:
    jobs = [score(values[i : i + 1]) for i in range(20)]
    jobs[7] = score(marked(values[7:8], FAILING))
    found = workers.run(outcomes(workers, jobs))
    assert isinstance(found[7], ComputationError)
    assert "secret" not in str(found[7])
    for job, result in zip(jobs[:7] + jobs[8:], found[:7] + found[8:], strict=True):
        assert_equal(result, execute(job, estimator.density))


def test_killed_workers_lose_nothing(
    workers: Crew, estimator: DensityEstimator, values: Float64
) -> None:
    jobs = [score(marked(values[:1], HELD)) for _ in range(4)]
    jobs += [score(values[i : i + 3]) for i in range(100)]

    async def under_fire() -> list[Any]:
        held(os.getpid()).touch()
        asked = asyncio.gather(*(workers.engine.run(job) for job in jobs))
        await asyncio.sleep(0.2)
        for number in range(2):
            workers.kill(number)
        held(os.getpid()).unlink()
        return await asked

    restarts = workers.state.restarts
    found = workers.run(under_fire())
    assert workers.state.restarts >= restarts + 2
    for job, result in zip(jobs[4:], found[4:], strict=True):
        assert_equal(result, execute(job, estimator.density))


def test_a_job_that_kills_workers_is_refused_and_alone_blamed(
    workers: Crew, estimator: DensityEstimator, values: Float64
) -> None:
    jobs = [score(values[i : i + 1]) for i in range(10)]
    jobs[4] = score(marked(values[4:5], DEADLY))
    restarts = workers.state.restarts
    found = workers.run(outcomes(workers, jobs))
    assert isinstance(found[4], PoisonousJobError)
    for job, result in zip(jobs[:4] + jobs[5:], found[:4] + found[5:], strict=True):
        assert_equal(result, execute(job, estimator.density))
    wait_until(lambda: workers.state.restarts >= restarts + 3)
    wait_until(lambda: workers.engine.usable == 2)
    assert workers.state.restarts == restarts + 3


def test_a_job_that_hangs_is_refused_and_alone_blamed(
    directory: Path, estimator: DensityEstimator, values: Float64
) -> None:
    jobs = [score(values[i : i + 1]) for i in range(10)]
    jobs[4] = score(marked(values[4:5], ENDLESS))
    with crew(directory, job_timeout_s=3.0) as slow:
        found = slow.run(outcomes(slow, jobs))
        wait_until(lambda: slow.state.restarts >= 3)
    assert isinstance(found[4], PoisonousJobError)
    for job, result in zip(jobs[:4] + jobs[5:], found[:4] + found[5:], strict=True):
        assert_equal(result, execute(job, estimator.density))


def test_what_expires_is_not_computed(workers: Crew, values: Float64) -> None:
    async def late() -> None:
        held(os.getpid()).touch()
        busy = []
        for _ in range(2):  # one after the other, or they would go to one worker together
            busy.append(asyncio.ensure_future(workers.engine.run(score(marked(values[:1], HELD)))))
            await asyncio.sleep(0.1)
        before = workers.engine.executed
        error = DeadlineError(0.05)
        with workers.engine.admit(1) as admitted:
            admitted.set_deadline(0.05, lambda: error, 0.05)
            # It would hang the worker that computed it.
            with pytest.raises(DeadlineError):
                await workers.engine.submit(score(marked(values[:1], ENDLESS)), admitted)
            with pytest.raises(DeadlineError):
                await workers.engine.submit(score(values[:1]), admitted)
        held(os.getpid()).unlink()
        await asyncio.gather(*busy)
        assert workers.engine.executed == before + 2
        await workers.engine.prepare(KEY)  # every worker answers, and none is hanging

    restarts = workers.state.restarts
    workers.run(late())
    assert workers.state.restarts == restarts


def test_models_are_prepared_and_released(
    workers: Crew, estimator: DensityEstimator, values: Float64, directory: Path
) -> None:
    key = ModelKey("shop", "2")
    with pytest.raises(UnavailableError):
        workers.run(workers.engine.prepare(key))
    estimator.save(directory / "shop" / "2")
    workers.run(workers.engine.prepare(key))
    job = replace(score(values[:5]), model=key)
    assert_equal(workers.run(workers.engine.run(job)), execute(job, estimator.density))
    workers.run(workers.engine.release(key))
