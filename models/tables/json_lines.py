"""JSON files: an object a line (NDJSON), or a list of objects."""

import json

from madeira.models.echo import cut, quoted
from madeira.models.errors import TableError, TableFileError
from madeira.models.tables.arrays import of_records
from madeira.models.tables.encoding import utf8_of
from madeira.models.tables.form import Data
from madeira.models.tables.reading import Read, ReadOptions
from madeira.models.tables.source import Source

__all__ = ["read_json"]


def read_json(source: Source, options: ReadOptions) -> Read:
    """Read rows, each an object from column to value; a key that a row lacks is missing in it.

    Args:
        source: The file.
        options: Which encoding it has.

    Raises:
        TableFileError: It is not JSON, or holds something else than rows; names the line.
    """
    path = source.path
    content, notes = utf8_of(path, source.content, options.encoding)
    text = content.decode("utf-8")
    if text.lstrip().startswith("["):
        rows = _parsed(f"{path}", text)
    else:
        rows = [
            _parsed(f"line {number} of {path}", line)
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip()
        ]
    if not rows:
        raise TableFileError(f"{path} is empty")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise TableFileError(
                f"row {number} of {path} is {quoted(row)}; each row is an object, "
                'such as {"column": "value"}'
            )
    try:
        return Read(of_records(rows), tuple(notes))
    except TableError as error:
        raise TableFileError(f"{path}: {error}") from error


def _parsed(place: str, text: str) -> Data:
    """Parse JSON.

    Raises:
        TableFileError: It is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TableFileError(f"{place} is not JSON: {cut(str(error))}") from error
