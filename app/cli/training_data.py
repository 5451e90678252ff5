"""What training commands share: their options, the table they read, and what stops them early."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from madeira.app.errors import AppError
from madeira.app.model_directories import default_search_path, directories_of
from madeira.models.echo import quoted
from madeira.models.errors import SchemaError, TableError

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from madeira.models import Schema

__all__ = [
    "CheckpointsOption",
    "DataArgument",
    "DeviceOption",
    "NameOption",
    "SchemaOption",
    "SeedOption",
    "TrainError",
    "places_of",
    "prepared",
    "require_writable",
]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")


class TrainError(AppError):
    """A model cannot be trained of this file, or not here; the message names the cause."""


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


DataArgument = Annotated[
    Path,
    typer.Argument(metavar="DATA", help="A CSV or Parquet file; empty cells are missing values."),
]
NameOption = Annotated[
    str, typer.Option("--name", help="What the model will be called.", callback=_valid_name)
]
CheckpointsOption = Annotated[
    Path | None,
    typer.Option(
        "--checkpoints",
        help="Directory of the models; this one goes to NAME and its next version in there.",
        show_default="~/.local/share/madeira/models",
        envvar="MADEIRA_CHECKPOINTS",
    ),
]
DeviceOption = Annotated[
    str, typer.Option("--device", help="Where to train: cpu or cuda.", callback=_valid_device)
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, help="On a CPU, the same seed gives the same model.")
]
SchemaOption = Annotated[
    Path | None,
    typer.Option(
        "--schema",
        metavar="FILE",
        help="What overrules the kinds of columns, as `madeira schema` writes it.",
    ),
]


def prepared(
    data: Path, schema_file: Path | None, target: Path, device: str, console: "Console"
) -> "tuple[pa.Table, Schema]":
    """Reads the table, and shows what its columns are taken for.

    Args:
        data: The file.
        schema_file: What overrules the kinds, or None.
        target: Where the model will be saved.
        device: Where it will be trained.
        console: Where to show the columns.

    Raises:
        TrainError: The place, the device, the table or the kinds will not do.
        TableFileError: The file holds no readable table.
    """
    # These load the networks, which `madeira --help` need not wait for.
    from madeira.app.cli.report import schema_report
    from madeira.app.cli.schema_file import read_schema
    from madeira.models import Schema, read_table

    require_writable(target)
    _require_device(device)
    table = read_table(data)
    _require_rows(data, table)
    try:
        schema = read_schema(schema_file, table) if schema_file else Schema.infer(table)
    except (SchemaError, TableError) as error:
        raise TrainError(str(error) if schema_file else f"{data}: {error}") from error
    console.print(f"{data}: {table.num_rows:,} rows, {table.num_columns:,} columns")
    console.print(schema_report(schema, table))
    _require_columns(data, schema)
    return table, schema


def _require_rows(path: Path, table: "pa.Table") -> None:
    if table.num_rows < 2:
        rows = "no rows" if table.num_rows == 0 else "one row"
        raise TrainError(f"{path} has {rows}; a model needs at least two to learn from")


def _require_columns(path: Path, schema: "Schema") -> None:
    if not schema.columns:
        reasons = "; ".join(f"{column.name}: {column.reason}" for column in schema.left_out)
        raise TrainError(f"{path}: every column is set aside ({reasons})")


def places_of(checkpoints: Path | None, name: str) -> tuple[Path, Sequence[Path]]:
    """Where a model goes, and where others of its name may be that are served too.

    Args:
        checkpoints: What the option says: models go to the first directory.
        name: What the model will be called.
    """
    own, *others = directories_of(checkpoints or default_search_path())
    return own / name, [directory / name for directory in others]


def require_writable(directory: Path) -> None:
    """Finds out before the training, not after it, that its result cannot be written."""
    place = next(
        path for path in (directory.absolute(), *directory.absolute().parents) if path.exists()
    )
    if not place.is_dir():
        raise TrainError(f"{place} is a file; models are saved to a directory")
    if not os.access(place, os.W_OK | os.X_OK):
        raise TrainError(f"{place} cannot be written to; choose another with --checkpoints")


def _require_device(device: str) -> None:
    if not device.startswith("cuda"):
        return
    import torch

    index = torch.device(device).index or 0
    if index >= torch.cuda.device_count():
        raise TrainError(f"there is no CUDA device {index} here; train with --device cpu")
