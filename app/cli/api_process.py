"""One of several API processes: `python -m app.cli.api_process PLAN`, started by `madeira serve`.

The plan is JSON: `settings`, the file descriptors `listener` and `status`, the `runtime` directory
where the workers are found, and the process that is its `owner`.
"""

import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from app.cli.server import run_server
from app.main import create_app
from app.settings import Settings

__all__ = ["main"]


def main(plan: str) -> int:
    """Serves until it is told to stop, or its owner is gone.

    Args:
        plan: See the module.

    Returns:
        The exit status.
    """
    found = json.loads(plan)
    settings = Settings(**found["settings"])
    threading.Thread(target=_stop_with_owner, daemon=True).start()
    listener = socket.socket(fileno=found["listener"])
    app = create_app(settings, runtime=Path(found["runtime"]))
    came_up = run_server(app, settings, listener, lambda: _say_serving(found["status"]))
    return 0 if came_up else 1


def _say_serving(status_fd: int) -> None:
    os.write(status_fd, b"1")


def _stop_with_owner() -> None:
    """The owner holds the other end of the standard input; its end is the owner's end."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
