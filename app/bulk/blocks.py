"""Rows of files in blocks of one size, however large the files are.

Parquet, Arrow, CSV and NDJSON are read as a stream. A file of another kind is read as a whole by
`read_table`, and then cut. The same files give the same blocks, so that a block is known by its
number.
"""

import csv
import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final

import orjson
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pyarrow import ipc

from madeira.app.errors import BulkError
from madeira.models.echo import cut
from madeira.models.errors import TableError, TableFileError
from madeira.models.tables.arrays import of_records
from madeira.models.tables.files import (
    ARROW_EXTENSIONS,
    CSV_EXTENSIONS,
    PARQUET_EXTENSIONS,
    CsvForm,
    csv_form,
    matching_files,
    read_with_notes,
)
from madeira.models.tables.location import local_file
from madeira.models.tables.reading import ReadOptions

__all__ = [
    "BLOCK_ROWS",
    "NDJSON_EXTENSIONS",
    "STANDARD",
    "Block",
    "Range",
    "Source",
    "ranges",
    "read_blocks",
    "sources",
    "with_first",
]

BLOCK_ROWS: Final = 8192
"""Rows of a block: seconds of work at most, and small in memory."""

NDJSON_EXTENSIONS: Final = (".ndjson", ".jsonl")
STANDARD: Final = "-"
"""The name of standard input and output."""

_ARROW_FILE: Final = b"ARROW1"
_BUFFER_BYTES: Final = 1 << 20
_SAMPLE_BYTES: Final = 256 * 1024

Reading = Iterator[tuple[pa.Table, float]]
"""Some rows, and the share of the file that has been read."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that are answered together.

    Attributes:
        number: Of the block, from 0, over all files.
        table: Its rows.
        file: Name of the file that they are from.
        start: Place of its first row among those of all files.
        file_start: Place of its first row in its file.
        decimal_point: Of a file of texts, in which every cell is text; None for typed files.
        share: Share of all input that has been read at its end, in [0, 1].
    """

    number: int
    table: pa.Table
    file: str
    start: int
    file_start: int
    decimal_point: str | None
    share: float


@dataclass(frozen=True, slots=True)
class Source:
    """A file of rows.

    Attributes:
        path: Where it can be read.
        name: What the user called it.
        stamp: What tells it from another of the same name: its size in bytes and its time.
    """

    path: Path
    name: str
    stamp: tuple[int, int]


@contextmanager
def sources(given: Sequence[str], form: str) -> Iterator[Sequence[Source]]:
    """Give the files that are meant, while this is entered.

    Args:
        given: Paths, patterns of them such as `part-*.parquet`, URLs, or `-` for standard input.
        form: Extension of the format of standard input, such as `.csv`.

    Raises:
        TableFileError: A pattern fits no file, or a URL cannot be fetched.
    """
    with ExitStack() as stack:
        found = []
        for name in (one for pattern in given for one in map(str, matching_files(pattern))):
            if name == STANDARD:
                path = stack.enter_context(_spooled(form))
            else:
                path = stack.enter_context(local_file(name))
            try:
                status = path.stat()
            except OSError as error:
                raise TableFileError(f"{name} cannot be read: {error.strerror}") from error
            found.append(Source(path, name, (status.st_size, status.st_mtime_ns)))
        yield found


def read_blocks(files: Sequence[Source], on_note: Callable[[str], None]) -> Iterator[Block]:
    """Yield the rows of files in blocks, all of one size but the last of a file.

    Args:
        files: The files, in this order.
        on_note: Told what was assumed of a file that is read as a whole.

    Raises:
        TableFileError: A file cannot be read.
    """
    total = sum(max(1, one.stamp[0]) for one in files)
    number = start = done = 0
    for one in files:
        size = max(1, one.stamp[0])
        reading, point = _opened(one, on_note)
        file_start = 0
        for table, share in _recut(reading, BLOCK_ROWS):
            portion = (done + share * size) / total
            yield Block(number, table, one.name, start, file_start, point, portion)
            number, start = number + 1, start + table.num_rows
            file_start += table.num_rows
        done += size


@dataclass(frozen=True, slots=True)
class Range:
    """Rows that are drawn together.

    Attributes:
        number: Of the block, from 0.
        start: Place of the first row.
        rows: How many.
        share: Share of all rows that are drawn at its end, in [0, 1].
    """

    number: int
    start: int
    rows: int
    share: float


def ranges(rows: int) -> Iterator[Range]:
    """Yield the blocks of so many rows; one without rows where there are none."""
    for number, start in enumerate(range(0, max(rows, 1), BLOCK_ROWS)):
        some = min(BLOCK_ROWS, rows - start)
        yield Range(number, start, some, (start + some) / max(rows, 1))


def with_first(blocks: Iterator[Block]) -> tuple[Sequence[str], Iterator[Block]]:
    """Return the names of the columns of the first block, and all blocks.

    Raises:
        BulkError: There is no block.
    """
    first = next(blocks, None)
    if first is None:
        raise BulkError("there are no files")
    return first.table.column_names, chain([first], blocks)


@contextmanager
def _spooled(form: str) -> Iterator[Path]:
    """Copy standard input to a file, whose kind and size can be told before it is read."""
    with tempfile.NamedTemporaryFile(prefix="madeira-stdin-", suffix=form) as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        yield Path(file.name)


