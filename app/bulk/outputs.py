"""Writers of tables, one a format, which write any number of rows piece by piece."""

from collections.abc import Callable
from typing import Any, BinaryIO, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ipc

from madeira.app.bulk.blocks import NDJSON_EXTENSIONS
from madeira.app.codecs.csv.writer import CsvWriter
from madeira.app.codecs.ndjson.writer import LinesWriter
from madeira.app.codecs.table_format import TableWriter
from madeira.models.tables.files import ARROW_EXTENSIONS, PARQUET_EXTENSIONS

__all__ = ["EXTENSIONS", "Writer", "writer"]

_GROUP_ROWS: Final = 131_072
_STREAM: Final = ".arrows"


class Writer(Protocol):
    """Writes a table part by part."""

    def write(self, table: pa.Table) -> None:
        """Write the next rows."""

    def close(self) -> None:
        """Write what follows the last of them; the file stays open."""


class _Text:
    """Text that a codec of the service makes."""

    def __init__(self, file: BinaryIO, schema: pa.Schema, codec: TableWriter) -> None:
        self._file, self._codec = file, codec
        self.write(schema.empty_table())  # the names of the columns, if there are no rows

    def write(self, table: pa.Table) -> None:
        self._file.write(self._codec.write(table))

    def close(self) -> None:
        self._file.write(self._codec.close())


def _csv(file: BinaryIO, schema: pa.Schema) -> Writer:
    return _Text(file, schema, CsvWriter(header=True))


def _ndjson(file: BinaryIO, schema: pa.Schema) -> Writer:
    return _Text(file, schema, LinesWriter())


class _Parquet:
    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(file, schema, compression="zstd")
        self._waiting: list[pa.Table] = []

    def write(self, table: pa.Table) -> None:
        self._waiting.append(table)
        if sum(one.num_rows for one in self._waiting) >= _GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting))
            self._waiting.clear()


class _Arrow:
    def __init__(
        self, file: BinaryIO, schema: pa.Schema, open_writer: Callable[..., Any] = ipc.new_file
    ) -> None:
        # A file has room for one dictionary of each column, and blocks have their own.
        self._schema = pa.schema(
            [
                field.with_type(field.type.value_type)
                if pa.types.is_dictionary(field.type)
                else field
                for field in schema
            ]
        )
        self._writer = open_writer(file, self._schema)

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table.cast(self._schema))

    def close(self) -> None:
        self._writer.close()


class _ArrowStream(_Arrow):
    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        super().__init__(file, schema, ipc.new_stream)


_WRITERS: Final[dict[str, Callable[[BinaryIO, pa.Schema], Writer]]] = {
    ".csv": _csv,
    **dict.fromkeys(PARQUET_EXTENSIONS, _Parquet),
    **dict.fromkeys(ARROW_EXTENSIONS, _Arrow),
    **dict.fromkeys(NDJSON_EXTENSIONS, _ndjson),
    _STREAM: _ArrowStream,
}

EXTENSIONS: Final = tuple(_WRITERS)
"""Extensions of files that can be written."""


def writer(extension: str, file: BinaryIO, schema: pa.Schema) -> Writer:
    """Begin a table.

    Args:
        extension: One of `EXTENSIONS`.
        file: What is written to.
        schema: The columns.
    """
    return _WRITERS[extension](file, schema)
