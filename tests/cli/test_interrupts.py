"""The first Ctrl-C stops what may be stopped, the second aborts wherever it comes."""

import signal

import pytest

from madeira.app.cli.interrupts import Interrupts
from madeira.app.processes.signals import ABORTED


def test_first_interrupt_stops_and_a_second_aborts(capfd: pytest.CaptureFixture[str]) -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.stopping():
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(SystemExit) as aborted:
            signal.raise_signal(signal.SIGINT)
    assert aborted.value.code == ABORTED
    assert capfd.readouterr().err.count("Ctrl-C again aborts") == 1


def test_first_interrupt_outside_lets_go_on(capfd: pytest.CaptureFixture[str]) -> None:
    with Interrupts():
        signal.raise_signal(signal.SIGINT)
    assert "Stopping" in capfd.readouterr().err


def test_former_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_that_came_before_is_not_lost(capfd: pytest.CaptureFixture[str]) -> None:
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), interrupts.stopping():
            raise AssertionError("it went on")
    assert "Stopping" in capfd.readouterr().err


def test_when_training_has_ended_the_first_is_announced_and_the_second_says_what_is_lost(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with Interrupts("Only the crumbs are left.") as interrupts:
        with interrupts.stopping():
            interrupts.finish()
            signal.raise_signal(signal.SIGINT)  # nothing is raised
        signal_text = capfd.readouterr().err
        assert "Training has ended" in signal_text
        interrupts.finish()  # each part says so; it is counted from the first
        with pytest.raises(SystemExit):
            signal.raise_signal(signal.SIGTERM)
    assert "Aborted. Only the crumbs are left." in capfd.readouterr().err


def test_the_stop_of_the_training_does_not_count_against_what_follows(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt), interrupts.stopping():
            signal.raise_signal(signal.SIGTERM)
        interrupts.finish()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(SystemExit):
            signal.raise_signal(signal.SIGINT)
    assert "the same command trains it again" in capfd.readouterr().err
