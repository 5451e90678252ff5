"""The signals that ask the service to stop."""

import signal
from collections.abc import Callable

__all__ = ["catch_signals"]


def catch_signals(stop: Callable[[int, object], None]) -> None:
    """Has a function called on Ctrl-C, SIGTERM and SIGHUP.

    SIGHUP stays ignored where it is: that is how `nohup` starts a program.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)
