"""The formats of Arrow IPC streams and files."""

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from madeira.app.codecs.arrow.stream import FILE_MARK, StreamWriter, decode
from madeira.app.codecs.table_format import TableFormat
from madeira.app.errors import MalformedBodyError
from madeira.models.schema.schema import Schema

__all__ = ["ArrowFileFormat", "ArrowFormat"]


class ArrowFormat(TableFormat):
    """Arrow IPC streams; metadata stands in the schema."""

    media_type = "application/vnd.apache.arrow.stream"
    short = "arrows"
    suffixes = ("ipc",)
    name = "an Arrow stream"
    description = "An Arrow IPC stream."

    def read(
        self,
        content: bytes,
        schema: Schema,
        wanted: Callable[[Sequence[str]], Sequence[int]],
        *,
        row_limit: int,
        limit_bytes: int,
    ) -> pa.Table:
        """See `TableFormat`."""
        return decode(content, wanted, row_limit=row_limit, limit_bytes=limit_bytes)

    def writer(self, schema: pa.Schema, metadata: Mapping[str, str], rows: int) -> StreamWriter:
        """See `TableFormat`."""
        return StreamWriter(schema, metadata)


class ArrowFileFormat(TableFormat):
    """Arrow IPC files, also known as Feather: a stream between two marks, and a directory."""

    media_type = "application/vnd.apache.arrow.file"
    aliases = ("application/vnd.apache.feather",)
    short = "arrow"
    suffixes = ("feather",)
    name = "an Arrow file"
    description = "An Arrow IPC file, also known as Feather."

    def read(
        self,
        content: bytes,
        schema: Schema,
        wanted: Callable[[Sequence[str]], Sequence[int]],
        *,
        row_limit: int,
        limit_bytes: int,
    ) -> pa.Table:
        """See `TableFormat`; the directory is not believed, nor needed to read all rows."""
        if not (content.startswith(FILE_MARK) and content.endswith(FILE_MARK)):
            raise MalformedBodyError(
                "The body is not a whole Arrow file: a mark at its end is missing."
            )
        stream = pa.py_buffer(memoryview(content)[8:])
        return decode(stream, wanted, row_limit=row_limit, limit_bytes=limit_bytes)

    def writer(self, schema: pa.Schema, metadata: Mapping[str, str], rows: int) -> StreamWriter:
        """See `TableFormat`."""
        return StreamWriter(schema, metadata, file=True)
