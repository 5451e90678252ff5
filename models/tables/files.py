"""Tables from files: CSV, Parquet and Arrow, chosen by the file's extension.

CSV has no types and no rules, so this module decides what a file most likely means:

* the separator is the one of `,` `;` tab `|` that cuts the first lines most evenly;
* a decimal comma is understood where the separator is not the comma;
* a column without a name, such as the index that pandas writes, is named by its place, in
  pandas' way: `Unnamed: 0`;
* what the texts of a column are is decided on all of them: `madeira.models.tables.csv_types`.

Everything that can be wrong with a file is a `TableFileError` of one sentence.
"""

import contextlib
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pyarrow import ipc

from madeira.models.echo import cut, quoted
from madeira.models.errors import TableFileError
from madeira.models.tables.csv_types import typed
from madeira.models.tables.location import local_file
from madeira.models.values.arrow_types import check_texts
from madeira.models.values.number_text import DECIMAL_COMMA, FRACTION

__all__ = [
    "ARROW_EXTENSIONS",
    "CSV_EXTENSIONS",
    "PARQUET_EXTENSIONS",
    "CsvForm",
    "csv_form",
    "read_table",
]

CSV_EXTENSIONS: Final = (".csv", ".tsv", ".txt")
PARQUET_EXTENSIONS: Final = (".parquet", ".pq")
ARROW_EXTENSIONS: Final = (".arrow", ".feather", ".ipc", ".arrows")

_ARROW_FILE: Final = b"ARROW1"
_SEPARATORS: Final = (",", ";", "\t", "|")
_SAMPLE_BYTES: Final = 256 * 1024
_MAX_BLOCK_BYTES: Final = 1 << 30  # pyarrow counts the bytes of a block in 32 bits
_DECIMAL_COMMA: Final = re.compile(DECIMAL_COMMA)
_BROKEN_TEXT: Final = re.compile(r"In CSV column #(\d{1,9}): .*invalid UTF8")
_FRACTION: Final = re.compile(FRACTION)
_MAX_REASON: Final = 300

MAX_CELLS: Final = 2**32
"""Most cells of a Parquet file, in which a few bytes can claim any number of rows."""


def read_table(source: str | Path) -> pa.Table:
    """Read a whole CSV, Parquet or Arrow file.

    Args:
        source: Path or URL (`file`, `http`, `https`) of the file; its extension, in any case,
            tells the format.

    Returns:
        The table, columns and rows in the file's order, nulls where values are missing.

    Raises:
        TableFileError: The file is missing, of an unknown kind, unreadable, or has no columns.
    """
    with local_file(source) as path:
        return _read(path)


def _read(path: Path) -> pa.Table:
    if path.is_dir():
        raise TableFileError(f"{path} is a directory, not a file")
    extension = path.suffix.lower()
    if extension not in _READERS:
        known = ", ".join(_READERS)
        found = f"the extension {path.suffix!r}" if path.suffix else "no extension"
        raise TableFileError(f"{path} has {found}; tables are read from {known}")
    try:
        table = _READERS[extension](path)
        check_texts(table.schema)
    except UnicodeDecodeError:
        raise TableFileError(
            f"{path} has a column name or a time zone that is not UTF-8 text"
        ) from None
    except FileNotFoundError:
        raise TableFileError(f"{path} does not exist") from None
    except OSError as error:
        raise TableFileError(f"{path} cannot be read: {error.strerror or error}") from error
    if table.num_columns == 0:
        raise TableFileError(f"{path} has no columns")
    _require_distinct(path, table.column_names)
    return table


def _read_parquet(path: Path) -> pa.Table:
    """Read Parquet; the index that pandas stored beside the columns is dropped.

    Raises:
        TableFileError: The file is not readable.
    """
    try:
        with pa.OSFile(str(path)) as stream:
            file = pq.ParquetFile(stream)
            _check_rows(path, file.metadata)
            table = file.read()
    except pa.ArrowException as error:
        raise TableFileError(
            f"{path} is not a readable Parquet file: {_first_line(error)}"
        ) from error
    index = (table.schema.pandas_metadata or {}).get("index_columns", [])
    names = {name for name in index if isinstance(name, str) and name.startswith("__index_level_")}
    return table.drop_columns(sorted(names & set(table.column_names)))


def _check_rows(path: Path, metadata: pq.FileMetaData) -> None:
    """Check how many rows a Parquet file claims, before memory is taken for them.

    Raises:
        TableFileError: They are too many, or the parts of the file disagree.
    """
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    if sum(groups) != metadata.num_rows or min(groups, default=0) < 0:
        raise TableFileError(
            f"{path} is not a readable Parquet file: its parts disagree about the number of rows"
        )
    if metadata.num_rows * metadata.num_columns > MAX_CELLS:
        raise TableFileError(
            f"{path} says that it has {metadata.num_rows} rows of {metadata.num_columns} columns; "
            f"at most {MAX_CELLS:,} cells are read"
        )


