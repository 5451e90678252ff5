"""A worker on a machine whose clock jumps.

`python -m tests.app.jumping_worker CONFIGURATION` runs in the place of
`madeira.app.workers.process`.
"""

import itertools
import sys
import time

from madeira.app.workers.process import main

__all__ = ["DAY_S", "jump"]

DAY_S = 86_400.0


def jump() -> tuple[float, int]:
    """Return the time of day, a day off in turns; as seconds and as nanoseconds."""
    seconds = next(_days) * DAY_S + next(_monotonic)
    return seconds, int(1e9 * seconds)


_days = itertools.cycle((0.0, 20_000.0, 1.0, 40_000.0))
_monotonic = iter(time.monotonic, None)

if __name__ == "__main__":
    time.time = lambda: jump()[0]
    time.time_ns = lambda: jump()[1]
    main(sys.argv[1:])
