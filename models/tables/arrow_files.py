"""Parquet files, and Arrow files and streams."""

from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ipc

from madeira.models.echo import cut
from madeira.models.errors import TableFileError
from madeira.models.tables.reading import Read, ReadOptions
from madeira.models.tables.source import Source

__all__ = ["read_arrow", "read_parquet"]

MAX_CELLS: Final = 2**32
"""Most cells of a Parquet file, in which a few bytes can claim any number of rows."""

_ARROW_FILE: Final = b"ARROW1"
_MAX_REASON: Final = 300


def read_parquet(source: Source, options: ReadOptions) -> Read:
    """Read Parquet; the index that pandas stored beside the columns is dropped.

    Args:
        source: The file.
        options: Which columns are wanted.

    Raises:
        TableFileError: The file is not readable.
    """
    path = source.path
    try:
        with source.open_arrow() as stream:
            file = pq.ParquetFile(stream)
            _check_rows(source, file.metadata)
            known = set(file.schema_arrow.names)
            wanted = None if options.columns is None else known.intersection(options.columns)
            table = file.read(columns=None if wanted is None else sorted(wanted))
    except pa.ArrowException as error:
        raise TableFileError(
            f"{path} is not a readable Parquet file: {_first_line(error)}"
        ) from error
    index = (table.schema.pandas_metadata or {}).get("index_columns", [])
    names = {name for name in index if isinstance(name, str) and name.startswith("__index_level_")}
    return Read(table.drop_columns(sorted(names & set(table.column_names))))


def _check_rows(source: Source, metadata: pq.FileMetaData) -> None:
    """Check how many rows a Parquet file claims, before memory is taken for them.

    Raises:
        TableFileError: They are too many, or the parts of the file disagree.
    """
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    if sum(groups) != metadata.num_rows or min(groups, default=0) < 0:
        raise TableFileError(
            f"{source.path} is not a readable Parquet file: "
            "its parts disagree about the number of rows"
        )
    if metadata.num_rows * metadata.num_columns > MAX_CELLS:
        raise TableFileError(
            f"{source.path} says that it has {metadata.num_rows} rows of {metadata.num_columns} "
            f"columns; at most {MAX_CELLS:,} cells are read"
        )


def read_arrow(source: Source, options: ReadOptions) -> Read:
    """Read an Arrow file (Feather) or stream.

    Args:
        source: The file.
        options: They do not change how it is read.

    Raises:
        TableFileError: The file is not readable.
    """
    try:
        with source.open_arrow() as file:
            if file.read(len(_ARROW_FILE)) == _ARROW_FILE:
                return Read(ipc.open_file(file).read_all())
            file.seek(0)
            return Read(ipc.open_stream(file).read_all())
    except pa.ArrowException as error:
        raise TableFileError(
            f"{source.path} is not a readable Arrow file: {_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    return cut(str(error).strip().partition("\n")[0].rstrip("."), _MAX_REASON)
