"""`--schema FILE`: a schema, or the kinds of some columns, in YAML or JSON.

Two forms are read:

* kinds, `column: kind` or `column: {kind: kind, ...}`, as `madeira schema` writes them: the kind
  of every column that is not named is inferred;
* a whole schema as it stands in `schema.json` of a checkpoint, recognised by its list `columns`.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from madeira.app.codecs.schema.yaml import Document, read_document
from madeira.models.echo import closest, cut, listed, quoted
from madeira.models.errors import SchemaError, TableError
from madeira.models.schema.infer import LEFT_OUT
from madeira.models.schema.overrides import Overrides
from madeira.models.schema.schema import Schema

__all__ = ["read_kinds", "read_overrides", "read_schema"]


MAX_BYTES = 64 * 2**20
"""Maximum size of a file: a schema of a million categories has about 20 MiB."""


def read_kinds(path: Path) -> dict[str, str]:
    """Read which kinds a schema file names, by name of the column; faults are found later.

    Raises:
        SchemaError: The file is missing, or not YAML or JSON.
    """
    document = _document(path)
    if not _is_whole(document):
        named = document.value.items()
    else:
        entries = [entry for entry in document.value["columns"] if isinstance(entry, dict)]
        named = [(entry.get("name"), entry) for entry in entries]
    kinds = [(name, one.get("kind") if isinstance(one, dict) else one) for name, one in named]
    return {name: kind for name, kind in kinds if isinstance(name, str) and isinstance(kind, str)}


def read_schema(path: Path, table: pa.Table) -> Schema:
    """Read a schema file and make the schema of a table with it.

    Args:
        path: The file.
        table: The table.

    Raises:
        SchemaError: The file is missing, not YAML or JSON, or contradicts the table; the message
            names the file, and line and column if possible.
        TableError: A column that the file does not name cannot be learned.
    """
    document = _document(path)
    return _whole(document, table) if _is_whole(document) else _kinds(document, table)


def read_overrides(path: Path, table: pa.Table) -> Overrides:
    """Read the overrides of a schema file.

    Args:
        path: The file.
        table: The table.

    Returns:
        The overrides by name of the column.

    Raises:
        SchemaError: As `read_schema`.
        TableError: As `read_schema`.
    """
    schema, document = read_schema(path, table), _document(path)
    if not _is_whole(document):
        overrides: Overrides = document.value
        return overrides
    reason = f"as in {path}"
    kinds = {column.name: {"kind": column.kind, "reason": reason} for column in schema.columns}
    excluded = {out.name: {"kind": LEFT_OUT, "reason": out.reason} for out in schema.left_out}
    fields = kinds | excluded
    return {name: fields[name] for name in fields if name in table.column_names}


def _document(path: Path) -> Document:
    document = read_document(str(path), _text(path))
    if not isinstance(document.value, dict):
        raise SchemaError(f"{document.place(())}: columns and their kinds are expected")
    return document


def _is_whole(document: Document) -> bool:
    return isinstance(document.value.get("columns"), list)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise SchemaError(f"{path} is over {MAX_BYTES // 2**20} MiB: no schema is that long")
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise SchemaError(f"{path} does not exist") from None
    except OSError as error:
        raise SchemaError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path} is not text in UTF-8") from error


def _whole(document: Document, table: pa.Table) -> Schema:
    """Read a whole schema.

    Raises:
        SchemaError: The schema is invalid, lacks a column of the table, or rejects its values.
    """
    try:
        schema = Schema.from_json(document.value)
    except SchemaError as error:
        raise SchemaError(f"{document.place(error.path)}: {error}") from error
    names = {"columns": schema.names, "left_out": [left.name for left in schema.left_out]}
    paths: dict[str, tuple[str | int, ...]] = {
        name: (field, place) for field, listed in names.items() for place, name in enumerate(listed)
    }
    for name, path in paths.items():
        if path[0] == "columns" and name not in table.column_names:
            raise SchemaError(f"{document.place(path)}: {_absent(name, table.column_names)}")
    for name in table.column_names:
        if name not in paths:
            place = document.place(("columns",))
            raise SchemaError(f"{place}: column {quoted(name)} of the table is missing")
    try:
        schema.encode(table)
    except TableError as error:
        named = error.cells[0].column or ""
        raise SchemaError(f"{document.place(paths.get(named, ()))}: {error}") from error
    return schema


def _kinds(document: Document, table: pa.Table) -> Schema:
    """Read the kinds of some columns, and infer the rest.

    Raises:
        SchemaError: A column does not exist, or cannot have its kind.
        TableError: A column that the file does not name cannot be learned.
    """
    for name, kind in document.value.items():
        place = document.place((name,))
        if name not in table.column_names:
            raise SchemaError(f"{place}: {_absent(name, table.column_names)}")
        if not isinstance(kind, str | dict):
            raise SchemaError(
                f"{place}: the kind of {quoted(name)} is a word, not {cut(json.dumps(kind))}"
            )
    try:
        return Schema.infer(table, document.value)
    except SchemaError as error:
        raise SchemaError(f"{document.place(error.path)}: {error}") from error
    except TableError as error:
        if (named := error.cells[0].column) not in document.value or named is None:
            raise
        raise SchemaError(f"{document.place((named,))}: {error}") from error


def _absent(name: str, names: Sequence[str]) -> str:
    close = closest(name, names)
    hint = f"its columns are {listed(names)}" if close is None else f"did you mean {quoted(close)}?"
    return f"the table has no column {quoted(name)}; {hint}"
