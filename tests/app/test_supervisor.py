"""Whatever is short when a worker dies, another one comes; and nothing waits for it for ever."""

import contextlib
import errno
import os
import resource
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from madeira.app.errors import NoWorkerError
from madeira.app.ipc.heartbeat import Heartbeat, HeartbeatReader, create_heartbeat
from madeira.app.jobs import ModelKey, ScoreJob
from madeira.app.processes import child, supervisor, worker_processes
from madeira.app.settings import Settings
from madeira.models import DensityEstimator
from tests.app.crew import Crew, assert_answers, crew
from tests.app.running import assert_problem, running
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def one(checkpoints: Path) -> Iterator[Crew]:
    """One worker; what waits for it is refused after a minute."""
    with crew(checkpoints, wait_s=60.0) as running:
        yield running


def kill_and_await_another(workers: Crew) -> None:
    (before,) = workers.state.pids
    workers.kill()
    wait_until(lambda: workers.state.pids[0] not in (None, before))
    wait_until(lambda: workers.engine.usable == 1)


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Not one more file can be opened in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 512), hard))
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        with pytest.raises(OSError, match="Too many open files"):
            os.open(os.devnull, os.O_RDONLY)
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_worker_is_replaced_where_no_descriptor_is_left(
    one: Crew, job: ScoreJob, estimator: DensityEstimator
) -> None:
    (pid,) = one.state.pids
    assert pid is not None
    with no_descriptors():
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: one.engine.usable == 0)
        wait_until(lambda: one.engine.usable == 1)
        assert_answers(one, job, estimator)
    assert one.state.pids[0] != pid


ERRORS = [
    OSError(errno.EAGAIN, "Resource temporarily unavailable"),
    OSError(errno.EMFILE, "Too many open files"),
    OSError(errno.ENOSPC, "No space left on device"),
    MemoryError(),
    RuntimeError("can't start new thread"),
    subprocess.SubprocessError("odd"),
]


@pytest.mark.parametrize(
    "error",
    [ERRORS[0], *(pytest.param(error, marks=pytest.mark.slow) for error in ERRORS[1:])],
    ids=lambda error: type(error).__name__ + str(error.args[:1]),
)
def test_starting_a_worker_is_tried_until_it_succeeds(
    one: Crew,
    job: ScoreJob,
    estimator: DensityEstimator,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    start, failures = subprocess.Popen, iter(range(3))
    opened = len(os.listdir("/proc/self/fd"))

    def failing(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        if next(failures, None) is not None:
            raise error
        return start(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", failing)
    kill_and_await_another(one)
    assert next(failures, None) is None
    assert_answers(one, job, estimator)
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= opened)
    assert len(list(one.workers.directory.glob("0-*.heartbeat"))) == 1


def test_a_supervisor_that_fails_goes_on(
    one: Crew, job: ScoreJob, estimator: DensityEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter(range(3))
    monkeypatch.setattr(worker_processes, "write_state", lambda *_: 1 / len(list(failures)[:1]))
    one.kill()
    wait_until(lambda: next(failures, None) is None)
    monkeypatch.undo()
    wait_until(lambda: one.engine.usable == 1)
    assert_answers(one, job, estimator)


def test_a_runtime_directory_that_was_removed_is_made_again(
    one: Crew, job: ScoreJob, estimator: DensityEstimator
) -> None:
    shutil.rmtree(one.workers.directory)
    one.run(kill_peer(one))
    wait_until(lambda: one.engine.usable == 0)
    wait_until(lambda: one.engine.usable == 1)
    assert one.workers.directory.stat().st_mode & 0o777 == 0o700
    assert_answers(one, job, estimator)


async def kill_peer(workers: Crew) -> None:
    """Kill the worker, which is not known any more."""
    (connection,) = workers.engine._worker_pool.connections
    assert connection.pid is not None
    os.kill(connection.pid, signal.SIGKILL)


def test_what_waits_for_a_worker_is_refused_after_a_while_and_what_comes_at_once(
    one: Crew, job: ScoreJob, estimator: DensityEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    worker_pool = one.engine._worker_pool
    with monkeypatch.context() as patched:
        patched.setattr(worker_pool, "size", replace(worker_pool.size, wait_s=0.5))
        patched.setattr(worker_pool, "_wait_s", 0.5)
        patched.setattr(subprocess, "Popen", failing)
        one.kill()
        wait_until(lambda: one.engine.usable == 0)
        for _ in range(2):
            with pytest.raises(NoWorkerError) as refused:
                one.run(one.engine.run(job))
            assert int(refused.value.headers["Retry-After"]) >= 1
        assert len(one.engine.admission) == 0
        with pytest.raises(NoWorkerError):
            one.run(one.engine.prepare(ModelKey("shop", "2")))
    wait_until(lambda: one.engine.usable == 1)
    assert_answers(one, job, estimator)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_live_is_false_where_workers_are_no_longer_replaced(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[bool] = []
    ended = threading.Event()

    class Ending(supervisor.Supervisor):
        """That of this service alone; others go on."""

        def _turn(self) -> None:
            if ended.is_set():
                raise SystemExit
            super()._turn()
            turns.append(True)

    monkeypatch.setattr(worker_processes, "Supervisor", Ending)
    with running(Settings.read(checkpoints=checkpoints, threads=1)) as service:
        assert service.client.get("/health/live").status_code == 200
        with no_descriptors():
            assert service.client.get("/health/live").status_code == 200
        monkeypatch.setattr(worker_processes, "LATE_S", 1.0)
        taken = len(turns)
        wait_until(lambda: len(turns) >= taken + 2)  # the second one has that limit
        ended.set()
        wait_until(lambda: not service.app.state.plane.engine.is_supervised)
        problem = assert_problem(service.client.get("/health/live"), 503)
        assert "no longer replaced" in problem["detail"]


def test_a_journal_has_its_space_from_the_beginning_and_knows_when_it_is_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "1.heartbeat"
    create_heartbeat(path, 3600.0)
    assert path.stat().st_blocks * 512 >= path.stat().st_size > 0
    reader = HeartbeatReader(path)
    assert -3600 <= reader.overdue_s() < 0
    Heartbeat(path).beat(-1.0, [7, 9])
    assert reader.overdue_s() >= 1
    assert reader.frames() == {7, 9}
    reader.close()


def test_a_service_that_was_stopped_for_long_keeps_its_workers(
    one: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine that slept, or in a container that was paused."""
    (pid,) = one.state.pids
    assert pid is not None
    restarts, looks = one.state.restarts, []

    def hangs(process: child.Child) -> bool:
        if process.pid == pid:
            looks.append(True)
        return process.pid == pid

    def a_turn_is_taken() -> None:
        before = one.workers.supervisor._turned_at
        wait_until(lambda: one.workers.supervisor._turned_at > before)

    monkeypatch.setattr(supervisor, "SUSPENDED_S", -1.0)  # every turn comes so late
    a_turn_is_taken()
    a_turn_is_taken()
    monkeypatch.setattr(child.Child, "is_hanging", property(hangs))
    a_turn_is_taken()
    a_turn_is_taken()
    assert not looks
    monkeypatch.undo()
    assert one.state.pids == (pid,)
    assert one.state.restarts == restarts
