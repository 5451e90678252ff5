"""The format of Arrow IPC streams."""

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from madeira.app.codecs.arrow.stream import StreamWriter, decode
from madeira.app.codecs.table_format import TableFormat
from madeira.models.schema.schema import Schema

__all__ = ["ArrowFormat"]


class ArrowFormat(TableFormat):
    """Arrow IPC streams; metadata stands in the schema."""

    media_type = "application/vnd.apache.arrow.stream"
    short = "arrows"
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
