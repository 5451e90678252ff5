"""The format of JSON documents."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from madeira.app.codecs.answers import FilledTable, Samples, Scores
from madeira.app.codecs.format import Body, Format, RowWriter
from madeira.app.codecs.json.answers import JsonRowWriter, write_filled, write_scores
from madeira.app.codecs.json.other_forms import instead_of
from madeira.app.codecs.json.shapes import TABLE_KEYS, as_rows_or_columns
from madeira.app.codecs.json.table import json_table
from madeira.app.codecs.json.text import MEDIA_TYPE, decode
from madeira.app.codecs.request_tables import RequestTable
from madeira.app.errors import InvalidInputError
from madeira.models.schema.schema import Schema

__all__ = ["JsonBody", "JsonFormat"]


class JsonFormat(Format):
    """One JSON object, with the options of a request beside its table."""

    media_type = MEDIA_TYPE
    short = "json"
    name = "JSON"
    description = "A JSON object."
    memory_factor = 4

    def parse(self, content: bytes, row_limit: int, limit_bytes: int) -> Body:
        """See `Format`."""
        return JsonBody(decode(content, row_limit), row_limit)

    def check_filled(self, table: RequestTable) -> None:
        """See `Format`."""
        table.check_objects()

    def scores(self, answer: Scores) -> Iterator[bytes]:
        """See `Format`."""
        return write_scores(answer)

    def samples(self, answer: Samples) -> RowWriter:
        """See `Format`."""
        return JsonRowWriter(answer)

    def filled(self, answer: FilledTable) -> Iterator[bytes]:
        """See `Format`."""
        return write_filled(answer)


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A JSON object, read."""

    document: Mapping[str, Any]
    row_limit: int

    def options(self, known: Container[str], *, table: bool) -> Mapping[str, Any]:
        """See `Body`."""
        if not table:
            return self.document
        asked = {key: value for key, value in self.document.items() if key not in TABLE_KEYS}
        if any(key not in known for key in asked):
            instead = instead_of(self.document)
            if instead is not None:
                raise InvalidInputError(instead)
        return asked

    def table(self, schema: Schema, *, left_out: bool) -> RequestTable:
        """See `Body`."""
        table = json_table(as_rows_or_columns(self.document, schema.names))
        if len(table) > self.row_limit:
            raise InvalidInputError(
                f"{len(table)} rows are over the limit of {self.row_limit}; send several requests."
            )
        return table

    def given(self, schema: Schema) -> None:
        """See `Body`; `given` is one of the options."""
