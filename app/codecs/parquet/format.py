"""The format of Parquet files."""

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from madeira.app.codecs.parquet.reader import read_parquet
from madeira.app.codecs.parquet.writer import ParquetWriter
from madeira.app.codecs.table_format import TableFormat
from madeira.models.schema.schema import Schema

__all__ = ["ParquetFormat"]


class ParquetFormat(TableFormat):
    """Parquet files; metadata stands in the schema."""

    media_type = "application/vnd.apache.parquet"
    aliases = ("application/parquet", "application/x-parquet")
    short = "parquet"
    suffixes = ("pq",)
    name = "a Parquet file"
    description = "A Parquet file."

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
        limits = {"row_limit": row_limit, "limit_bytes": limit_bytes}
        return read_parquet(content, schema, wanted, **limits)

    def writer(self, schema: pa.Schema, metadata: Mapping[str, str], rows: int) -> ParquetWriter:
        """See `TableFormat`."""
        return ParquetWriter(schema, metadata)
