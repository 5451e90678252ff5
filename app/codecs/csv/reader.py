"""Comma-separated values to Arrow columns, of the types that the model's columns have.

Nothing is guessed. The names in the first line decide the separator: the one of `,` `;` tab `|`
that cuts it into columns of the model. A number is a number because its column has numbers. What
means missing in a file that a model is trained on means missing here, unless it is one of the
column's categories.

Arrow reads the cells. Where it cannot, all of them are read as text, a column at a time, by what
reads JSON cells, which names each that does not fit.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from madeira.app.codecs.json.table import column_array
from madeira.app.errors import (
    CELL_ERRORS_LIMIT,
    BodyTooLargeError,
    InvalidInputError,
    MalformedBodyError,
)
from madeira.models.columns.base import Column
from madeira.models.columns.categorical import Categorical
from madeira.models.echo import cut
from madeira.models.errors import CellError, TableError
from madeira.models.schema.schema import Schema
from madeira.models.tables.csv_types import NULL_TEXTS, NUMBER_NULL_TEXTS
from madeira.models.values.arrow_types import Family, family, is_integer
from madeira.models.values.number_text import DECIMAL_COMMA

__all__ = ["read_csv"]

MAX_HEADER_BYTES = 2**20
"""Most bytes of the first line."""

MAX_EXACT = 2.0**53
"""A float holds every whole number below it."""

MAX_TRIED = 100
"""So many texts are tried one by one, whether they are values of a column."""

BLOCK_BYTES = 2**22
"""So much is read at once."""

_SEPARATORS = (",", ";", "\t", "|")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TEXT = pa.dictionary(pa.int32(), pa.string())
_TYPES = {Family.NUMBER: pa.float64(), Family.BOOLEAN: pa.bool_()}
_NULLS = pa.array(NULL_TEXTS)
_NUMBER_NULLS = pa.array(NUMBER_NULL_TEXTS)

Wanted = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class _File:
    """A file whose first line has been read.

    Attributes:
        names: The columns.
        places: Those that are read.
        separator: What stands between two cells.
        rows: The bytes behind the first line.
        columns: The columns of the model by name.
        row_limit: Most rows.
        limit_bytes: Most bytes of the columns.
    """

    names: Sequence[str]
    places: Sequence[int]
    separator: str
    rows: pa.Buffer
    columns: dict[str, Column]
    row_limit: int
    limit_bytes: int


def read_csv(
    content: bytes,
    schema: Schema,
    wanted: Wanted,
    *,
    header: bool,
    row_limit: int,
    limit_bytes: int,
) -> pa.Table:
    """Read a table.

    Args:
        content: The file.
        schema: The columns of the model.
        wanted: Says from the names of the columns the places of those to read; may raise.
        header: Whether the first line has the names; else the columns are those of the model.
        row_limit: Most rows.
        limit_bytes: Most bytes of the columns.

    Returns:
        The columns wanted; those of text and of instants as text.

    Raises:
        MalformedBodyError: It is not CSV in UTF-8.
        BodyTooLargeError: Its columns are over the limit.
        InvalidInputError: It has too many rows, a row has too many cells or too few, a cell does
            not fit, or what `wanted` raises.
    """
    content = content.removeprefix(_BYTE_ORDER_MARK)
    _check_text(content)
    names, separator, start = list(schema.names), ",", 0
    if header:
        names, separator, start = _header(content, schema)
    file = _File(
        names=names,
        places=_places(names, wanted),
        separator=separator,
        rows=pa.py_buffer(content).slice(start),
        columns={column.name: column for column in schema.columns},
        row_limit=row_limit,
        limit_bytes=limit_bytes,
    )
    try:
        table = _read(file, _types(file))
    except pa.ArrowInvalid:
        return _read_slowly(file)
    if any(_inexact(file.columns.get(name), table.column(name)) for name in table.column_names):
        return _read_slowly(file)
    texts = {
        name: _meant(file.columns.get(name), column) if column.type == _TEXT else column
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return pa.table(texts) if texts else table


def _check_text(content: bytes) -> None:
    """Check that a body is UTF-8; raises MalformedBodyError, which names the line."""
    ends = pa.py_buffer(np.array([0, len(content)]))
    try:
        text = pa.LargeStringArray.from_buffers(1, ends, pa.py_buffer(content))
        text.validate(full=True)  # without a copy, as decoding would make one
    except pa.ArrowInvalid:
        try:
            content.decode()
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise MalformedBodyError(
                f"Line {line} of the body is not UTF-8; send CSV in UTF-8."
            ) from None
    if b"\0" in content[:1024]:
        raise MalformedBodyError("The body is not text in UTF-8; send CSV in UTF-8.")


def _header(content: bytes, schema: Schema) -> tuple[list[str], str, int]:
    """Return the names of the columns, the separator, and where the rows begin."""
    known = {*schema.names, *(left.name for left in schema.left_out)}
    line = content[: content.find(b"\n", 0, MAX_HEADER_BYTES) + 1]
    whole = line and not line.count(b'"') % 2  # else a name has a line break in it
    text = (line if whole else content[:MAX_HEADER_BYTES]).decode("utf-8", "ignore")
    found = [(_record(text, separator), separator) for separator in _SEPARATORS]
    (names, lines), separator = max(found, key=lambda one: len(known.intersection(one[0][0])))
    if not any(names):
        raise MalformedBodyError("The first line of the body is empty; it has to name the columns.")
    # As in a file that a model is trained on; there, too, pandas writes its index without a name.
    unnamed = [f"Unnamed: {place}" for place in range(len(names))]
    names = [
        name or (own if own in known else "") for name, own in zip(names, unnamed, strict=True)
    ]
    return names, separator, len("".join(lines).encode())


def _places(names: Sequence[str], wanted: Wanted) -> list[int]:
    """Return the places of the columns to read: one without a name is none, as pandas' index is."""
    named = [place for place, name in enumerate(names) if name]
    return sorted(named[place] for place in wanted([names[place] for place in named]))


