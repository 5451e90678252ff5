"""The command `madeira`: one file a command.

`main` runs a command and ends the process. A mistake of the user is one line on stderr and status
2 (wrong command line) or 1 (wrong data, models or environment). A mistake of this program is a
traceback.

The service, the search and matplotlib are imported when a command needs them, because importing
them takes seconds.
"""

import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from madeira.app.cli.impute import impute
from madeira.app.cli.models import models
from madeira.app.cli.report import report
from madeira.app.cli.sample import sample
from madeira.app.cli.schema import schema
from madeira.app.cli.score import score
from madeira.app.cli.serve import serve
from madeira.app.cli.train import train
from madeira.app.cli.tune import tune
from madeira.app.errors import AppError, SettingsError
from madeira.app.processes.signals import ABORTED
from madeira.models.errors import ModelsError

__all__ = ["main"]

_USAGE = 2

_commands = typer.Typer(
    name="madeira",
    help="Exact densities of tables: score rows, sample new ones, fill missing cells.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _command in (serve, train, tune, schema, models, report, score, impute, sample):
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
    """Run the command and end the process.

    Args:
        arguments: Arguments of the command line; `sys.argv[1:]` by default.

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