def _read_arrow(path: Path) -> pa.Table:
    """Read an Arrow file or stream.

    Raises:
        TableFileError: The file is not readable.
    """
    try:
        with pa.OSFile(str(path)) as file:
            if file.read(len(_ARROW_FILE)) == _ARROW_FILE:
                return ipc.open_file(file).read_all()
            file.seek(0)
            return ipc.open_stream(file).read_all()
    except pa.ArrowException as error:
        raise TableFileError(
            f"{path} is not a readable Arrow file: {_first_line(error)}"
        ) from error


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
        sample = stream.read(_SAMPLE_BYTES)
    text = _decode(path, sample, whole=path.stat().st_size <= _SAMPLE_BYTES)
    separator = "\t" if path.suffix.lower() == ".tsv" else _sniff_separator(text)
    header, *rows = _rows(text, separator)
    names = [name.strip() or f"Unnamed: {place}" for place, name in enumerate(header)]
    if any(_FRACTION.fullmatch(name) for name in names):
        raise TableFileError(
            f"the first line of {path} holds numbers; it has to hold the names of the columns"
        )
    _require_distinct(path, names)
    rows = [row for row in rows if len(row) == len(names)]
    return CsvForm(separator, header, names, _sniff_decimal_point(rows, separator))


def _read_csv(path: Path) -> pa.Table:
    """Read CSV; separator and decimal point are guessed from its first lines.

    Raises:
        TableFileError: The file is no table; names line or column.
    """
    form, size = csv_form(path), path.stat().st_size
    try:
        with pa.OSFile(str(path)) as stream:
            table = pa_csv.read_csv(
                stream,
                # One block for the whole file: the type of a column is decided by all its rows.
                read_options=pa_csv.ReadOptions(block_size=min(size + 1, _MAX_BLOCK_BYTES)),
                parse_options=pa_csv.ParseOptions(
                    delimiter=form.separator, newlines_in_values=True
                ),
                convert_options=pa_csv.ConvertOptions(
                    null_values=[], column_types=dict.fromkeys(form.header, pa.string())
                ),
            )
    except pa.ArrowException as error:
        raise TableFileError(_explain(path, form.separator, form.names, error)) from error
    return pa.table(
        {
            name: typed(column, form.decimal_point) if pa.types.is_string(column.type) else column
            for name, column in zip(form.names, table.columns, strict=True)
        }
    )


def _decode(path: Path, sample: bytes, *, whole: bool) -> str:
    """Decode the first lines, without a last one that the sample cuts in two.

    Raises:
        TableFileError: They are empty, or not UTF-8.
    """
    if b"\0" in sample:
        raise TableFileError(f"{path} is not a text file in UTF-8; save it as CSV in UTF-8")
    if not whole:
        sample = sample[: max(sample.rfind(b"\n"), sample.rfind(b"\r")) + 1]
    try:
        text = sample.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = sample.count(b"\n", 0, error.start) + 1
        raise TableFileError(
            f"line {line} of {path} is not UTF-8; save the file as UTF-8"
        ) from error
    if not text.strip():
        raise TableFileError(f"{path} is empty" if whole else f"{path} has no line that ends")
    return text


def _rows(text: str, separator: str) -> list[list[str]]:
    """Cut text into rows of fields, blank lines left out; an overlong field ends the look."""
    rows: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        rows.extend(row for row in csv.reader(io.StringIO(text, ""), delimiter=separator) if row)
    return rows


def _sniff_separator(text: str) -> str:
    """Return the separator that cuts the most rows into as many fields as the header has."""

    def evenness(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in _rows(text, separator)]
        if widths[0] == 1:
            return (0.0, 1)
        return (widths.count(widths[0]) / len(widths), widths[0])

    return max(_SEPARATORS, key=evenness)


def _sniff_decimal_point(rows: Sequence[Sequence[str]], separator: str) -> str:
    """Return a comma where no point but a comma stands between digits."""
    if separator == ",":
        return "."
    fields = [field.strip() for row in rows for field in row]
    commas = any(_DECIMAL_COMMA.fullmatch(field) for field in fields)
    return "," if commas and not any(_FRACTION.fullmatch(field) for field in fields) else "."


def _explain(path: Path, separator: str, names: Sequence[str], error: pa.ArrowException) -> str:
    """Name the column that is no text, or the first line whose number of fields is wrong."""
    if broken := _BROKEN_TEXT.match(_first_line(error)):
        return (
            f"column {quoted(names[int(broken[1])])} of {path} is not UTF-8; save the file as UTF-8"
        )
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        reader = csv.reader(stream, delimiter=separator)
        with contextlib.suppress(csv.Error):
            for row in reader:
                if row and len(row) != len(names):
                    fields = "1 field" if len(row) == 1 else f"{len(row)} fields"
                    return (
                        f"line {reader.line_num} of {path} has {fields} "
                        f"where the first line has {len(names)}"
                    )
    return f"{path} is not a readable CSV file: {_first_line(error)}"


def _require_distinct(path: Path, names: Sequence[str]) -> None:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise TableFileError(f"{path} has more than one column named {quoted(twice)}")


def _first_line(error: Exception) -> str:
    return cut(str(error).strip().partition("\n")[0].rstrip("."), _MAX_REASON)


_READERS: Final[dict[str, Callable[[Path], pa.Table]]] = {
    **dict.fromkeys(CSV_EXTENSIONS, _read_csv),
    **dict.fromkeys(PARQUET_EXTENSIONS, _read_parquet),
    **dict.fromkeys(ARROW_EXTENSIONS, _read_arrow),
}
