"""Columns that nobody knows."""

from collections.abc import Sequence
from itertools import islice

from madeira.models.echo import MAX_HINTS, did_you_mean, listed
from madeira.models.errors import CellError

__all__ = ["strangers"]


def strangers(places: Sequence[tuple[int | None, str]], known: set[str]) -> list[CellError]:
    """Errors for unknown columns; looking for what was meant takes long, so not for all of them."""
    distinct = dict.fromkeys(name for _, name in places)
    hints = {name: did_you_mean(name, known) for name in islice(distinct, MAX_HINTS)}
    otherwise = f"; known: {listed(sorted(known))}"
    return [
        CellError(
            row, name, "unknown column" + (f".{hints[name]}" if hints.get(name) else otherwise)
        )
        for row, name in places
    ]
