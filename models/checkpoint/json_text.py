"""JSON files of a checkpoint, read within bounds, so that their values can be sent on."""

import json
import math
from typing import Any

from madeira.models.echo import escaped
from madeira.models.errors import CheckpointError

__all__ = ["MAX_DEPTH", "parse_object", "to_json_bytes"]

MAX_DEPTH = 32
"""How deep lists and objects may be nested."""

_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**64 - 1


def parse_object(name: str, content: bytes) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Args:
        name: Of the file, for errors.
        content: Of the file.

    Raises:
        CheckpointError: It is not JSON, not an object, or holds what not every reader of JSON
            can take: whole numbers of more than 64 bits, NaN, halves of a surrogate pair.
    """
    try:
        parsed = json.loads(content)
    except RecursionError as error:
        raise CheckpointError(f"{name} is nested more than {MAX_DEPTH} deep") from error
    except ValueError as error:
        raise CheckpointError(f"{name} is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise CheckpointError(f"{name} is not a JSON object")
    _check_plain(name, parsed)
    return parsed


def to_json_bytes(value: object) -> bytes:
    """Write a value as a JSON file of a checkpoint: readable, and equal for equal values."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def _check_plain(name: str, value: object) -> None:
    """Check everything that a parsed file holds.

    Raises:
        CheckpointError: A value is nested too deep, or outside what the files may hold.
    """
    waiting = [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise CheckpointError(f"{name} is nested more than {MAX_DEPTH} deep")
        if isinstance(one, str):
            if not _is_text(one):
                raise CheckpointError(f"{name} holds half of a surrogate pair: {escaped(one, 80)}")
        elif isinstance(one, int):
            if not _MIN_INTEGER <= one <= _MAX_INTEGER:
                raise CheckpointError(f"{name} holds a whole number of more than 64 bits")
        elif isinstance(one, float):
            if not math.isfinite(one):
                raise CheckpointError(f"{name} holds a number that is not finite: {one}")
        elif isinstance(one, list):
            waiting += [(part, depth + 1) for part in one]
        elif isinstance(one, dict):
            waiting += [(part, depth + 1) for pair in one.items() for part in pair]


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
