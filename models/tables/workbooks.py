"""Workbooks of Excel and LibreOffice: the first sheet that has cells, by python-calamine."""

import io
import zipfile
from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from madeira.models.echo import cut, listed, quoted
from madeira.models.errors import TableError, TableFileError
from madeira.models.tables import source as limits
from madeira.models.tables.arrays import column_of
from madeira.models.tables.csv_layout import distinct_names, named
from madeira.models.tables.csv_types import NULL_TEXTS
from madeira.models.tables.form import Data
from madeira.models.tables.reading import Read, ReadOptions
from madeira.models.tables.source import Source
from madeira.models.values.ticks import MAX_EXACT

__all__ = ["read_workbook"]

_MIN_FILLED: Final = 0.5
"""Least share of the columns that the header fills; lines above are titles."""


def read_workbook(source: Source, options: ReadOptions) -> Read:
    """Read the first sheet that is not empty; its first full line has the names of the columns.

    Args:
        source: The file.
        options: The words that mean missing.

    Raises:
        TableFileError: The file is not readable, or python-calamine is not installed.
    """
    path, content = source.path, source.content
    try:
        import python_calamine
    except ImportError as error:
        raise TableFileError(
            f"{path} is a workbook: to read it, install python-calamine, "
            "as with pip install 'madeira[excel]'"
        ) from error
    _check_size(source, content)
    try:
        with python_calamine.load_workbook(io.BytesIO(content)) as workbook:
            sheets = [
                (name, cells)
                for name in workbook.sheet_names
                if (cells := workbook.get_sheet_by_name(name).to_python())
            ]
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise TableFileError(f"{path} is not a readable workbook: {cut(str(error))}") from error
    if not sheets:
        raise TableFileError(f"{path} is empty")
    notes = []
    if len(sheets) > 1:
        others = listed([quoted(name) for name, _ in sheets[1:]])
        notes.append(f"sheet {quoted(sheets[0][0])} was read, and not {others}")
    return _table(path, sheets[0][1], notes)


def _check_size(source: Source, content: bytes) -> None:
    """Check what the parts of a workbook expand to, where it is a zip archive.

    Raises:
        TableFileError: It is too much, or the archive is broken.
    """
    if not content.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise TableFileError(f"{source.path} is not a readable workbook") from error
    if size > limits.MAX_EXPANDED_BYTES:
        raise TableFileError(
            f"{source.path} expands to more than {limits.MAX_EXPANDED_BYTES / 2**30:g} GiB"
        )


def _table(path: object, cells: Sequence[Sequence[Data]], notes: list[str]) -> Read:
    """Make a table of the cells of a sheet.

    Raises:
        TableFileError: A column holds values that no table holds.
    """
    width = max(map(len, cells))
    header = next(
        place
        for place, row in enumerate(cells)
        if sum(cell != "" for cell in row) >= _MIN_FILLED * width or place == len(cells) - 1
    )
    above = [row for row in cells[:header] if any(cell != "" for cell in row)]
    if above:
        shown = quoted(" ".join(str(cell) for row in above for cell in row if cell != ""))
        notes.append(f"{named(len(above), 'line')} above the header left out: {shown}")
    names, renamed = distinct_names([_name(cell) for cell in cells[header]])
    rows = [row for row in cells[header + 1 :] if any(cell != "" for cell in row)]
    columns = {}
    for place, name in enumerate(names):
        values = [_value(row[place]) for row in rows]
        if cells[header][place] == "" and all(value is None for value in values):
            continue
        try:
            columns[name] = column_of(name, values)
        except TableError as error:
            raise TableFileError(f"{path}: {error}") from error
    return Read(pa.table(columns), (*notes, *renamed))


def _name(cell: Data) -> str:
    return cell if isinstance(cell, str) else str(_value(cell))


def _value(cell: Data) -> Data:
    """Return the value of a cell, None where it is missing; workbooks have no integers."""
    if isinstance(cell, str):
        text = cell.strip()
        return None if text in NULL_TEXTS else text
    if isinstance(cell, float) and cell.is_integer() and abs(cell) <= MAX_EXACT:
        return int(cell)
    return cell
