"""Arrow IPC streams in and out: bytes to a table, batches to bytes.

What a stream says of itself is not believed: the sizes that its compressed buffers claim are
added up before any is decompressed, rows are counted before they are kept, columns that are not
wanted are never read, and every array is validated in full before it is computed with. Arrays
then point into the body; nothing is copied but batches of a few rows, which are joined.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from madeira.app.codecs.arrow.columns import readable
from madeira.app.codecs.arrow.messages import check_messages
from madeira.app.codecs.outlet import Outlet
from madeira.app.errors import BodyTooLargeError, InvalidInputError, MalformedBodyError
from madeira.models.echo import cut
from madeira.models.values.arrow_types import check_texts

__all__ = ["FILE_MARK", "StreamWriter", "decode", "first_line", "joined"]

JOINED_BATCHES = 64
JOINED_ROWS = 8192
"""Batches are joined up to these: an array costs memory of its own, however short it is."""

FILE_MARK = b"ARROW1"
"""What the file format begins and ends with."""


def decode(
    body: bytes | pa.Buffer,
    wanted: Callable[[Sequence[str]], Sequence[int]],
    *,
    row_limit: int,
    limit_bytes: int,
) -> pa.Table:
    """Read a stream.

    Args:
        body: The stream.
        wanted: Says from the names of the columns the places of those to read; may raise.
        row_limit: Most rows.
        limit_bytes: Most bytes of the columns, decompressed.

    Returns:
        The columns wanted, validated. Text views are plain text.

    Raises:
        MalformedBodyError: It is not a valid Arrow stream.
        BodyTooLargeError: Decompressed it is over the limit.
        InvalidInputError: It has too many rows or messages, or what `wanted` raises.
    """
    buffer = pa.py_buffer(body)
    if memoryview(buffer)[: len(FILE_MARK)] == FILE_MARK:
        raise MalformedBodyError(
            "The body is in the Arrow file format (Feather): send it with `Content-Type: "
            "application/vnd.apache.arrow.file`."
        )
    try:
        check_messages(buffer, limit_bytes)
        with pa.ipc.open_stream(buffer) as stream:
            schema, names = stream.schema, stream.schema.names
        places = sorted(wanted(names))
        check_texts(schema.field(place) for place in places)
        # No place at all would mean every column to Arrow: one is read then, and left out below.
        read = places or range(min(1, len(schema)))
        options = pa.ipc.IpcReadOptions(included_fields=list(read))
        with pa.ipc.open_stream(buffer, options=options) as stream:
            table = joined(stream, stream.schema, row_limit=row_limit, limit_bytes=limit_bytes)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise MalformedBodyError(
            f"The body is not a valid Arrow stream: {first_line(error)}."
        ) from error
    return table if places else table.select([])


def joined(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, *, row_limit: int, limit_bytes: int
) -> pa.Table:
    """Check the batches of a body one by one, and join them.

    Args:
        batches: Read as they are asked for.
        schema: Their columns.
        row_limit: Most rows.
        limit_bytes: Most bytes of texts that views show.

    Returns:
        The table, validated. Text views are plain text.

    Raises:
        ArrowException: A batch is not valid.
        BodyTooLargeError: The texts are over the limit.
        InvalidInputError: There are too many rows, or nothing can read the values of a column.
    """
    parts: list[pa.Table] = []
    waiting: list[pa.Table] = []
    rows = waiting_rows = shown = 0

    def join() -> None:
        if waiting:
            table = pa.concat_tables(waiting)
            parts.append(table.combine_chunks() if len(waiting) > 1 else table)
            waiting.clear()

    for batch in batches:
        rows += batch.num_rows
        if rows > row_limit:
            raise InvalidInputError(
                f"More rows than the limit of {row_limit}; send several requests."
            )
        if not batch.num_rows:
            continue
        batch.validate()
        shown += _shown_bytes(batch)
        if shown > limit_bytes:
            raise BodyTooLargeError(limit_bytes)
        batch.validate(full=True)
        if waiting and (
            len(waiting) >= JOINED_BATCHES or waiting_rows + batch.num_rows > JOINED_ROWS
        ):
            join()
            waiting_rows = 0
        waiting.append(
            pa.Table.from_arrays(
                [readable(*named) for named in zip(schema.names, batch.columns, strict=True)],
                schema.names,
            )
        )
        waiting_rows += batch.num_rows
    join()
    return _without_views(pa.concat_tables(parts) if parts else schema.empty_table())


def _without_views(table: pa.Table) -> pa.Table:
    """Return the table with text views as plain text: Arrow can do little with views."""
    for place, field in enumerate(table.schema):
        if pa.types.is_string_view(field.type):
            text = table.column(place).cast(pa.large_string())
            table = table.set_column(place, field.name, text)
    return table


def _shown_bytes(batch: pa.RecordBatch) -> int:
    """Bytes of all texts of views, written out: many of them may show the same few bytes."""
    values = [
        column.dictionary if isinstance(column, pa.DictionaryArray) else column
        for column in batch.columns
    ]
    return sum(_lengths(column) for column in values if pa.types.is_string_view(column.type))


def _lengths(array: pa.Array) -> int:
    """Return the lengths of views, each at the head of its 16 bytes, added up."""
    views = np.frombuffer(array.buffers()[1], np.int32)
    lengths = views[4 * array.offset : 4 * (array.offset + len(array)) : 4]
    return int(lengths[array.is_valid().to_numpy(zero_copy_only=False)].sum(dtype=np.int64))


class StreamWriter:
    """Writes a stream or a file piece by piece, so that it never stands in memory as a whole.

    Args:
        schema: Of the columns.
        metadata: Put into the schema, such as the name of the model.
        file: Whether it is a file.
    """

    def __init__(
        self, schema: pa.Schema, metadata: Mapping[str, str], *, file: bool = False
    ) -> None:
        self._sink = Outlet()
        self._schema = schema.with_metadata(dict(metadata))
        new = pa.ipc.new_file if file else pa.ipc.new_stream
        # A file has one dictionary a column, and pieces may add to it.
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True, unify_dictionaries=False)
        self._writer = new(self._sink, self._schema, options=options if file else None)

    def write(self, table: pa.Table) -> bytes:
        """Bytes of some rows; those of the schema before the first of them."""
        self._writer.write_table(table.replace_schema_metadata(self._schema.metadata))
        return self._sink.taken()

    def close(self) -> bytes:
        """Bytes of the end, from which a reader knows that nothing is missing."""
        self._writer.close()
        return self._sink.taken()


def first_line(error: Exception) -> str:
    """Return what an error of Arrow says in one line, without its end."""
    return cut(str(error).strip().partition("\n")[0].rstrip("."), 300)
