"""Preparations of the training commands: table, schema, directory, device."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from madeira.app.errors import TrainError
from madeira.models.errors import SchemaError, TableError
from madeira.models.model_directories import default_search_path, directories_of

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from madeira.models import Schema
    from madeira.models.tables.reading import OnBadCell, ReadOptions

__all__ = ["read_clean_table", "read_training_table", "require_writable", "target_directories"]


def read_training_table(
    data: Path,
    schema_file: Path | None,
    target: Path,
    device: str,
    console: "Console",
    options: "ReadOptions",
    on_bad_cell: "OnBadCell",
) -> "tuple[pa.Table, Schema]":
    """Read the table, and show the kinds of its columns.

    Args:
        data: The file of the table.
        schema_file: The file that overrides kinds, or None.
        target: Directory of the model.
        device: Device of the training.
        console: Console for the output.
        options: What is to be read of the file.
        on_bad_cell: What becomes of cells that do not fit their column.

    Raises:
        TrainError: The directory, the device, the table or the schema file cannot be used.
        TableFileError: The file has no readable table.
    """
    # Imported here because it takes seconds, for which `madeira --help` should not wait.
    from rich.text import Text

    from madeira.app.cli.summary import schema_report
    from madeira.app.codecs.schema.read import read_schema
    from madeira.models import Schema

    require_writable(target)
    _require_device(device)
    try:
        table, notes = read_clean_table(data, schema_file, options, on_bad_cell)
        _require_rows(data, table)
        schema = read_schema(schema_file, table) if schema_file else Schema.infer(table)
    except (SchemaError, TableError) as error:
        raise TrainError(str(error) if schema_file else f"{data}: {error}") from error
    for note in notes:
        console.print(Text(f"note: {note}", style="yellow"), soft_wrap=True)
    console.print(f"{data}: {table.num_rows:,} rows, {table.num_columns:,} columns")
    console.print(schema_report(schema, table))
    _require_columns(data, schema)
    return table, schema


def read_clean_table(
    data: Path,
    schema_file: Path | None,
    options: "ReadOptions",
    on_bad_cell: "OnBadCell",
) -> "tuple[pa.Table, list[str]]":
    """Read a table; the few cells that do not fit their column are missing.

    Args:
        data: The file of the table.
        schema_file: The file that overrides kinds, or None.
        options: What is to be read of the file.
        on_bad_cell: Whether cells that do not fit are an error.

    Returns:
        The table, and a sentence for everything that was assumed or left out.

    Raises:
        TableFileError: The file has no readable table.
        TableError: Cells do not fit, and are to be an error.
        SchemaError: The schema file cannot be read.
    """
    from madeira.app.codecs.schema.read import read_kinds
    from madeira.models.tables.bad_cells import refuse_bad_cells, without_bad_cells
    from madeira.models.tables.files import read_with_notes

    read = read_with_notes(data, options)
    kinds = read_kinds(schema_file) if schema_file else {}
    table, bad, notes = without_bad_cells(read.table, kinds)
    if on_bad_cell == "fail":
        refuse_bad_cells(bad)
    return table, [*read.notes, *notes, *map(str, bad)]


def _require_rows(path: Path, table: "pa.Table") -> None:
    if table.num_rows < 2:
        rows = "no rows" if table.num_rows == 0 else "one row"
        raise TrainError(f"{path} has {rows}; a model needs at least two to learn from")


def _require_columns(path: Path, schema: "Schema") -> None:
    if not schema.columns:
        reasons = "; ".join(f"{column.name}: {column.reason}" for column in schema.left_out)
        raise TrainError(f"{path}: every column is excluded ({reasons})")


def target_directories(checkpoints: Path | None, name: str) -> tuple[Path, Sequence[Path]]:
    """Return the directory of a model, and the other directories that may have models of its name.

    Args:
        checkpoints: Directories of models; new models are saved in the first.
        name: Name of the model.
    """
    own, *others = directories_of(checkpoints or default_search_path())
    return own / name, [directory / name for directory in others]


def require_writable(directory: Path) -> None:
    """Check before the training that its result can be written.

    Raises:
        TrainError: The directory cannot be written.
    """
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
