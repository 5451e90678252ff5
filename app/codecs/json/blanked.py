"""Rows of a JSON body in which some cells are taken as missing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

__all__ = ["BlankedRows"]


@dataclass(frozen=True, slots=True)
class BlankedRows(Sequence[Any]):
    """Rows, each an object or a list; those with a cell to be missing are copied when asked for.

    Attributes:
        rows: The rows as they were sent.
        keys: By row, the names or places of the cells that are missing.
    """

    rows: Sequence[Any]
    keys: Mapping[int, Sequence[str | int]]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Any]:
        for place, row in enumerate(self.rows):
            yield self._blanked(place, row)

    @overload
    def __getitem__(self, place: int) -> Any: ...  # noqa: ANN401 - any JSON value
    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...
    def __getitem__(self, place: int | slice) -> Any:
        """Return one row, or a list of those from one place to another."""
        if isinstance(place, int):
            return self._blanked(place, self.rows[place])
        start, stop, _ = place.indices(len(self))
        found = self.rows[start:stop]
        return [self._blanked(start + number, row) for number, row in enumerate(found)]

    def _blanked(self, place: int, row: Any) -> Any:  # noqa: ANN401 - a row of JSON
        if place not in self.keys:
            return row
        copied = row.copy()
        for key in self.keys[place]:
            copied[key] = None
        return copied
