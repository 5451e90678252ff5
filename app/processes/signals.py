"""The signals that ask a command to stop, and the exit status that follows."""

import signal
from collections.abc import Callable

__all__ = ["ABORTED", "catch_signals"]

ABORTED = 130
"""Exit status that a shell expects of a command that Ctrl-C ended."""


def catch_signals(stop: Callable[[int, object], None]) -> None:
    """Call a function on Ctrl-C, SIGTERM and SIGHUP.

    SIGHUP stays ignored where it is: that is how `nohup` starts a program.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)
