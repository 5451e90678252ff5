"""Tables in the forms of other services and libraries: what to send instead."""

from collections.abc import Mapping
from typing import Any

__all__ = ["instead_of"]

_BESIDE = "options stand beside `rows`, not in an object of their own"
_INSTEAD = {
    "records": "send its list of objects as `rows`",
    "schema": "leave it out, and send the objects of `data` as `rows`",
    "parameters": _BESIDE,
    "params": _BESIDE,
    "options": _BESIDE,
}


def instead_of(document: Mapping[str, Any]) -> str | None:
    """One sentence for a body that is a table in a form that is not read.

    Args:
        document: The body, of whose names some are not known.

    Returns:
        None where nothing is recognised.
    """
    for name, instead in _INSTEAD.items():
        if name in document:
            return f"`{name}` is not read: {instead}."
    if document.get("rows") is None and document.get("data") is None:
        values = [value for value in document.values() if value is not None]
        if values and all(_is_column(value) for value in values):
            return (
                "The body looks like a table by column: send one object a row, "
                '{"rows": [{"column": value}]}.'
            )
        if values and all(isinstance(value, dict) for value in values):
            return (
                "The body looks like a table by column or by index, as pandas writes it: send "
                'the list that `orient="records"` writes as `rows`.'
            )
        if "columns" not in document and not any(isinstance(v, list | dict) for v in values):
            return (
                "The table is missing, and the body has names that are no options: if it is a "
                'row, send it as {"rows": [{"column": value}]}.'
            )
    return None


def _is_column(value: object) -> bool:
    return isinstance(value, list) and not (value and isinstance(value[0], dict))
