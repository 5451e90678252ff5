"""Formats whose answers are tables, and those of them whose body is one Arrow table too.

Options of such a body stand in the query.
"""

from abc import abstractmethod
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Protocol

import orjson
import pyarrow as pa

from madeira.app.codecs.answer_tables import (
    SampleTables,
    filled_tables,
    headers_of,
    metadata_of,
    score_tables,
)
from madeira.app.codecs.answers import Answer, FilledTable, Samples, Scores
from madeira.app.codecs.format import Body, Format, RowWriter
from madeira.app.codecs.request_tables import (
    ArrowTable,
    RequestTable,
    check_given,
    columns_to_read,
    row_objects,
)
from madeira.app.errors import MalformedBodyError
from madeira.app.jobs import SampleResult
from madeira.models.schema.schema import Schema

__all__ = ["TableAnswers", "TableFormat", "TableWriter"]

ROWS_A_PIECE = 4096
"""Rows that are written as text at once, in some milliseconds."""


class TableWriter(Protocol):
    """Writes a table part by part."""

    def write(self, table: pa.Table) -> bytes:
        """Write the next rows; before the first of them, the head of the table."""

    def close(self) -> bytes:
        """Return what follows the last of the rows."""


class TableAnswers(Format):
    """A format whose answers are tables; a new one needs `writer` to answer.

    Attributes:
        is_text: Whether a row is a line of text: then a table is written some rows at a time, and
            one that breaks off looks whole.
    """

    is_text: ClassVar[bool] = False

    @abstractmethod
    def writer(self, schema: pa.Schema, metadata: Mapping[str, str], rows: int) -> TableWriter:
        """Begin a table.

        Args:
            schema: Its columns.
            metadata: What the answer says beside them, such as the name of the model.
            rows: How many there will be.
        """

    def headers(self, answer: Answer) -> Mapping[str, str]:
        """See `Format`."""
        return headers_of(answer)

    def end_line(self, tag: str) -> bytes:
        """See `Format`."""
        return orjson.dumps(tag) + b"\n" if self.is_text else b""

    def check_filled(self, table: RequestTable) -> None:
        """See `Format`."""
        if self.is_text:
            table.check_objects()

    def scores(self, answer: Scores) -> Iterator[bytes]:
        """See `Format`."""
        return self._written(answer, score_tables(answer), len(answer.log_likelihood))

    def samples(self, answer: Samples) -> RowWriter:
        """See `Format`."""
        return _SampleWriter(self, answer)

    def filled(self, answer: FilledTable) -> Iterator[bytes]:
        """See `Format`."""
        return self._written(answer, filled_tables(answer), answer.draws * len(answer.values))

    def _written(self, answer: Answer, tables: Iterator[pa.Table], rows: int) -> Iterator[bytes]:
        first = next(tables)
        writer = self.writer(first.schema, metadata_of(answer), rows)
        for table in chain([first], tables):
            step = ROWS_A_PIECE if self.is_text else max(1, table.num_rows)
            for start in range(0, max(1, table.num_rows), step):
                yield writer.write(table.slice(start, step))
        yield writer.close()


class TableFormat(TableAnswers):
    """A format of tables; a new one needs `read` and `writer` alone."""

    @abstractmethod
    def read(
        self,
        content: bytes,
        schema: Schema,
        wanted: Callable[[Sequence[str]], Sequence[int]],
        *,
        row_limit: int,
        limit_bytes: int,
    ) -> pa.Table:
        """Read a body.

        Args:
            content: The body, not empty.
            schema: The columns of the model, which give types to a format that has none.
            wanted: Says from the names of all columns the places of those to read; may raise.
            row_limit: Most rows.
            limit_bytes: Most bytes of the columns, decompressed.

        Returns:
            The columns wanted.

        Raises:
            RequestError: The body is not of this format, or over a limit, or what `wanted` raises.
        """

    def parse(self, content: bytes, row_limit: int, limit_bytes: int) -> Body:
        """See `Format`."""
        if not content:
            raise MalformedBodyError(f"The body is empty: send a table as {self.name}.")
        return _TableBody(self, content, row_limit, limit_bytes)


@dataclass(frozen=True, slots=True)
class _TableBody:
    format: TableFormat
    content: bytes
    row_limit: int
    limit_bytes: int

    def options(self, known: Container[str], *, table: bool) -> Mapping[str, Any]:
        return {}

    def table(self, schema: Schema, *, left_out: bool) -> RequestTable:
        return ArrowTable(self._read(schema, self.row_limit, left_out=left_out), self.limit_bytes)

    def given(self, schema: Schema) -> Mapping[str, Any]:
        table = self._read(schema, 1, left_out=True)
        check_given(table.num_rows)
        (given,) = row_objects(table, self.limit_bytes)
        return given

    def _read(self, schema: Schema, row_limit: int, *, left_out: bool) -> pa.Table:
        return self.format.read(
            self.content,
            schema,
            columns_to_read(schema, left_out=left_out),
            row_limit=row_limit,
            limit_bytes=self.limit_bytes,
        )


class _SampleWriter:
    def __init__(self, form: TableAnswers, answer: Samples) -> None:
        self._format = form
        self._metadata, self._rows = metadata_of(answer), answer.rows
        self._tables = SampleTables(answer)
        self._writer: TableWriter | None = None

    def write(self, result: SampleResult) -> bytes:
        table = self._tables.table(result)
        if self._writer is None:
            self._writer = self._format.writer(table.schema, self._metadata, self._rows)
        return self._writer.write(table)

    def end(self) -> bytes:
        return b"" if self._writer is None else self._writer.close()
