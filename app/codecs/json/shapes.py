"""The shapes that tables have in the JSON of other libraries and services.

pandas writes `columns`, `index` and `data` (`orient="split"`) or a list of objects
(`orient="records"`). MLflow sends either under a name of its own, and what is served by others as
`instances` or `inputs` are objects, lists of values in the order of the model's columns, or one
list a column.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from madeira.app.codecs.json.slices import SlicedRows
from madeira.app.errors import InvalidInputError
from madeira.models.echo import listed

__all__ = ["TABLE_KEYS", "as_rows_or_columns"]

_OF_OTHERS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_OWN = ("rows", "columns", "data")
TABLE_KEYS = frozenset({*_OWN, *_OF_OTHERS, "index"})
"""Names in a body that say the table; all others are options."""


def as_rows_or_columns(document: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Any]:
    """Return the table of a body as `rows`, or as `columns` and `data`.

    Args:
        document: The body.
        names: The columns of the model, for lists without names.

    Raises:
        InvalidInputError: There are several tables, or one is not of its shape.
    """
    found = [key for key in _OF_OTHERS if document.get(key) is not None]
    if not found:
        return document
    own = [key for key in _OWN if document.get(key) is not None]
    if len(found) + bool(own) > 1:
        raise InvalidInputError(f"Send the table once, not as {listed([*found, *own])}.")
    (key,) = found
    table = document[key]
    if key == "dataframe_split":
        if not isinstance(table, dict) or not table.keys() >= {"columns", "data"}:
            raise InvalidInputError(
                "`dataframe_split` must be an object with `columns` and `data`."
            )
        return {"columns": table["columns"], "data": table["data"]}
    if key == "inputs" and isinstance(table, dict):
        return _by_column(table)
    if isinstance(table, list | SlicedRows) and len(table) and isinstance(table[0], list):
        return {"columns": list(names), "data": table}
    return {"rows": table}


def _by_column(table: dict[str, Any]) -> Mapping[str, Any]:
    columns = list(table.values())
    if not all(isinstance(column, list) for column in columns):
        raise InvalidInputError("`inputs` must be a list of rows, or have one list a column.")
    if len(set(map(len, columns))) > 1:
        raise InvalidInputError("The columns of `inputs` are not all of one length.")
    return {"columns": list(table), "data": [list(row) for row in zip(*columns, strict=True)]}
