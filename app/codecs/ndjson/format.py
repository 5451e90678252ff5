"""The format of JSON lines."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from madeira.app.codecs.format import Body
from madeira.app.codecs.json.table import JsonTable, json_table
from madeira.app.codecs.ndjson.reader import read_lines
from madeira.app.codecs.ndjson.writer import LinesWriter
from madeira.app.codecs.request_tables import RequestTable, check_given
from madeira.app.codecs.table_format import TableAnswers
from madeira.models.schema.schema import Schema

__all__ = ["NdjsonFormat"]


class NdjsonFormat(TableAnswers):
    """One JSON object a line; options stand in the query."""

    media_type = "application/x-ndjson"
    aliases = (
        "application/ndjson",
        "application/jsonl",
        "application/jsonlines",
        "application/x-jsonlines",
    )
    short = "ndjson"
    suffixes = ("jsonl",)
    name = "JSON lines"
    description = "JSON lines: one object a row, value by name of column."
    memory_factor = 4
    is_text = True

    def parse(self, content: bytes, row_limit: int, limit_bytes: int) -> Body:
        """See `Format`."""
        return _LinesBody(json_table({"rows": read_lines(content, row_limit)}))

    def writer(self, schema: pa.Schema, metadata: Mapping[str, str], rows: int) -> LinesWriter:
        """See `TableAnswers`."""
        return LinesWriter()


@dataclass(frozen=True, slots=True)
class _LinesBody:
    rows: JsonTable

    def options(self, known: Container[str], *, table: bool) -> Mapping[str, Any]:
        return {}

    def table(self, schema: Schema, *, left_out: bool) -> RequestTable:
        return self.rows

    def given(self, schema: Schema) -> Mapping[str, Any]:
        check_given(len(self.rows))
        (given,) = self.rows.objects(0, 1)
        return given
