"""CSV files of any encoding and separator: the texts of their columns.

Most files are regular, and Arrow reads them. Where it finds a row of another width, the rows are
read one by one: short ones are filled with missing cells, long ones and comments are left out, and
a note says so.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from madeira.models.echo import cut
from madeira.models.errors import TableFileError
from madeira.models.tables.csv_layout import Layout, commented, layout_of, named
from madeira.models.tables.encoding import utf8_of
from madeira.models.tables.reading import Read, ReadOptions
from madeira.models.tables.source import Source

__all__ = ["CsvForm", "csv_form", "read_csv"]

_SAMPLE_BYTES: Final = 256 * 1024
_MAX_BLOCK_BYTES: Final = 1 << 30  # pyarrow counts the bytes of a block in 32 bits
_MAX_SHORT: Final = 0.5
"""Most rows, as a share, that have fewer fields than the header."""

_MAX_LONG: Final = 0.1
"""Most rows, as a share, that have more."""


@dataclass(frozen=True)
class CsvForm:
    """How a CSV file is written.

    Attributes:
        separator: What stands between two cells of a row.
        header: The first line, cut into cells.
        names: Of the columns; one without a name is named by its place.
        decimal_point: `.` or `,`.
    """

    separator: str
    header: Sequence[str]
    names: Sequence[str]
    decimal_point: str


def csv_form(path: Path) -> CsvForm:
    """Guess from the first lines of a CSV file how it is written.

    Raises:
        TableFileError: The file is no table; names line or column.
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        content = stream.read(_SAMPLE_BYTES + 1)
    if len(content) > _SAMPLE_BYTES:
        content = content[: max(content.rfind(b"\n"), content.rfind(b"\r")) + 1]
    text = _sample(path, utf8_of(path, content, None)[0])
    layout = layout_of(path, text, _fixed_separator(Source(path)))
    names = [name or f"Unnamed: {place}" for place, name in enumerate(layout.names)]
    return CsvForm(layout.separator, layout.header, names, layout.decimal_point)


def read_csv(source: Source, options: ReadOptions) -> Read:
    """Read the texts of a CSV file; their types are decided later, on all files of a table.

    Args:
        source: The file.
        options: Which encoding it has.

    Raises:
        TableFileError: The file is no table; names the line.
    """
    path = source.path
    content, notes = utf8_of(path, source.content, options.encoding)
    text = _sample(path, content)
    layout = layout_of(path, text, _fixed_separator(source))
    body = content[len(text[: layout.body].encode()) :]
    del content
    columns = _regular(body, layout)
    if columns is None:
        columns, repairs = _repaired(path, body, layout)
        notes += repairs
    elif b'"' in body and _spans_lines(columns):
        notes += _quotes(path, body, layout)
    names = [name for name in layout.names if name is not None]
    table = pa.table(columns[: len(names)], names=names)
    return Read(table, (*layout.notes, *notes), layout.decimal_point)


def _fixed_separator(source: Source) -> str | None:
    return "\t" if source.extension in (".tsv", ".tab") else None


def _sample(path: object, content: bytes) -> str:
    """Return the first lines of a text, without a last one that is cut in two.

    Raises:
        TableFileError: There is none.
    """
    sample, whole = content[:_SAMPLE_BYTES], len(content) <= _SAMPLE_BYTES
    if not whole:
        sample = sample[: max(sample.rfind(b"\n"), sample.rfind(b"\r")) + 1]
    text = sample.decode("utf-8")
    if not text.strip():
        raise TableFileError(f"{path} is empty" if whole else f"{path} has no line that ends")
    return text


def _regular(body: bytes, layout: Layout) -> list[pa.ChunkedArray] | None:
    """Return the texts of each column, (rows,) string; None where rows differ in width."""
    places = [str(place) for place in range(len(layout.names))]
    if not body.strip():
        return [pa.chunked_array([], pa.string()) for _ in places]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(body),
            read_options=pa_csv.ReadOptions(
                column_names=places, block_size=min(len(body) + 1, _MAX_BLOCK_BYTES)
            ),
            parse_options=pa_csv.ParseOptions(delimiter=layout.separator, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                null_values=[], column_types=dict.fromkeys(places, pa.string())
            ),
        )
    except pa.ArrowException:
        return None
    columns: list[pa.ChunkedArray] = table.columns
    return columns


