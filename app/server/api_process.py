"""One of several API processes, started by `madeira serve`.

Its command is `python -m madeira.app.server.api_process PLAN`.

The plan is JSON: `settings`, the file descriptors `listener` and `status`, the `runtime` directory
where the workers are found, and whether `others` serve already.
"""

import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from madeira.app.server.http_server import run_server
from madeira.app.settings import Settings

if TYPE_CHECKING:
    from madeira.app.http.routes import ServiceApp

__all__ = ["main"]


def main(plan: str) -> int:
    """Serve until told to stop, or until the owner is gone.

    Args:
        plan: See the module.

    Returns:
        The exit status.
    """
    found = json.loads(plan)
    settings = Settings(**found["settings"])
    listener = socket.socket(fileno=found["listener"])

    def build() -> "ServiceApp":
        from madeira.app.main import create_app

        return create_app(settings, runtime=Path(found["runtime"]))

    # The owner holds the other end of the standard input; its end is the owner's end.
    owner = sys.stdin.fileno()
    came_up = run_server(
        build, settings, listener, lambda: _say_serving(found["status"]), owner, found["others"]
    )
    return 0 if came_up else 1


def _say_serving(status_fd: int) -> None:
    os.write(status_fd, b"1")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
