"""Tables to Parquet, row group by row group."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from madeira.app.codecs.outlet import Outlet

__all__ = ["ParquetWriter"]

GROUP_ROWS = 2**16
GROUP_BYTES = 2**24
"""A row group is written when it has so many rows or bytes: small ones make a file slow to read."""


class ParquetWriter:
    """Writes a file piece by piece, so that no more than a row group of it stands in memory.

    Args:
        schema: Of the columns.
        metadata: Put into the schema, such as the name of the model.
    """

    def __init__(self, schema: pa.Schema, metadata: Mapping[str, str]) -> None:
        self._sink = Outlet()
        self._schema = schema.with_metadata(dict(metadata))
        self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._waiting: list[pa.Table] = []

    def write(self, table: pa.Table) -> bytes:
        """Write the next rows, once they make a row group."""
        self._waiting.append(table.replace_schema_metadata(self._schema.metadata))
        rows = sum(one.num_rows for one in self._waiting)
        if rows >= GROUP_ROWS or sum(one.nbytes for one in self._waiting) >= GROUP_BYTES:
            self._flush()
        return self._sink.taken()

    def close(self) -> bytes:
        """Write the last rows, and the directory without which no reader takes the file."""
        self._flush()
        self._writer.close()
        return self._sink.taken()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting))
            self._waiting.clear()
