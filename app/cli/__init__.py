"""The command `madeira`: one file a command.

`main` is where every command starts and ends. Mistakes of the user leave it as one line on
stderr: status 2 where the command was written wrongly, status 1 where its data, its models or
its surroundings are at fault. What is a mistake of this program leaves as a traceback.

The service, the search and what draws pictures are imported when they are needed, so that no other
command waits for them.
"""

import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from madeira.app.cli.interrupts import ABORTED
from madeira.app.cli.models import models
from madeira.app.cli.report_page import report as report_page
from madeira.app.cli.schema import schema
from madeira.app.cli.serve import serve
from madeira.app.cli.train import train
from madeira.app.cli.tune import tune
from madeira.app.errors import AppError, SettingsError
from madeira.models.errors import ModelsError

__all__ = ["main"]

_USAGE = 2

_commands = typer.Typer(
    name="madeira",
    help="Exact densities of tables: score rows, sample new ones, fill in what is missing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _command in (serve, train, tune, schema, models, report_page):
    _commands.command()(_command)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"madeira {version('madeira')}")
        raise typer.Exit


@_commands.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Options of `madeira` itself, before the name of a command."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command and ends the process.

    Args:
        arguments: What stands after `madeira` on the command line; `sys.argv` by default.

    Raises:
        SystemExit: Always; 0 after success, 1 or 2 after a mistake of the user.
    """
    try:
        _commands(arguments, prog_name="madeira")
    except (AppError, ModelsError) as error:
        typer.echo(f"madeira: {' '.join(str(error).split())}", err=True)
        sys.exit(_USAGE if isinstance(error, SettingsError) else 1)
    except KeyboardInterrupt:
        sys.exit(ABORTED)
    sys.exit(0)
