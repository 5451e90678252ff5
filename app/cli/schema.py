"""`madeira schema`: how the columns of a table are understood, as a file to edit."""

from pathlib import Path
from typing import Annotated

import typer

from madeira.app.errors import AppError

__all__ = ["SchemaCommandError", "schema"]


class SchemaCommandError(AppError):
    """No schema can be shown, or not be written there; the message names the cause."""


def schema(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="A CSV or Parquet file; empty cells are missing values."
        ),
    ],
    schema_file: Annotated[
        Path | None,
        typer.Option("--schema", metavar="FILE", help="What overrules the kinds of columns."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Where to write, in place of the screen."),
    ] = None,
) -> None:
    """Show what each column of the table in DATA is taken for, and why.

    Change a word in the file and give it to `madeira train --schema` to overrule it.
    """
    # These load the networks, which `madeira --help` need not wait for.
    from madeira.app.cli.schema_file import said_of_columns
    from madeira.app.cli.schema_text import schema_text
    from madeira.models import read_table
    from madeira.models.columns.overrides import verdicts
    from madeira.models.errors import SchemaError, TableError

    table = read_table(data)
    try:
        said = said_of_columns(schema_file, table) if schema_file else {}
        decided = verdicts(table, said)
    except (SchemaError, TableError) as error:
        raise SchemaCommandError(str(error) if schema_file else f"{data}: {error}") from error
    text = schema_text(str(data), table, decided, said)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise SchemaCommandError(
            f"{output} exists already; it may be edited, so it is not written over"
        ) from None
    except OSError as error:
        if output.is_file():  # what there is of it
            output.unlink()
        raise SchemaCommandError(
            f"{output} cannot be written: {error.strerror or error}"
        ) from error
