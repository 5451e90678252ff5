"""Tables from files, as people have them.

| file | extension |
| --- | --- |
| CSV and other separated text | `.csv` `.tsv` `.tab` `.txt` `.dat` `.data` |
| Parquet, Arrow, Feather | `.parquet` `.pq` `.arrow` `.feather` `.ipc` `.arrows` |
| an object of JSON a line, or a list of them | `.ndjson` `.jsonl` `.json` |
| workbooks, with the extra `excel` | `.xlsx` `.xlsm` `.xlsb` `.xls` `.ods` |

Each may be compressed (`.gz`, `.zst`, `.bz2`, `.xz`, `.zip`). A pattern such as `part-*.csv` stands
for all files that it fits, one below the other; `-` is standard input. What the first bytes of a
file say counts more than its extension.

Everything that can be wrong with a file is a `TableFileError` of one sentence. What was assumed of
one that could be read is a note: `read_table` warns of it, commands print it.
"""

import glob
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from madeira.models.echo import cut
from madeira.models.errors import TableError, TableFileError, TableWarning
from madeira.models.tables.arrow_files import read_arrow, read_parquet
from madeira.models.tables.csv_files import CsvForm, csv_form, read_csv
from madeira.models.tables.csv_layout import distinct_names
from madeira.models.tables.json_lines import read_json
from madeira.models.tables.location import local_file
from madeira.models.tables.null_words import typed_columns
from madeira.models.tables.plain_types import with_plain_types
from madeira.models.tables.reading import NullWords, Read, ReadOptions
from madeira.models.tables.source import COMPRESSIONS, Source
from madeira.models.tables.workbooks import read_workbook
from madeira.models.values.arrow_types import check_texts

__all__ = [
    "ARROW_EXTENSIONS",
    "CSV_EXTENSIONS",
    "PARQUET_EXTENSIONS",
    "CsvForm",
    "csv_form",
    "matching_files",
    "read_table",
    "read_with_notes",
]

CSV_EXTENSIONS: Final = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data")
PARQUET_EXTENSIONS: Final = (".parquet", ".pq")
ARROW_EXTENSIONS: Final = (".arrow", ".feather", ".ipc", ".arrows")

_Reader = Callable[[Source, ReadOptions], Read]
_READERS: Final[dict[str, _Reader]] = {
    **dict.fromkeys(CSV_EXTENSIONS, read_csv),
    **dict.fromkeys(PARQUET_EXTENSIONS, read_parquet),
    **dict.fromkeys(ARROW_EXTENSIONS, read_arrow),
    **dict.fromkeys((".ndjson", ".jsonl", ".json"), read_json),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), read_workbook),
}
_MAGIC: Final[dict[bytes, _Reader]] = {
    b"PAR1": read_parquet,
    b"ARROW1": read_arrow,
    b"PK\x03\x04": read_workbook,
    b"\xd0\xcf\x11\xe0": read_workbook,
}
_WILD: Final = frozenset("*?[")


def read_table(
    source: str | Path,
    *,
    encoding: str | None = None,
    na_values: NullWords | None = None,
    columns: Sequence[str] | None = None,
    rows: slice | int | None = None,
) -> pa.Table:
    """Read a whole table from a file, from all files of a pattern, or from standard input.

    Args:
        source: Path, pattern such as `part-*.csv`, URL (`file`, `http`, `https`), or `-`.
        encoding: Encoding of text, such as `latin-1`; by default it is found.
        na_values: Words that mean missing in a file without types, in all columns or by column;
            by default they are found column by column. An empty cell is always missing.
        columns: Names of the columns wanted; all by default.
        rows: Number of the first rows wanted, or a slice of rows; all by default.

    Returns:
        The table, columns and rows in the file's order, nulls where values are missing.

    Raises:
        TableFileError: The file is missing, of an unknown kind, unreadable, or has no columns.

    Warns:
        TableWarning: Something had to be assumed, or left out.
    """
    read = read_with_notes(source, ReadOptions(encoding, na_values, columns, rows))
    for note in read.notes:
        warnings.warn(note, TableWarning, stacklevel=2)
    return read.table


