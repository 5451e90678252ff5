"""Formats whose body is one table: options stand in the query, and answers are tables too."""

from abc import abstractmethod
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

import pyarrow as pa

from madeira.app.codecs.answer_tables import (
    SampleTables,
    filled_tables,
    metadata_of,
    score_tables,
)
from madeira.app.codecs.answers import Answer, FilledTable, Samples, Scores
from madeira.app.codecs.format import Body, Format, RowWriter
from madeira.app.codecs.request_tables import (
    ArrowTable,
    RequestTable,
    columns_to_read,
    row_objects,
)
from madeira.app.errors import InvalidInputError, MalformedBodyError
from madeira.app.jobs import SampleResult
from madeira.models.schema.schema import Schema

__all__ = ["TableFormat", "TableWriter"]


class TableWriter(Protocol):
    """Writes a table part by part."""

    def write(self, table: pa.Table) -> bytes:
        """Write the next rows; before the first of them, the head of the table."""

    def close(self) -> bytes:
        """Return what follows the last of the rows."""


class TableFormat(Format):
    """A format of tables; a new one needs `read` and `writer` alone."""

    @abstractmethod
    def read(
        self,
        content: bytes,
        wanted: Callable[[Sequence[str]], Sequence[int]],
        *,
        row_limit: int,
        limit_bytes: int,
    ) -> pa.Table:
        """Read a body.

        Args:
            content: The body, not empty.
            wanted: Says from the names of all columns the places of those to read; may raise.
            row_limit: Most rows.
            limit_bytes: Most bytes of the columns, decompressed.

        Returns:
            The columns wanted.

        Raises:
            RequestError: The body is not of this format, or over a limit, or what `wanted` raises.
        """

    @abstractmethod
    def writer(self, schema: pa.Schema, metadata: Mapping[str, str]) -> TableWriter:
        """Begin a table.

        Args:
            schema: Its columns.
            metadata: What the answer says beside them, such as the name of the model.
        """

    def parse(self, content: bytes, row_limit: int, limit_bytes: int) -> Body:
        """See `Format`."""
        if not content:
            raise MalformedBodyError(f"The body is empty: send a table as {self.name}.")
        return _TableBody(self, content, row_limit, limit_bytes)

    def check_filled(self, table: RequestTable) -> None:
        """See `Format`; any table can be written."""

    def scores(self, answer: Scores) -> Iterator[bytes]:
        """See `Format`."""
        return self._written(answer, score_tables(answer))

    def samples(self, answer: Samples) -> RowWriter:
        """See `Format`."""
        return _SampleWriter(self, answer)

    def filled(self, answer: FilledTable) -> Iterator[bytes]:
        """See `Format`."""
        return self._written(answer, filled_tables(answer))

    def _written(self, answer: Answer, tables: Iterator[pa.Table]) -> Iterator[bytes]:
        first = next(tables)
        writer = self.writer(first.schema, metadata_of(answer))
        for table in chain([first], tables):
            yield writer.write(table)
        yield writer.close()


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
        if table.num_rows != 1:
            raise InvalidInputError(
                "The body gives no row: send a table of one row, whose values every row is to "
                "have, or no body."
            )
        (given,) = row_objects(table, self.limit_bytes)
        return given

    def _read(self, schema: Schema, row_limit: int, *, left_out: bool) -> pa.Table:
        return self.format.read(
            self.content,
            columns_to_read(schema, left_out=left_out),
            row_limit=row_limit,
            limit_bytes=self.limit_bytes,
        )


class _SampleWriter:
    def __init__(self, form: TableFormat, answer: Samples) -> None:
        self._format = form
        self._metadata = metadata_of(answer)
        self._tables = SampleTables(answer)
        self._writer: TableWriter | None = None

    def write(self, result: SampleResult) -> bytes:
        table = self._tables.table(result)
        if self._writer is None:
            self._writer = self._format.writer(table.schema, self._metadata)
        return self._writer.write(table)

    def end(self) -> bytes:
        return b"" if self._writer is None else self._writer.close()
