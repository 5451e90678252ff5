"""One supervisor for every kind of process: started again, given up, stopped in time."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from madeira.app.processes.child import ChildSpec, Launch, describe_exit
from madeira.app.processes.supervisor import Supervisor
from tests.waiting import wait_until


def dummy(*arguments: str, **options: object) -> ChildSpec:
    def launch(generation: int, status_fd: int) -> Launch:
        return Launch("tests.app.dummy_child", [str(status_fd), *arguments])

    return ChildSpec("a dummy", launch, **options)  # type: ignore[arg-type]


@contextmanager
def supervised(*specs: ChildSpec, stop_limit_s: float = 60.0) -> Iterator[Supervisor]:
    supervisor = Supervisor(specs, stop_limit_s)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.close()


def pids(supervisor: Supervisor) -> list[int | None]:
    return [slot.child.pid if slot.child else None for slot in supervisor.slots]


def test_a_killed_process_is_replaced_and_the_others_stay() -> None:
    with supervised(dummy(), dummy(stop_signal=signal.SIGTERM)) as supervisor:
        wait_until(lambda: all(slot.is_up for slot in supervisor.slots))
        first, second = pids(supervisor)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: supervisor.restarts == 1 and supervisor.slots[0].is_up)
        assert pids(supervisor)[1] == second
        assert pids(supervisor)[0] != first


def test_a_spare_starts_when_the_others_have_been_up() -> None:
    with supervised(dummy(is_spare=True), dummy()) as supervisor:
        wait_until(lambda: all(slot.is_up for slot in supervisor.slots))
        spare, other = (slot.up_at for slot in supervisor.slots)
        assert spare is not None
        assert other is not None
        assert spare > other


def test_processes_that_never_come_up_are_given_up() -> None:
    supervisor = Supervisor([dummy("dies"), dummy("dies")], 60.0, max_failed_starts=3)
    assert not supervisor.run()
    assert supervisor.restarts >= 3
    supervisor.close()


def test_what_does_not_stop_in_time_is_killed() -> None:
    began = time.monotonic()
    with supervised(dummy(), dummy("deaf", stop_signal=signal.SIGTERM), stop_limit_s=0.5) as both:
        wait_until(lambda: all(slot.is_up for slot in both.slots))
    assert time.monotonic() - began < 60
    for pid in pids(both):
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_supervisor_that_is_told_to_stop_in_the_thread_it_runs_in_says_so() -> None:
    supervisor = Supervisor([dummy()], 60.0, max_failed_starts=3)
    threading.Timer(0.2, supervisor.ask_to_stop).start()
    assert supervisor.run()
    supervisor.close()


@pytest.mark.parametrize(
    ("status", "expected"),
    [(0, "status 0"), (3, "status 3"), (-15, "SIGTERM"), (-63, "status -63")],
)
def test_the_end_of_a_process_is_described(status: int, expected: str) -> None:
    assert describe_exit(status) == expected
