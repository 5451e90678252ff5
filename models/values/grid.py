"""Grids: the regular resolution that the values of a column stand on.

Whole numbers, half points, cents, hundreds: the values origin + k * step for whole k. Both are
kept as whole multiples of one fraction, so that 0.07 comes back as 0.07 and not as
0.07000000000000001.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np
import pyarrow as pa

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.values.arrow_types import is_integer, value_type
from madeira.models.values.numbers import MAX_EXACT
from madeira.models.values.row_encoder import CellEncoder, exact_float

__all__ = ["Grid"]

_MAX_DECIMALS = 6
_MIN_ULPS = 64
_MAX_PLACE = 2.0**100  # steps; what lies beyond counts as here: codes fit into float32


@dataclass(frozen=True)
class Grid:
    """The points (origin + k * step) / denominator for whole k.

    Attributes:
        origin: Numerator of the point k = 0, amid the training values.
        step: Numerator of the distance of neighbours; > 0.
        denominator: What both are divided by; > 0.
    """

    origin: int
    step: int
    denominator: int

    @classmethod
    def find(cls, values: Float64, arrow_type: pa.DataType) -> Self | None:
        """Return the coarsest grid that holds all values, if there is one.

        Fractions are looked for up to six decimals. A float that holds them must be able to tell
        apart 64 points for every one on the grid; otherwise what looks like a grid may be
        its own resolution.

        Args:
            values: Numbers without NaN, (rows,), at least one.
            arrow_type: What they came as.
        """
        distinct = np.unique(values)
        largest = float(np.abs(distinct).max())
        for decimals in range(_MAX_DECIMALS + 1):
            denominator = 10**decimals
            if largest * denominator >= MAX_EXACT:
                wide = is_integer(arrow_type)  # float64 cannot tell its whole numbers apart
                return cls(int(distinct[len(distinct) // 2]), 1, 1) if wide else None
            numerators = np.rint(distinct * denominator)
            if not _same(numerators / denominator, distinct, arrow_type):
                continue
            if decimals and _MIN_ULPS * _spacing(largest, arrow_type) * denominator > 1:
                return None
            return cls._through(numerators.astype(np.int64), denominator)
        return None

    @classmethod
    def of(cls, origin: float, resolution: float) -> Self:
        """Return the grid of a point and a distance as a person writes them.

        Args:
            origin: A point of the grid.
            resolution: Distance of neighbours; > 0.
        """
        start, step = Fraction(str(origin)), Fraction(str(resolution))
        denominator = math.lcm(start.denominator, step.denominator)
        return cls(int(start * denominator), int(step * denominator), denominator)

    @classmethod
    def _through(cls, numerators: Int64, denominator: int) -> Self:
        """Return the coarsest grid through numerators, (points,), in rising order."""
        step = int(np.gcd.reduce(np.diff(numerators))) if len(numerators) > 1 else denominator
        middle = int(numerators[len(numerators) // 2])
        shared = math.gcd(middle, step, denominator)
        return cls(middle // shared, step // shared, denominator // shared)

    @property
    def resolution(self) -> float:
        """Distance of neighbours."""
        return self.step / self.denominator

    def codes(self, values: Float64) -> Float64:
        """Return k of the nearest points, (rows,) float64, NaN where NaN."""
        with np.errstate(over="ignore"):
            places = (values * self.denominator - self.origin) / self.step
        return np.rint(np.clip(places, -_MAX_PLACE, _MAX_PLACE))

    def is_place(self, codes: Float64) -> Bool:
        """Return which numbers are k of a point, (rows,); NaN is none."""
        with np.errstate(invalid="ignore"):
            found: Bool = (np.abs(codes) <= _MAX_PLACE) & (codes == np.rint(codes))
            return found

    def encoder(self) -> CellEncoder:
        """Return the encoder of one number: k of the nearest point, as `codes`."""
        origin, step, denominator = map(float, (self.origin, self.step, self.denominator))

        def read(value: object) -> float:
            place = (exact_float(value) * denominator - origin) / step
            return float(round(min(max(place, -_MAX_PLACE), _MAX_PLACE)))

        return read

    def values(self, codes: Float64) -> Float64:
        """Return the points nearest to k, (rows,) float64, NaN where NaN."""
        return (self.origin + np.rint(codes) * self.step) / self.denominator


def _same(candidates: Float64, values: Float64, arrow_type: pa.DataType) -> bool:
    """Whether candidates are the values once they are of the column's type."""
    dtype = _dtype(arrow_type)
    return bool((candidates.astype(dtype) == values.astype(dtype)).all())


def _spacing(largest: float, arrow_type: pa.DataType) -> float:
    """Return the distance of the largest value to the next number of its type."""
    return float(np.spacing(np.array(largest, _dtype(arrow_type))))


def _dtype(arrow_type: pa.DataType) -> type[np.floating]:
    """Return the floats that hold the values of a type."""
    plain = value_type(arrow_type)
    if not pa.types.is_floating(plain):
        return np.float64
    dtype: type[np.floating] = plain.to_pandas_dtype()
    return dtype