def _record(text: str, separator: str) -> tuple[list[str], list[str]]:
    """Return the cells of the first record, blanks around them removed, and the lines it takes."""
    lines: list[str] = []

    def taken() -> Iterator[str]:
        for line in StringIO(text, newline=""):
            lines.append(line)
            yield line

    try:
        record = next(csv.reader(taken(), delimiter=separator), [])
    except csv.Error:  # one of the cells is too long, so that this is not the separator
        record = []
    return [cell.strip() for cell in record], lines


def _types(file: _File) -> list[pa.DataType]:
    """Return the type that each column is read as."""
    found = (file.columns.get(file.names[place]) for place in file.places)
    return [_TYPES.get(family(one.arrow_type), _TEXT) if one else _TEXT for one in found]


def _read(file: _File, types: Sequence[pa.DataType]) -> pa.Table:
    """Read the columns as given types.

    Raises:
        ArrowInvalid: A cell is not of the type of its column.
    """
    ragged: list[CellError] = []

    def note(row: pa_csv.InvalidRow) -> str:
        message = f"expected {row.expected_columns} values, got {row.actual_columns}"
        ragged.append(CellError(row.number - 1, None, message))
        return "skip" if len(ragged) < CELL_ERRORS_LIMIT else "error"

    numbers = list(map(str, range(len(file.names))))
    # No place at all would mean every column to Arrow: one is read then, and left out below.
    read = [numbers[place] for place in file.places] or numbers[:1]
    kinds = dict(zip(read, types or [_TEXT], strict=True))
    names = [file.names[place] for place in file.places]
    empty = pa.table({number: pa.array([], kind) for number, kind in kinds.items()})
    batches: list[pa.RecordBatch] = []
    rows = size = 0
    try:
        if file.rows.size:
            with _reader(file, numbers, kinds, note) as reader:
                for batch in reader:
                    rows, size = rows + batch.num_rows, size + batch.nbytes
                    if rows > file.row_limit:
                        raise InvalidInputError(
                            f"More rows than the limit of {file.row_limit}; send several requests."
                        )
                    if size > file.limit_bytes:
                        raise BodyTooLargeError(file.limit_bytes)
                    batches.append(batch)
    except pa.ArrowInvalid:
        if ragged:
            raise InvalidInputError.of_cells(ragged) from None
        raise
    if ragged:
        raise InvalidInputError.of_cells(ragged)
    table = pa.Table.from_batches(batches) if batches else empty
    if not file.places:
        return table.select([])
    return table.unify_dictionaries().combine_chunks().rename_columns(names)


