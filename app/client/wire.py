"""What a client sends and receives: requests, Arrow streams, errors."""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import pyarrow as pa
from pyarrow import ipc

from madeira.app.errors import (
    InvalidInputError,
    RequestError,
    UnexpectedAnswerError,
)
from madeira.models.echo import cut
from madeira.models.errors import CellError, ConfigError, TableError

__all__ = ["Asked", "Headers", "raise_problem", "read_json", "read_table", "stream_of"]

STREAM: Final = "application/vnd.apache.arrow.stream"
PROBLEM: Final = "application/problem+json"

_TYPE: Final = "urn:madeira:problem:"

Headers = Mapping[str, str]
"""Headers of an answer; names in any case."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request.

    Attributes:
        path: Such as `/score`.
        options: Of the query.
        content: The body; None for a GET.
        headers: What else is sent.
        start: Place of the first row of the body in the caller's table, for errors.
    """

    path: str
    options: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    start: int = 0

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "GET" if self.content is None else "POST"

    @property
    def query(self) -> dict[str, str]:
        """The options as text; those that are None are left out."""
        return {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in self.options.items()
            if value is not None
        }


def stream_of(table: pa.Table) -> bytes:
    """Return a table as an Arrow stream."""
    sink = io.BytesIO()
    options = ipc.IpcWriteOptions(compression="lz4")
    with ipc.new_stream(sink, table.schema.remove_metadata(), options=options) as stream:
        stream.write_table(table.replace_schema_metadata(None))
    return sink.getvalue()


def read_table(content: bytes) -> pa.Table:
    """Return the table of an Arrow stream, what the answer says beside it in its metadata.

    Raises:
        UnexpectedAnswerError: It is none.
    """
    try:
        with ipc.open_stream(content) as stream:
            return stream.read_all()
    except pa.ArrowException as error:
        raise UnexpectedAnswerError(f"the answer is no Arrow stream: {error}") from error


def read_json(content: bytes) -> Any:  # noqa: ANN401 - JSON is anything
    """Return a JSON document.

    Raises:
        UnexpectedAnswerError: It is none.
    """
    try:
        return json.loads(content)
    except ValueError as error:
        raise UnexpectedAnswerError(f"the answer is no JSON: {error}") from error


def raise_problem(status: int, headers: Headers, content: bytes, start: int) -> NoReturn:
    """Raise the error of an answer that is no success.

    Args:
        status: Of the answer.
        headers: Of the answer.
        content: Of the answer.
        start: Place of the first row of the request in the caller's table.

    Raises:
        TableError: Cells do not fit the model.
        ConfigError: An option is wrong.
        RequestError: Of the class that the service raised.
        UnexpectedAnswerError: The answer is not of this service.
    """
    document: Mapping[str, Any] = {}
    if headers.get("content-type", "").startswith(PROBLEM):
        document = read_json(content)
    detail = str(document.get("detail", ""))
    known = _by_slug(str(document.get("type", "")).removeprefix(_TYPE))
    if known is None:
        text = detail or cut(content.decode("utf-8", "replace").strip(), 200)
        raise UnexpectedAnswerError(f"HTTP status {status}: {text}", status)
    cells = [
        CellError(
            None if cell["row"] is None else cell["row"] + start, cell["column"], cell["message"]
        )
        for cell in document.get("errors", ())
    ]
    if issubclass(known, InvalidInputError):
        raise TableError(cells) if cells else ConfigError(detail)
    # Classes have constructors of their own, for the service.
    error = known.__new__(known)
    RequestError.__init__(error, detail, cells=cells, headers=dict(headers))
    raise error


def _by_slug(slug: str) -> type[RequestError] | None:
    return next((one for one in _classes(RequestError) if one.slug == slug), None)


def _classes(base: type[RequestError]) -> Iterator[type[RequestError]]:
    for one in base.__subclasses__():
        yield one
        yield from _classes(one)