def read_with_notes(source: str | Path, options: ReadOptions) -> Read:
    """Read a table as `read_table` does, and return the notes beside it.

    Args:
        source: Path, pattern, URL, or `-`.
        options: What is wanted.

    Raises:
        TableFileError: As `read_table`.
    """
    with ExitStack() as stack:
        names = matching_files(source)
        paths = [stack.enter_context(local_file(name)) for name in names]
        reads = [_read(path, options) for path in paths]
        read = reads[0] if len(reads) == 1 else _joined(str(source), paths, reads)
        notes = list(read.notes)
        if read.decimal_point is not None:
            texts = dict(zip(read.table.column_names, read.table.columns, strict=True))
            typed, more = typed_columns(texts, read.decimal_point, options.na_values)
            read, notes = Read(pa.table(typed)), [*notes, *more]
        read = read.selected(source, options)
        return Read(
            read.table,
            tuple(note if note.startswith(str(source)) else f"{source}: {note}" for note in notes),
        )


def matching_files(source: str | Path) -> Sequence[str | Path]:
    """Return the files of a pattern, sorted; a file that has such a name is meant itself.

    Args:
        source: Path, pattern, URL, or `-`.

    Raises:
        TableFileError: No file fits.
    """
    pattern = str(source)
    if "://" in pattern or not _WILD & set(pattern) or Path(source).expanduser().exists():
        return [source]
    found = sorted(glob.glob(str(Path(source).expanduser()), recursive=True))
    if not found:
        raise TableFileError(f"no file fits {pattern}")
    return found


def _read(path: Path, options: ReadOptions) -> Read:
    """Read one file.

    Raises:
        TableFileError: It holds no readable table.
    """
    source = Source(path)
    if path.is_dir():
        raise TableFileError(f"{path} is a directory, not a file")
    try:
        read = _reader(source)(source, options)
        check_texts(read.table.schema)
        read = replace(read, table=with_plain_types(read.table))
    except TableError as error:
        raise TableFileError(f"{path}: {error}") from error
    except UnicodeDecodeError:
        raise TableFileError(
            f"{path} has a column name or a time zone that is not UTF-8 text"
        ) from None
    except FileNotFoundError:
        raise TableFileError(f"{path} does not exist") from None
    except OSError as error:
        raise TableFileError(f"{path} cannot be read: {error.strerror or error}") from error
    if read.table.num_columns == 0:
        raise TableFileError(f"{path} has no columns")
    names, renamed = distinct_names(read.table.column_names)
    if not renamed:
        return read
    return Read(read.table.rename_columns(names), (*read.notes, *renamed), read.decimal_point)


def _reader(source: Source) -> _Reader:
    """Return what reads a file, by its first bytes or its extension.

    Raises:
        TableFileError: Neither says.
        FileNotFoundError: There is no such file.
    """
    path, extension = source.path, source.extension
    if not source.standard_input and not path.exists():
        raise FileNotFoundError(path)
    for magic, reader in _MAGIC.items():
        if source.magic.startswith(magic) and _READERS.get(extension) is not read_arrow:
            return reader
    if not extension:
        return read_json if source.magic.lstrip()[:1] in (b"{", b"[") else read_csv
    if extension not in _READERS:
        known = ", ".join(_READERS)
        raise TableFileError(
            f"{path} has the extension {extension!r}; tables are read from {known}, "
            f"also compressed: {', '.join(COMPRESSIONS)}"
        )
    return _READERS[extension]


def _joined(pattern: str, paths: Sequence[Path], reads: Sequence[Read]) -> Read:
    """Put the tables of several files one below the other; columns are found by name.

    Raises:
        TableFileError: A column has types in them that do not go together.
    """
    first = reads[0].table.column_names
    notes = [
        f"{path}: {note}" for path, read in zip(paths, reads, strict=True) for note in read.notes
    ]
    for path, read in zip(paths, reads, strict=True):
        if set(read.table.column_names) != set(first):
            other = sorted(set(read.table.column_names) ^ set(first))
            notes.append(f"{path} has not the same columns as {paths[0]}: {', '.join(other[:5])}")
    points = {read.decimal_point for read in reads}
    if None in points and len(points) > 1:
        raise TableFileError(f"{pattern} fits files with types and files without; read them apart")
    try:
        table = pa.concat_tables([read.table for read in reads], promote_options="permissive")
    except pa.ArrowException as error:
        raise TableFileError(
            f"the files of {pattern} do not go together: {cut(str(error))}"
        ) from error
    point = "," if "," in points else reads[0].decimal_point
    return Read(table, tuple(notes), point)
