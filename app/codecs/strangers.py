"""Columns that nobody knows."""

from collections.abc import Sequence
from itertools import islice

from app.errors import did_you_mean
from models.errors import CellError

__all__ = ["strangers"]

HINTS_LIMIT = 5


def strangers(places: Sequence[tuple[int | None, str]], known: set[str]) -> list[CellError]:
    """Errors for unknown columns; looking for what was meant takes long, so not for all of them."""
    distinct = dict.fromkeys(name for _, name in places)
    hints = {name: did_you_mean(name, known) for name in islice(distinct, HINTS_LIMIT)}
    otherwise = f"; known: {_listed(sorted(known))}"
    return [
        CellError(
            row, name, "unknown column" + (f".{hints[name]}" if hints.get(name) else otherwise)
        )
        for row, name in places
    ]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:20])
    return shown if len(names) <= 20 else f"{shown}, ... ({len(names)} in all)"
