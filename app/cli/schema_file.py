"""`--schema FILE`: a schema, or the kinds of some columns, in JSON.

Two forms are read:

* overrides, `{"column": "kind", ...}` or `{"column": {"kind": "kind"}, ...}`: the kind of every
  column that is not named is inferred;
* a whole schema as it stands in `schema.json` of a checkpoint, recognised by its list `columns`.
"""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from models.columns.schema import Schema
from models.errors import ModelsError, SchemaError

__all__ = ["read_schema"]


def read_schema(path: Path, table: pa.Table) -> Schema:
    """Reads the file and makes the schema of the table with it.

    Raises:
        SchemaError: The file is missing, not JSON, or does not fit the table; the message names
            the file, and line and column where there are such.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise SchemaError(f"{path} does not exist") from None
    except OSError as error:
        raise SchemaError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path} is not UTF-8") from error
    try:
        document = json.loads(text, object_pairs_hook=_distinct)
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise SchemaError(f"{place}: not JSON: {error.msg[:1].lower()}{error.msg[1:]}") from error
    except _TwiceError as error:
        raise SchemaError(f"{_place(path, text, error.name)}: {error.name!r} twice") from None
    if not isinstance(document, dict):
        raise SchemaError(f"{path}:1:1: a JSON object is expected, columns and their kinds")
    if isinstance(document.get("columns"), list):
        return _whole(path, document)
    return _overridden(path, text, document, table)


class _TwiceError(ValueError):
    """A key stands twice in one object."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _distinct(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """`json` keeps the last of two equal keys in silence; a schema must not."""
    document: dict[str, Any] = {}
    for name, value in pairs:
        if name in document:
            raise _TwiceError(name)
        document[name] = value
    return document


def _whole(path: Path, document: Mapping[str, Any]) -> Schema:
    try:
        return Schema.from_json(document)
    except SchemaError as error:
        raise SchemaError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise SchemaError(f"{path}: not a schema: {type(error).__name__} {error}") from error


def _overridden(path: Path, text: str, overrides: Mapping[str, Any], table: pa.Table) -> Schema:
    for name, kind in overrides.items():
        place = _place(path, text, name)
        if name not in table.column_names:
            close = difflib.get_close_matches(name, table.column_names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else _listed(table.column_names)
            raise SchemaError(f"{place}: the table has no column {name!r}; {hint}")
        if not isinstance(kind, str | dict):
            raise SchemaError(f"{place}: the kind of {name!r} is a text, not {json.dumps(kind)}")
    try:
        return Schema.infer(table, overrides)
    except ModelsError as error:
        # The schema speaks of columns, not of the file: find the line of the one it names.
        named = [name for name in overrides if repr(name) in str(error)]
        place = _place(path, text, named[0]) if named else str(path)
        raise SchemaError(f"{place}: {error}") from error


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"its columns are {', '.join(names[:8])}{more}"


def _place(path: Path, text: str, name: str) -> str:
    """`file:line:column` of the last place where the name stands as a key."""
    spellings = {json.dumps(name), json.dumps(name, ensure_ascii=False)}
    pattern = "|".join(re.escape(spelling) for spelling in spellings)
    start = 0
    for match in re.finditer(rf"(?:{pattern})\s*:", text):
        start = match.start()
    line = text.count("\n", 0, start) + 1
    return f"{path}:{line}:{start - text.rfind(chr(10), 0, start)}"
