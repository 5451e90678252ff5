"""The command `madeira`, also `python -m madeira`: names the extra that is missing.

`pip install madeira` installs the densities only. Each command has an extra with its packages.
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
    "httpx": "client",
    "jinja2": "report",
    "optuna": "tune",
    "pydantic": "serve,train",
    "pydantic_settings": "serve,train",
    "rich": "serve,train",
    "typer": "serve,train",
}
"""The extra that has a package, by its import name."""


def main() -> NoReturn:
    """Run the command, and end the process.

    Raises:
        SystemExit: Always; 1 if a package that the command needs is not installed.
        ModuleNotFoundError: A package is not installed that belongs to no extra.
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
