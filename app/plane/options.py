"""The options of a request: from its query, and from its body where that is JSON.

Both places are read alike for every format. An option may stand in both, if it says the same in
both.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import orjson

from madeira.app.errors import InvalidInputError
from madeira.app.schemas.base import Options

__all__ = ["read_options"]

SHOWN_CHARACTERS = 60

OptionsT = TypeVar("OptionsT", bound=Options)


def read_options(
    query: Sequence[tuple[str, str]], body: Mapping[str, Any], options: type[OptionsT]
) -> OptionsT:
    """Check the options of a request.

    Args:
        query: The query, in the order in which it was sent.
        body: The options in the body; null is as if it were not there.
        options: Those that the endpoint knows.

    Raises:
        InvalidInputError: An option is unknown, its value is not one it can take, or the query
            and the body contradict each other.
    """
    if not query:
        return options.read(body)
    found = _from_query(query, options)
    for name, value in body.items():
        if value is None:
            found.setdefault(name)
            continue
        if name in found and not _same(found[name], value, name in options.text_options()):
            raise InvalidInputError(
                f"`{name}` is {_shown(value)} in the body and {_shown(found[name])} in the query; "
                "send it once."
            )
        found[name] = value
    return options.read(found)


def _from_query(query: Sequence[tuple[str, str]], options: type[Options]) -> dict[str, Any]:
    """Return the options of a query; values that are not text are read as JSON if they are JSON.

    Raises:
        InvalidInputError: An option is given twice, or is null.
    """
    found: dict[str, Any] = {}
    for name, text in query:
        if name in found:
            raise InvalidInputError(f"`{name[:100]}` is given more than once in the query.")
        value = text if name in options.text_options() else _value(text)
        if value is None:
            raise InvalidInputError(f"`{name[:100]}` is null in the query; leave it out instead.")
        found[name] = value
    return found


def _value(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _same(query: object, body: object, text: bool) -> bool:
    """Whether two values say the same; true is not 1, but version 1 is version "1"."""
    if text and not isinstance(body, bool):
        return query == str(body)
    return isinstance(query, bool) == isinstance(body, bool) and query == body


def _shown(value: object) -> str:
    shown = repr(value) if isinstance(value, str) else orjson.dumps(value).decode()
    return shown if len(shown) <= SHOWN_CHARACTERS else shown[: SHOWN_CHARACTERS - 3] + "..."
