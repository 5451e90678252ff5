"""What a format of bodies and answers has to read and to write."""

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator, Mapping
from typing import Any, ClassVar, Protocol

from madeira.app.codecs.answers import Answer, FilledTable, Samples, Scores
from madeira.app.codecs.request_tables import RequestTable
from madeira.app.jobs import SampleResult
from madeira.models.schema.schema import Schema

__all__ = ["Body", "Format", "RowWriter"]


class Body(Protocol):
    """A body, read as far as that is possible before its model is known."""

    def options(self, known: Container[str], *, table: bool) -> Mapping[str, Any]:
        """Return the options that stand in the body.

        Args:
            known: Names of the options that there are.
            table: Whether the body is to hold a table beside them.

        Raises:
            RequestError: The body is of a known form that is not read.
        """

    def table(self, schema: Schema, *, left_out: bool) -> RequestTable:
        """Return the table.

        Args:
            schema: The columns of the model.
            left_out: Whether columns that the model excludes are wanted too.

        Raises:
            RequestError: There is no table, or it has too many rows or unknown columns.
        """

    def given(self, schema: Schema) -> Mapping[str, Any] | None:
        """Return the one row that a sample is given, values by name; None where options say it.

        Args:
            schema: The columns of the model.

        Raises:
            RequestError: There are more rows than one, or none, or unknown columns.
        """


class RowWriter(Protocol):
    """Writes the rows of a sample as they are drawn; given values come back as they were sent."""

    def write(self, result: SampleResult) -> bytes:
        """Write the next rows."""

    def end(self) -> bytes:
        """Return what follows the last of the rows."""


class Format(ABC):
    """A format, which reads bodies and writes answers.

    Attributes:
        media_type: Its media type.
        aliases: Other media types that mean the same.
        short: Its name in the query, as in `?format=csv`, and the suffix of its files.
        suffixes: How else its files end.
        name: What an error message calls it, with an article where it needs one.
        description: One sentence for OpenAPI.
        memory_factor: So many times the bytes of a body its values take in memory.
    """

    media_type: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    short: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()
    name: ClassVar[str]
    description: ClassVar[str]
    memory_factor: ClassVar[int] = 1

    def with_parameters(self, parameters: Mapping[str, str]) -> "Format":
        """Return this format as the parameters of a media type want it.

        Args:
            parameters: By name in lower case, such as `header` of `text/csv; header=absent`.

        Raises:
            UnsupportedMediaError: A parameter has a value that it cannot have.
        """
        return self

    def headers(self, answer: Answer) -> Mapping[str, str]:
        """Return what an answer says beside its rows, where the format has no place for it."""
        return {}

    def end_line(self, tag: str) -> bytes:
        """Return a last line that shows that nothing is missing; empty where the format has a mark.

        Args:
            tag: What the client wants to find there.
        """
        return b""

    @abstractmethod
    def parse(self, content: bytes, row_limit: int, limit_bytes: int) -> Body:
        """Begin to read a body.

        Args:
            content: The body.
            row_limit: Most rows of its table.
            limit_bytes: Most bytes of the body, decompressed.

        Raises:
            RequestError: The body is not of its content type.
        """

    @abstractmethod
    def check_filled(self, table: RequestTable) -> None:
        """Check, before a table is filled, that this format can write it; raises RequestError."""

    @abstractmethod
    def scores(self, answer: Scores) -> Iterator[bytes]:
        """Write scores, piece by piece."""

    @abstractmethod
    def samples(self, answer: Samples) -> RowWriter:
        """Begin to write the rows of a sample."""

    @abstractmethod
    def filled(self, answer: FilledTable) -> Iterator[bytes]:
        """Write a filled table, piece by piece."""