def _reader(
    file: _File,
    numbers: Sequence[str],
    kinds: dict[str, pa.DataType],
    note: Callable[[pa_csv.InvalidRow], str],
) -> pa_csv.CSVStreamingReader:
    return pa_csv.open_csv(
        pa.BufferReader(file.rows),
        read_options=pa_csv.ReadOptions(
            use_threads=False, column_names=numbers, block_size=BLOCK_BYTES
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=file.separator,
            newlines_in_values=True,
            ignore_empty_lines=len(numbers) > 1,
            invalid_row_handler=note,
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=kinds,
            check_utf8=False,  # all of the body has been
            include_columns=list(kinds),
            null_values=list(NULL_TEXTS),
            true_values=["true", "True", "TRUE", "1"],
            false_values=["false", "False", "FALSE", "0"],
        ),
    )


def _inexact(column: Column | None, values: pa.ChunkedArray) -> bool:
    """Whether whole numbers were read as floats that may not hold them."""
    if column is None or not is_integer(column.arrow_type) or values.type != pa.float64():
        return False
    most = pc.max(pc.abs(values)).as_py()
    return most is not None and most >= MAX_EXACT


def _read_slowly(file: _File) -> pa.Table:
    """Read every cell as text, and then as its column has it.

    Raises:
        MalformedBodyError: It is not CSV in UTF-8.
        InvalidInputError: A row has too many cells or too few.
    """
    try:
        table = _read(file, [_TEXT] * len(file.places))
    except pa.ArrowInvalid as error:
        raise _malformed(error) from None
    columns: dict[str, pa.Array] = {}
    for name in table.column_names:
        column = file.columns.get(name)
        texts = _meant(column, table.column(name))
        kind = Family.TEXT if column is None else family(column.arrow_type)
        columns[name] = texts if kind not in _TYPES else _values(file, name, texts, kind)
    return pa.table(columns)


def _values(file: _File, name: str, texts: pa.ChunkedArray, kind: Family) -> pa.Array:
    """Return the numbers or truths that texts say.

    A column in which a text says none stays text: what encodes it names the cell.
    """
    plain = texts.cast(pa.string())
    if kind is Family.NUMBER:
        comma = file.separator != "," and pc.any(
            pc.match_substring_regex(plain, f"^{DECIMAL_COMMA}$"), min_count=0
        )
        if comma and comma.as_py():
            plain = pc.replace_substring(plain, ",", ".")
        for target in (pa.int64(), pa.uint64()):
            try:
                return plain.cast(target)
            except pa.ArrowInvalid:
                continue
    try:
        return column_array(name, plain.to_pylist(), kind)
    except TableError:
        return plain


def _meant(column: Column | None, texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts without blanks around them, null where they mean missing.

    A category of the column stays as it is.

    Args:
        column: The column of the model; None if it has none of this name.
        texts: The cells as they stand in the file, (rows,), one dictionary.
    """
    coded = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    distinct = coded.dictionary
    trimmed = pc.utf8_trim_whitespace(distinct)
    missing = pc.is_in(trimmed, _NULLS)
    if not isinstance(column, Categorical) and column is not None:
        missing = pc.or_(missing, pc.is_in(pc.utf8_lower(trimmed), _NUMBER_NULLS))
    odd = pc.or_(missing, pc.not_equal(trimmed, distinct))
    places = np.flatnonzero(odd.to_numpy(zero_copy_only=False))
    if not len(places):
        return texts
    known = np.zeros(len(distinct), bool)
    if column is not None:
        known[places] = _known(column, distinct.take(pa.array(places)))
    meant = pc.if_else(missing, pa.scalar(None, trimmed.type), trimmed)
    meant = pc.if_else(pa.array(known), distinct, meant)
    return pa.chunked_array([meant.take(coded.indices).dictionary_encode()])


def _known(column: Column, texts: pa.Array) -> np.ndarray:
    """Which texts are values of a column, (texts,)."""
    if family(column.arrow_type) is not Family.TEXT:
        return np.zeros(len(texts), bool)
    try:
        codes = column.encode(texts)
    except TableError:
        few = texts if 1 < len(texts) <= MAX_TRIED else []
        found = [_known(column, pa.array([text]))[0] for text in few]
        return np.array(found or [False] * len(texts))
    known: np.ndarray = ~np.isnan(codes)
    if column.unknown_code is not None:
        known &= codes != column.unknown_code
    return known


def _malformed(error: Exception) -> MalformedBodyError:
    reason = str(error).strip().partition("\n")[0].rstrip(".")
    return MalformedBodyError(f"The body is not valid CSV: {cut(reason, 300)}.")
