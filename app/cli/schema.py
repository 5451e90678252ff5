"""`madeira schema`: the kinds of the columns of a table, as a file to edit."""

from pathlib import Path
from typing import Annotated

import typer

from madeira.app.cli.options import (
    ColumnsOption,
    DataArgument,
    EncodingOption,
    NaValuesOption,
    OnBadCellOption,
    RowsOption,
    read_options,
)
from madeira.app.errors import SchemaCommandError

__all__ = ["schema"]


def schema(
    data: DataArgument,
    schema_file: Annotated[
        Path | None,
        typer.Option("--schema", metavar="FILE", help="A file that overrides kinds of columns."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="File to write; standard output by default."),
    ] = None,
    encoding: EncodingOption = None,
    na_values: NaValuesOption = None,
    columns: ColumnsOption = None,
    rows: RowsOption = None,
    on_bad_cell: OnBadCellOption = "drop",
) -> None:
    """Show the kind of each column of the table in DATA, and the reason.

    Edit the output and give it to `madeira train --schema` to override kinds.
    """  # noqa: DOC501 - it is the help text
    # Imported here because it takes seconds, for which `madeira --help` should not wait.
    from madeira.app.cli.training_data import read_clean_table
    from madeira.app.codecs.schema.read import read_overrides
    from madeira.app.codecs.schema.write import write_schema_yaml
    from madeira.models.errors import SchemaError, TableError
    from madeira.models.schema.overrides import verdicts

    options = read_options(encoding, na_values, columns, rows)
    try:
        table, notes = read_clean_table(data, schema_file, options, on_bad_cell)
        overrides = read_overrides(schema_file, table) if schema_file else {}
        decided = verdicts(table, overrides)
    except (SchemaError, TableError) as error:
        raise SchemaCommandError(str(error) if schema_file else f"{data}: {error}") from error
    text = write_schema_yaml(str(data), table, decided, overrides, notes)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise SchemaCommandError(
            f"{output} exists already; it may be edited, so it is not overwritten"
        ) from None
    except OSError as error:
        if output.is_file():  # incomplete
            output.unlink()
        raise SchemaCommandError(
            f"{output} cannot be written: {error.strerror or error}"
        ) from error
