"""A process that says that it is up and waits for its end; `dies` and `deaf` make it misbehave."""

import os
import signal
import sys

__all__: list[str] = []

if __name__ == "__main__":
    if "dies" in sys.argv:
        sys.exit(3)
    if "deaf" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(int(sys.argv[1]), b"1")
    while "deaf" in sys.argv:
        signal.pause()
    sys.stdin.read()