def _opened(source: Source, on_note: Callable[[str], None]) -> tuple[Reading, str | None]:
    """Return the rows of a file, and the decimal point if all its cells are texts.

    Args:
        source: The file.
        on_note: Told what was assumed of a file that is read as a whole.

    Raises:
        TableFileError: The file cannot be read.
    """
    extension = source.path.suffix.lower()
    if extension in CSV_EXTENSIONS and _is_plain(source.path, form := csv_form(source.path)):
        return _explained(source, lambda: _csv(source, form)), form.decimal_point
    readers: dict[str, Callable[[Source], Reading]] = {
        **dict.fromkeys(PARQUET_EXTENSIONS, _parquet),
        **dict.fromkeys(ARROW_EXTENSIONS, _arrow),
        **dict.fromkeys(NDJSON_EXTENSIONS, _ndjson),
    }
    reader = readers.get(extension)
    if reader is None:
        read = read_with_notes(source.path, ReadOptions())
        for note in read.notes:
            on_note(note)
        return iter([(read.table, 1.0)]), None
    return _explained(source, lambda: reader(source)), None


def _is_plain(path: Path, form: CsvForm) -> bool:
    """Whether a CSV file is text in UTF-8 whose first line has the names, as Arrow reads it."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    try:
        text = sample[: sample.rfind(b"\n") + 1].decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    first = next(csv.reader(io.StringIO(text, ""), delimiter=form.separator), [])
    return "\0" not in text and [name.strip() for name in first] == [
        name.strip() for name in form.header
    ]


def _explained(source: Source, read: Callable[[], Reading]) -> Reading:
    """Read a file; every error is told in one sentence.

    Raises:
        TableFileError: The file cannot be read.
    """
    try:
        yield from read()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = cut(str(error).strip().partition("\n")[0].rstrip("."), 300)
        raise TableFileError(f"{source.name} cannot be read: {reason}") from error


def _parquet(source: Source) -> Reading:
    # Without a buffer of its own Arrow would hold the whole of a row group.
    with pq.ParquetFile(source.path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
        total, done = max(1, file.metadata.num_rows), 0
        index = (file.schema_arrow.pandas_metadata or {}).get("index_columns", [])
        hidden = {one for one in index if str(one).startswith("__index_level_")}
        columns = [name for name in file.schema_arrow.names if name not in hidden]
        if not file.metadata.num_rows:
            yield file.schema_arrow.empty_table().select(columns), 1.0
        for batch in file.iter_batches(BLOCK_ROWS, columns=columns):
            done += batch.num_rows
            yield pa.Table.from_batches([batch]), done / total


def _arrow(source: Source) -> Reading:
    with pa.memory_map(str(source.path)) as file:
        whole = file.read(len(_ARROW_FILE)) == _ARROW_FILE
        file.seek(0)
        if whole:
            reader = ipc.open_file(file)
            batches = map(reader.get_batch, range(reader.num_record_batches))
        else:
            reader = ipc.open_stream(file)
            batches = iter(reader)
        yield reader.schema.empty_table(), 0.0
        for batch in batches:
            yield pa.Table.from_batches([batch]), file.tell() / max(1, source.stamp[0])


def _csv(source: Source, form: CsvForm) -> Reading:
    texts = dict.fromkeys(form.header, pa.string())
    with (
        pa.OSFile(str(source.path)) as file,
        pa_csv.open_csv(
            file,
            parse_options=pa_csv.ParseOptions(delimiter=form.separator, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=texts, null_values=[""], strings_can_be_null=True
            ),
        ) as reader,
    ):
        yield reader.schema.empty_table().rename_columns(form.names), 0.0
        for batch in reader:
            table = pa.Table.from_batches([batch]).rename_columns(form.names)
            yield table, file.tell() / max(1, source.stamp[0])


def _ndjson(source: Source) -> Reading:
    """Read one JSON object a line.

    Raises:
        TableFileError: A line is none.
    """
    line_number = 0
    with source.path.open("rb") as file:
        while lines := list(islice(file, BLOCK_ROWS)):
            rows = []
            for place, line in enumerate(lines, line_number + 1):
                if not line.strip():
                    continue
                try:
                    rows.append(orjson.loads(line))
                except orjson.JSONDecodeError as error:
                    raise TableFileError(f"line {place} of {source.name}: {error}") from error
            line_number += len(lines)
            try:
                yield of_records(rows), file.tell() / max(1, source.stamp[0])
            except (TableError, TypeError) as error:
                raise TableFileError(f"{source.name}: {error}") from error


def _recut(reading: Reading, rows: int) -> Reading:
    """Cut tables of any number of rows into ones of the same; the last may be shorter.

    A file without rows gives one table without rows, whose columns are those of the file.
    """
    waiting: list[pa.Table] = []
    count, first, share = 0, True, 0.0
    for table, read in reading:
        waiting.append(table)
        count, share = count + table.num_rows, read
        while count >= rows:
            joined = pa.concat_tables(waiting, promote_options="permissive")
            yield joined.slice(0, rows).combine_chunks(), share
            waiting, count, first = [joined.slice(rows)], count - rows, False
    if count or (first and waiting):
        joined = pa.concat_tables(waiting, promote_options="permissive")
        yield joined.combine_chunks(), share
