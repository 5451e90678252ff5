"""The format of comma-separated values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from madeira.app.codecs.csv.reader import read_csv
from madeira.app.codecs.csv.writer import CsvWriter
from madeira.app.codecs.format import Format
from madeira.app.codecs.table_format import TableFormat
from madeira.app.errors import UnsupportedMediaError
from madeira.models.echo import quoted
from madeira.models.schema.schema import Schema

__all__ = ["CsvFormat"]


@dataclass(frozen=True, slots=True)
class CsvFormat(TableFormat):
    """Comma-separated values in UTF-8 (RFC 4180); the types are those of the model's columns.

    Attributes:
        header: Whether the first line has the names of the columns.
    """

    media_type = "text/csv"
    aliases = ("application/csv",)
    short = "csv"
    suffixes = ("tsv", "txt")
    name = "CSV"
    description = (
        "Comma-separated values in UTF-8 with the names of the columns in the first line; "
        "with the parameter `header=absent` without it, in the order of the model's columns."
    )
    memory_factor = 2
    is_text = True
    header: bool = True

    def with_parameters(self, parameters: Mapping[str, str]) -> Format:
        """See `Format`; `header` is `present` or `absent`."""
        header = parameters.get("header", "present").lower()
        if header not in ("present", "absent"):
            raise UnsupportedMediaError(
                f"`header` of {self.media_type} is `present` or `absent`, not {quoted(header)}."
            )
        return CsvFormat(header == "present")

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
        return read_csv(content, schema, wanted, header=self.header, **limits)

    def writer(self, schema: pa.Schema, metadata: Mapping[str, str], rows: int) -> CsvWriter:
        """See `TableFormat`."""
        return CsvWriter(header=self.header)
