"""`madeira serve`: the service, on the models of a directory."""

import inspect
import socket
import sys
import types
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from madeira.app.errors import ServeError
from madeira.app.settings import Settings
from madeira.models.echo import MAX_ECHO, escaped, listed
from madeira.models.model_directories import directories_of, model_names

if TYPE_CHECKING:
    from madeira.app.http.routes import ServiceApp

__all__ = ["serve"]

_BACKLOG = 2048
_NEEDED = ("fastapi", "fastapi_swagger", "orjson", "prometheus_client", "uvicorn")
"""Packages of the extra `serve`, checked before the start."""

_FLAG_TYPES = (bool, int, float, Path)
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def _serve(**flags: object) -> None:
    """Serve the models of a directory over HTTP until Ctrl-C.

    Every option is also an environment variable: `--log-level debug` is MADEIRA_LOG_LEVEL=debug.
    """  # noqa: DOC501 - it is the help text
    settings = Settings.read(**flags)
    for package in _NEEDED:
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    # Bind before the models are loaded: a port in use is reported at once.
    with _bind(settings.host, settings.port) as listener:
        _say_where(settings.host, listener)
        _say_what(directories_of(settings.search_path))
        # Importing these takes a while; connections wait in the backlog meanwhile.
        from madeira.app.server.api_processes import run_api_processes
        from madeira.app.server.http_server import run_server

        def build() -> "ServiceApp":
            from madeira.app.main import create_app

            return create_app(settings)

        if settings.api_processes > 1:
            came_up = run_api_processes(settings, listener, _say_started)
        else:
            came_up = run_server(build, settings, listener, _say_started)
        if not came_up:
            raise ServeError("the service did not start; see the log above")


def _bind(host: str, port: int) -> socket.socket:
    """Open a listening socket.

    It must listen at once: two sockets with SO_REUSEADDR can be bound to one address.

    Args:
        host: Address to listen on.
        port: Port; 0 chooses a free one.

    Raises:
        ServeError: The address is in use or does not exist.
        OSError: The socket cannot be configured.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            if sys.platform != "win32":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ServeError(
            f"cannot listen on {host} port {port}: {reason}; choose another with --port"
        ) from error
    return listener


def _say_where(host: str, listener: socket.socket) -> None:
    """Print the addresses of the service."""
    port = listener.getsockname()[1]
    host = _EVERY_ADDRESS.get(host, host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    typer.echo(f"Madeira listens on {url}\n  console  {url}/\n  docs     {url}/docs")
    sys.stdout.flush()


def _say_what(directories: Sequence[Path]) -> None:
    """Print the directories of models, and a hint if there is no model."""
    for place, directory in enumerate(directories):
        names = model_names(directory)
        shown = listed(names, lambda name: escaped(name, MAX_ECHO)) if names else "none yet"
        typer.echo(f"  {'models' if place == 0 else '      '}   {directory}: {shown}")
    if not any(map(model_names, directories)):
        typer.echo(
            "  There is no model to serve. `madeira train DATA --name NAME` makes one of a CSV or "
            "Parquet\n  file, which is served without a restart; --checkpoints names other "
            "directories."
        )
    sys.stdout.flush()


def _say_started() -> None:
    """Print that the start is complete; the log names models that were rejected."""
    typer.echo("Madeira has started")
    sys.stdout.flush()


def _flag_type(annotation: object) -> tuple[type, str | None]:
    """Type of a setting as typer knows it, and what stands for a value in the help."""
    if get_origin(annotation) is Annotated:
        return _flag_type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _flag_type(next(kind for kind in get_args(annotation) if kind is not type(None)))
    if get_origin(annotation) is Literal:
        return str, "|".join(map(str, get_args(annotation)))
    return next((kind for kind in _FLAG_TYPES if kind is annotation), str), None


def _flag(name: str, field: FieldInfo) -> inspect.Parameter:
    """Return the parameter of a setting, which typer converts to an option."""
    kind, metavar = _flag_type(field.annotation)
    flag = name.replace("_", "-")
    option = typer.Option(
        f"--{flag}/--no-{flag}" if kind is bool else f"--{flag}",
        help=field.description,
        show_default="unset" if field.default is None else str(field.default),
        metavar=metavar,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


def _with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command one flag for each setting, so that `Settings` is the only list."""
    flags = [_flag(name, field) for name, field in Settings.model_fields.items()]
    command.__name__ = "serve"
    command.__signature__ = inspect.Signature(flags)  # type: ignore[attr-defined]
    command.__annotations__ = {flag.name: flag.annotation for flag in flags}
    return command


serve = _with_flags(_serve)
