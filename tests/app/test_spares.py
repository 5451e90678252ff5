"""A spare worker stands in at once for one that dies, and is not spent on a job that kills."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from madeira.app.engine.request import QueuedJob
from madeira.app.engine.worker_connection import WorkerConnection
from madeira.app.errors import PoisonousJobError
from madeira.app.jobs import ScoreJob
from madeira.app.processes.spares import available_bytes, with_spares
from madeira.app.settings import Settings
from madeira.models import DensityEstimator
from tests.app.crew import KEY, Crew, assert_answers, crew
from tests.app.faulty_worker import DEADLY, marked
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def pair(checkpoints: Path) -> Iterator[Crew]:
    """Yield a worker and a spare."""
    with crew(checkpoints, spares=1) as running:
        yield running


def test_the_spare_has_the_work_while_the_only_worker_is_replaced(
    pair: Crew, estimator: DensityEstimator, job: ScoreJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, spare = pair.state.pids
    sent: list[int | None] = []
    submit = WorkerConnection.submit

    def noting(
        connection: WorkerConnection, jobs: list[QueuedJob], load: float, small: bool
    ) -> None:
        sent.append(connection.pid)
        submit(connection, jobs, load, small)

    monkeypatch.setattr(WorkerConnection, "submit", noting)
    for turn in range(40):
        if turn == 20:
            pair.kill(0)
        assert_answers(pair, job, estimator)
    taken_over = sent.index(spare)
    assert taken_over >= 20
    assert set(sent[:taken_over]) == {worker}
    wait_until(lambda: pair.engine.spares_usable == 1)
    replaced, same = pair.state.pids
    assert same == spare
    assert replaced != worker
    assert_answers(pair, job, estimator)
    assert sent[-1] == replaced


def test_a_job_that_kills_workers_leaves_the_last_one_to_the_others(
    pair: Crew, estimator: DensityEstimator, job: ScoreJob
) -> None:
    """It takes the worker, then the spare, and at last one of two, never again the only one."""
    restarts = pair.state.restarts
    deadly = marked(job.values[:1], DEADLY)
    usable: list[int] = []

    async def poison() -> BaseException | object:
        try:
            return await pair.engine.run(ScoreJob(KEY, deadly, False))
        except Exception as error:
            usable.append(pair.engine.usable)
            return error

    error = pair.run(poison())
    assert isinstance(error, PoisonousJobError)
    assert usable == [1]  # the others had a worker when the third died
    assert_answers(pair, job, estimator)
    wait_until(lambda: pair.state.restarts == restarts + 3)


def test_a_spare_is_there_where_memory_allows(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MADEIRA_SPARE_WORKERS")

    def spares(**flags: object) -> int | None:
        return with_spares(Settings.read(checkpoints=checkpoints, **flags)).spare_workers

    def there_is(free: int | None) -> None:
        monkeypatch.setattr("madeira.app.processes.spares.available_bytes", lambda: free)

    there_is(2**33)
    assert spares() == 1
    assert spares(devices="cpu:2") == 0  # each stands in for the other
    assert spares(devices="cuda") == 0  # nobody knows how much of its memory is free
    assert spares(devices="cpu:2", spare_workers=1) == 1
    assert spares(spare_workers=0) == 0
    there_is(2**30)
    assert spares() == 0
    there_is(None)
    assert spares() == 0
    assert spares(spare_workers=2) == 2


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/a/b", {"a/b/memory.max": "max", "a/b/memory.current": "5"}, 8192),
        ("0::/a/b", {"a/memory.max": "4000", "a/memory.current": "1000"}, 3000),
        ("0::/", {"memory.max": "4000", "memory.current": "5000"}, 0),
        (
            "4:cpu,memory:/a\n0::/",
            {"memory/a/memory.limit_in_bytes": "70", "memory/a/memory.usage_in_bytes": "7"},
            63,
        ),
        ("9:cpu:/", {}, 8192),
        ("0::/../..", {"memory.max": "what", "memory.current": "1"}, 8192),
    ],
)
def test_free_memory_is_that_of_the_control_group(
    tmp_path: Path, groups: str, files: dict[str, str], expected: int
) -> None:
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 99 kB\nMemAvailable:       8 kB\n")
    (proc / "self" / "cgroup").write_text(groups)
    for name, text in files.items():
        (cgroups / name).parent.mkdir(parents=True, exist_ok=True)
        (cgroups / name).write_text(text)
    assert available_bytes(proc, cgroups) == expected


def test_unknown_memory_is_none(tmp_path: Path) -> None:
    assert available_bytes(tmp_path, tmp_path) is None
    assert available_bytes() is not None
