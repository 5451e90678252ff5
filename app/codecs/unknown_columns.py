"""Errors for columns that the model does not know."""

from collections.abc import Sequence
from itertools import islice

from madeira.models.echo import MAX_HINTS, did_you_mean, listed
from madeira.models.errors import CellError

__all__ = ["unknown_columns"]


def unknown_columns(places: Sequence[tuple[int | None, str]], known: set[str]) -> list[CellError]:
    """Errors for unknown columns; only the first few say which column was probably meant.

    Args:
        places: Row, None for the whole table, and name of each.
        known: Names of the columns that there are.
    """
    distinct = dict.fromkeys(name for _, name in places)
    hints = {name: did_you_mean(name, known) for name in islice(distinct, MAX_HINTS)}
    otherwise = f"; known: {listed(sorted(known))}"
    return [
        CellError(
            row, name, "unknown column" + (f".{hints[name]}" if hints.get(name) else otherwise)
        )
        for row, name in places
    ]
