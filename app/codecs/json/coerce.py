"""Coerces JSON cells of another type than their column has, or refuses them.

A text in digits is a number, 0 and 1 are false and true, and any number or truth is a text. Lists,
objects and other texts in a column of numbers are refused.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

from madeira.app.codecs.json.text import kind_of
from madeira.app.errors import CELL_ERRORS_LIMIT
from madeira.models.errors import CellError, TableError
from madeira.models.values.arrow_types import Family
from madeira.models.values.number_text import NUMBER

__all__ = ["coerce_cells"]

MAX_NUMBER_TEXT = 400
"""Most characters of a text that is read as a number: the longest that a float has are some 330."""

MAX_FLOAT_DIGITS = 15
"""Numbers of so many digits are floats that differ."""

_NUMBER = re.compile(rf"\s*{NUMBER}\s*", re.ASCII)
_TRUTHS = {"true": True, "false": False, "1": True, "0": False}


class _NotOfFamilyError(Exception):
    """A cell does not say a value of the family."""


def coerce_cells(name: str, values: Sequence[Any], kind: Family) -> list[Any]:
    """Return the cells of a column as values of its family.

    True and false in a column of numbers are left, if all cells are such: only a column with a
    set of values knows whether 1 and 0 are among them.

    Args:
        name: Name of the column.
        values: Cells as JSON has them, (rows,).
        kind: What the column holds.

    Raises:
        TableError: Names each cell that does not say such a value, NaN and infinity included.
    """
    if kind is Family.NUMBER and set(map(type, values)) <= {bool, type(None)}:
        return list(values)
    wrong: list[CellError] = []
    cells = []
    for row, value in enumerate(values):
        try:
            cells.append(None if value is None else _coerced(value, kind))
        except _NotOfFamilyError as error:
            wrong.append(CellError(row, name, str(error)))
            if len(wrong) >= CELL_ERRORS_LIMIT:
                break
    if wrong:
        raise TableError(wrong)
    return cells


def _coerced(value: object, kind: Family) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        if kind in (Family.NUMBER, Family.DURATION):
            raise _NotOfFamilyError(f"expected a finite number, got {value}; use null for missing")
        raise _not_of_family(value, kind)
    match kind, value:
        case ((Family.NUMBER | Family.DURATION), bool()):
            raise _not_of_family(value, kind)
        case ((Family.NUMBER | Family.DURATION), int() | float()) | (
            (Family.TEXT | Family.INSTANT | Family.TIME),
            str(),
        ):
            return value
        case ((Family.NUMBER | Family.DURATION), str()) if _is_number(value):
            # A float has no more digits: the text is read with all of its own.
            return float(value) if len(value) <= MAX_FLOAT_DIGITS else value.strip()
        case Family.BOOLEAN, bool() | int() | float() | str() if _as_text(value) in _TRUTHS:
            return _TRUTHS[_as_text(value)]
        case Family.TEXT, bool() | int() | float():
            return _as_text(value)
        case _:
            raise _not_of_family(value, kind)


def _not_of_family(value: object, kind: Family) -> _NotOfFamilyError:
    return _NotOfFamilyError(f"expected {kind}, got {kind_of(value)}")


def _is_number(text: str) -> bool:
    """Whether a text says a number that a float can hold."""
    short = len(text) <= MAX_NUMBER_TEXT
    return short and bool(_NUMBER.fullmatch(text)) and math.isfinite(float(text))


def _as_text(value: object) -> str:
    """Return a number, a truth or a text as text: 5 and 5.0 alike."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip().lower() if isinstance(value, bool | str) else str(value)