def _repaired(path: object, body: bytes, layout: Layout) -> tuple[list[pa.ChunkedArray], list[str]]:
    """Return the texts of each column where rows differ in width, and notes of what was repaired.

    Raises:
        TableFileError: Too many rows differ, or a quote is not closed.
    """
    notes = _quotes(path, body, layout)
    width = len(layout.names)
    rows: list[list[str]] = []
    comments, short, long = 0, _Odd(), _Odd()
    for line, row in _numbered(path, body, layout):
        if len(row) < width and row[0].lstrip().startswith("#"):
            comments += 1
            continue
        if len(row) < width:
            short.count(line, len(row))
        elif any(map(str.strip, row[width:])):
            long.count(line, len(row))
            continue
        rows.append(row[:width] + [""] * (width - len(row)))
    if short.rows > _MAX_SHORT * len(rows) or long.rows > _MAX_LONG * (len(rows) + long.rows):
        odd = min((one for one in (short, long) if one.rows), key=lambda one: one.line)
        raise TableFileError(
            f"line {odd.line} of {path} has {named(odd.fields, 'field')} "
            f"where the first line has {width}"
        )
    if comments:
        notes.append(commented(comments))
    if short.rows:
        notes.append(
            f"{named(short.rows, 'row')} of fewer fields than the header, the first in line "
            f"{short.line}: the last cells are missing"
        )
    if long.rows:
        notes.append(
            f"{named(long.rows, 'row')} of more fields than the header, the first in line "
            f"{long.line}: left out"
        )
    columns = zip(*rows, strict=True) if rows else [()] * width
    return [pa.chunked_array([pa.array(column, pa.string())]) for column in columns], notes


@dataclass
class _Odd:
    """Rows of another width than the header: how many, and line and width of the first."""

    rows: int = 0
    line: int = 0
    fields: int = 0

    def count(self, line: int, fields: int) -> None:
        """Count a row.

        Args:
            line: Its line in the file.
            fields: Its number of fields.
        """
        if not self.rows:
            self.line, self.fields = line, fields
        self.rows += 1


def _numbered(path: object, body: bytes, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with the line of the file that it ends in.

    Raises:
        TableFileError: A field is longer than Python reads.
    """
    stream = io.TextIOWrapper(io.BytesIO(body), "utf-8", newline="")
    reader = csv.reader(stream, delimiter=layout.separator)
    try:
        for row in reader:
            if row:
                yield layout.line + reader.line_num, row
    except csv.Error as error:
        line = layout.line + reader.line_num
        raise TableFileError(f"line {line} of {path} cannot be read: {cut(str(error))}") from error


def _spans_lines(columns: Sequence[pa.ChunkedArray]) -> bool:
    """Whether a cell has a line break in it."""
    return any(
        pc.any(pc.match_substring_regex(column, "[\r\n]"), min_count=0).as_py()
        for column in columns
    )


def _quotes(path: object, body: bytes, layout: Layout) -> list[str]:
    """Look for quotes that are not closed, which make one row of several lines.

    Returns:
        A note where it is doubtful: a cell has line breaks, and what is between them looks like
        rows.

    Raises:
        TableFileError: A quote is not closed; names its line.
    """
    stream = io.TextIOWrapper(io.BytesIO(body), "utf-8", newline="")
    reader = csv.reader(stream, delimiter=layout.separator, strict=True)
    wanted = len(layout.names) - 1
    start, doubtful = 0, 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            if reader.line_num - start > 1 or "end of data" in str(error):
                raise TableFileError(
                    f"line {layout.line + start + 1} of {path} opens a quote that is not closed"
                ) from error
            row = []
        lines = reader.line_num - start
        if lines > 1 and wanted:
            within = [part for cell in row for part in cell.splitlines()[1:]]
            rows = [part for part in within if part.count(layout.separator) == wanted]
            if len(rows) == len(within) or (rows and wanted > 1):
                doubtful = doubtful or layout.line + start + 1
        start = reader.line_num
    if not doubtful:
        return []
    return [
        f"line {doubtful} opens a quote that is closed some lines later, and what is between looks "
        "like rows: close it there if these are rows"
    ]
