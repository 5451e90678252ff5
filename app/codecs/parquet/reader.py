"""Parquet to Arrow columns: what a file says of itself is checked before memory is taken for it.

A few bytes of a Parquet file can claim any number of rows, a page can claim to be any size, and a
dictionary may hold one long text that every cell shows. So rows are counted by the directory,
pages by their headers, texts stay dictionaries, and nested columns, whose cells can be without
end, are not read.
"""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from madeira.app.codecs.arrow.stream import first_line, joined
from madeira.app.codecs.parquet.pages import check_pages, column_chunks
from madeira.app.errors import BodyTooLargeError, InvalidInputError, MalformedBodyError
from madeira.models.errors import CellError
from madeira.models.schema.schema import Schema
from madeira.models.values.arrow_types import Family, check_texts, family

__all__ = ["read_parquet"]

BATCH_ROWS = 2**14
MAX_ROW_GROUPS = 10_000
_INDEX = "__index_level_"
"""How the names of the columns begin in which pandas keeps the index of a frame."""


def read_parquet(
    content: bytes,
    schema: Schema,
    wanted: Callable[[Sequence[str]], Sequence[int]],
    *,
    row_limit: int,
    limit_bytes: int,
) -> pa.Table:
    """Read a file.

    Args:
        content: The file.
        schema: The columns of the model.
        wanted: Says from the names of the columns the places of those to read; may raise.
        row_limit: Most rows.
        limit_bytes: Most bytes of the columns, decompressed.

    Returns:
        The columns wanted; the index of a frame is none. Texts are dictionaries.

    Raises:
        MalformedBodyError: It is not a valid Parquet file.
        BodyTooLargeError: Decompressed it is over the limit.
        InvalidInputError: It has too many rows or row groups, a column is nested, or what
            `wanted` raises.
    """
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            fields, metadata = list(file.schema_arrow), file.metadata
        _check_rows(metadata, row_limit)
        check_texts(fields)
        places = _places(fields, schema, wanted)
        read = [fields[place] for place in places]
        _check_flat(read)
        leaves = _leaves(fields, places)
        shared = check_pages(content, column_chunks(content, leaves), limit_bytes)
        if not read:
            return pa.table({"rows": pa.nulls(metadata.num_rows)}).select([])
        texts = [
            field.name
            for field, leaf in zip(read, leaves, strict=True)
            if family(field.type) is Family.TEXT and leaf not in shared
        ]
        names = [field.name for field in read]
        rows = min(BATCH_ROWS, max(1, limit_bytes // max(1, *shared.values(), 1)))
        with pq.ParquetFile(pa.BufferReader(content), read_dictionary=texts) as file:
            chosen = pa.schema([file.schema_arrow.field(place) for place in places])
            parts = file.iter_batches(rows, columns=names, use_threads=False)
            batches = _counted((batch.select(names) for batch in parts), limit_bytes)
            return joined(batches, chosen, row_limit=row_limit, limit_bytes=limit_bytes)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise MalformedBodyError(
            f"The body is not a valid Parquet file: {first_line(error)}."
        ) from error


def _check_rows(metadata: pq.FileMetaData, row_limit: int) -> None:
    count = metadata.num_row_groups
    if count > MAX_ROW_GROUPS:
        raise InvalidInputError(
            f"The Parquet file has {count} row groups, over the limit of {MAX_ROW_GROUPS}; write "
            "larger ones."
        )
    rows = [metadata.row_group(number).num_rows for number in range(count)]
    if sum(rows) != metadata.num_rows or min(rows, default=0) < 0:
        raise MalformedBodyError(
            "The body is not a valid Parquet file: its parts disagree about the number of rows."
        )
    if metadata.num_rows > row_limit:
        raise InvalidInputError(
            f"{metadata.num_rows} rows are over the limit of {row_limit}; send several requests."
        )


def _places(
    fields: Sequence[pa.Field], schema: Schema, wanted: Callable[[Sequence[str]], Sequence[int]]
) -> list[int]:
    """Return the places of the columns to read."""
    known = {*schema.names, *(left.name for left in schema.left_out)}
    columns = [
        place
        for place, field in enumerate(fields)
        if field.name in known or not field.name.startswith(_INDEX)
    ]
    return sorted(columns[place] for place in wanted([fields[place].name for place in columns]))


def _check_flat(fields: Sequence[pa.Field]) -> None:
    nested = [field for field in fields if _leaf_count(field.type) != 1 or field.type.num_fields]
    if nested:
        raise InvalidInputError.of_cells(
            [CellError(None, one.name, f"values of type {one.type} are not read") for one in nested]
        )


def _leaf_count(kind: pa.DataType) -> int:
    """Columns that a column has in the file: one for each part of it that is not nested."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if not kind.num_fields or isinstance(kind, pa.DictionaryType):
        return 1
    return sum(_leaf_count(kind.field(place).type) for place in range(kind.num_fields))


def _leaves(fields: Sequence[pa.Field], places: Sequence[int]) -> list[int]:
    """Return the places in the file of flat columns."""
    before, found = 0, []
    for place, field in enumerate(fields):
        if place in places:
            found.append(before)
        before += _leaf_count(field.type)
    return found


def _counted(batches: Iterator[pa.RecordBatch], limit_bytes: int) -> Iterator[pa.RecordBatch]:
    """Yield batches until they are over a limit together."""
    size = 0
    for batch in batches:
        size += batch.nbytes
        if size > limit_bytes:
            raise BodyTooLargeError(limit_bytes)
        yield batch
