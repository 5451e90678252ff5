"""Options that several commands have."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from madeira.models.echo import quoted
from madeira.models.tables.reading import NullWords, OnBadCell, ReadOptions

__all__ = [
    "ColumnsOption",
    "ComputeDeviceOption",
    "DataArgument",
    "DeviceOption",
    "EncodingOption",
    "NaValuesOption",
    "NameOption",
    "OnBadCellOption",
    "RowsOption",
    "SchemaOption",
    "SearchPathOption",
    "SeedOption",
    "TargetOption",
    "read_options",
]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_ROWS = re.compile(r"\d{1,15}|\d{0,15}:\d{0,15}")
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")


def _valid_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise typer.BadParameter(
            f"{quoted(name)}: small letters, digits, - and _ make a name, "
            "a letter or digit first, 100 at most"
        )
    return name


def _valid_device(device: str) -> str:
    if not _DEVICE.fullmatch(device):
        raise typer.BadParameter(f"{quoted(device)} is not cpu, cuda or cuda:<index>")
    return device


def _valid_rows(rows: str | None) -> str | None:
    if rows is not None and not _ROWS.fullmatch(rows):
        raise typer.BadParameter(f"{quoted(rows)} is not a number of rows, nor START:END")
    return rows


DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="A file of CSV, Parquet, Arrow, JSON or Excel, a quoted pattern such as 'part-*.csv', "
        "or - for standard input.",
    ),
]
NameOption = Annotated[str, typer.Option("--name", help="Name of the model.", callback=_valid_name)]
TargetOption = Annotated[
    Path | None,
    typer.Option(
        "--checkpoints",
        help="Directory of the models; the new version is saved in its folder NAME.",
        show_default="~/.local/share/madeira/models",
        envvar="MADEIRA_CHECKPOINTS",
    ),
]
SearchPathOption = Annotated[
    Path | None,
    typer.Option(
        "--checkpoints",
        help="Directories of the models.",
        show_default="yours, and the bundled one",
        envvar="MADEIRA_CHECKPOINTS",
    ),
]
DeviceOption = Annotated[
    str, typer.Option("--device", help="Where to train: cpu or cuda.", callback=_valid_device)
]
ComputeDeviceOption = Annotated[
    str, typer.Option("--device", help="Where to compute: cpu or cuda.", callback=_valid_device)
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, help="On a CPU, the same seed gives the same model.")
]
SchemaOption = Annotated[
    Path | None,
    typer.Option(
        "--schema",
        metavar="FILE",
        help="A file that overrides kinds of columns, see `madeira schema`.",
    ),
]
EncodingOption = Annotated[
    str | None,
    typer.Option("--encoding", help="Encoding of text, such as latin-1; found by default."),
]
NaValuesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--na-values",
        metavar="[COLUMN=]WORD,...",
        help="Words that mean missing in a file of text, in all columns or in one; by default they "
        "are found. Empty cells are always missing.",
    ),
]
ColumnsOption = Annotated[
    str | None,
    typer.Option("--columns", metavar="NAME,...", help="The columns wanted; all by default."),
]
RowsOption = Annotated[
    str | None,
    typer.Option(
        "--rows",
        metavar="N|START:END",
        help="The first N rows, or those from START up to END; all by default.",
        callback=_valid_rows,
    ),
]
OnBadCellOption = Annotated[
    OnBadCell,
    typer.Option(
        "--on-bad-cell",
        help="What becomes of the few cells that are no number in a column of numbers: "
        "drop takes them as missing, fail ends the command.",
    ),
]


def read_options(
    encoding: str | None, na_values: Sequence[str] | None, columns: str | None, rows: str | None
) -> ReadOptions:
    """Return what the options of a command ask of a file.

    Args:
        encoding: `--encoding`.
        na_values: `--na-values`, as often as it was given.
        columns: `--columns`.
        rows: `--rows`.
    """
    wanted = None if columns is None else [name.strip() for name in columns.split(",")]
    span = None
    if rows is not None:
        start, colon, end = rows.partition(":")
        span = slice(int(start or 0), int(end) if end else None) if colon else slice(int(start))
    return ReadOptions(encoding, _null_words(na_values), wanted, span)


def _null_words(given: Sequence[str] | None) -> NullWords | None:
    if not given:
        return None
    everywhere: list[str] = []
    by_column: dict[str, list[str]] = {}
    for text in given:
        name, equals, words = text.rpartition("=")
        (by_column.setdefault(name, []) if equals else everywhere).extend(words.split(","))
    if everywhere and by_column:
        raise typer.BadParameter("give words for all columns, or words by column, not both")
    return by_column or everywhere
