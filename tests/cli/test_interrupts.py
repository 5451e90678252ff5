"""The first Ctrl-C stops what may be stopped, the second aborts wherever it comes."""

import signal

import pytest

from app.cli.interrupts import ABORTED, Interrupts


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
