"""The command `madeira`, also `python -m madeira`: names the extra that is missing.

`pip install madeira` brings the densities alone. Each command has an extra with what it needs.
"""

import sys
from typing import NoReturn

__all__ = ["main"]

_EXTRA_OF = {
    "fastapi": "serve",
    "fastapi_swagger": "serve",
    "httptools": "serve",
    "orjson": "serve",
    "prometheus_client": "serve",
    "uvicorn": "serve",
    "uvloop": "serve",
    "matplotlib": "train",
    "yaml": "train",
    "jinja2": "report",
    "optuna": "tune",
    "pydantic": "serve,train",
    "pydantic_settings": "serve,train",
    "rich": "serve,train",
    "typer": "serve,train",
}
"""The extra that brings a package, by the name that it is imported by."""


def main() -> NoReturn:
    """Runs the command, and ends the process.

    Raises:
        SystemExit: Always; 1 where a package that the command needs is not installed.
    """
    try:
        from madeira.app.cli import main as run

        run()
    except ModuleNotFoundError as error:
        extra = _EXTRA_OF.get(error.name or "")
        if extra is None:
            raise
        sys.stderr.write(
            f"madeira: this command needs {error.name}, which is not installed: "
            f"pip install 'madeira[{extra}]'\n"
        )
        sys.exit(1)
