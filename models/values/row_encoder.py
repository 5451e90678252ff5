"""Encoder of a few JSON rows, cell by cell, without Arrow.

Arrow takes most of a millisecond to look at one row of twenty columns, more than the model takes
to score it. Dictionary look-ups and arithmetic take hundredths of that. Every column therefore
gives an encoder for cells of its own JSON type. All other cells are left to `Schema.encode`, which
accepts more, and names what is wrong.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from madeira.models.arrays import Float64
from madeira.models.values.ticks import MAX_EXACT

__all__ = ["CellEncoder", "RowEncoder", "UnsupportedCellError", "exact_float", "of_type"]

CellEncoder = Callable[[Any], float]
"""The code of a cell; raises `UnsupportedCellError` or LookupError where it cannot say."""


class UnsupportedCellError(Exception):
    """A cell is not of the JSON type of its column: `Schema.encode` has to look at it."""


def exact_float(value: object) -> float:
    """Return a finite number that a float holds exactly.

    Raises:
        UnsupportedCellError: The value is none.
    """
    if type(value) is float:
        if math.isfinite(value):
            return value
    elif type(value) is int and -MAX_EXACT <= value <= MAX_EXACT:
        return float(value)
    raise UnsupportedCellError


def of_type(kind: type[Hashable]) -> Callable[[object], Hashable]:
    """Return a check that gives back values of one type and refuses all others."""

    def check(value: object) -> Hashable:
        if type(value) is kind:
            return value
        raise UnsupportedCellError

    return check


@dataclass(frozen=True, slots=True)
class RowEncoder:
    """Encoder of rows whose cells are of their columns' JSON types.

    Attributes:
        places: Place of each column by name, and what reads its cells; None for columns that are
            left out.
        nulls: The code of null by column, NaN where it means that the cell is missing, (D,).
    """

    places: Mapping[str, tuple[int, CellEncoder] | None]
    nulls: Sequence[float]

    def encode(self, rows: Sequence[Mapping[str, Any]]) -> Float64 | None:
        """Turn rows into codes.

        Args:
            rows: Values by name of column; a name that is not there is missing, and so is None
                but where that is a value of the column.

        Returns:
            What `Schema.encode` gives for them, (rows, D); None where a cell is of another type.
        """
        places = self.places
        nothing, nulls = [math.nan] * len(self.nulls), self.nulls
        codes = []
        try:
            for row in rows:
                target = nothing.copy()
                codes.append(target)
                for name, value in row.items():
                    place = places[name]
                    if place is not None:
                        here, read = place
                        target[here] = nulls[here] if value is None else read(value)
        except (UnsupportedCellError, LookupError):
            return None
        return np.array(codes, np.float64).reshape(len(rows), len(nulls))
