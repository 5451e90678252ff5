"""Grids: the regular resolution that the values of a column stand on.

Whole numbers, half points, cents, hundreds: the values origin + k * step for whole k. Both are
kept as whole multiples of one fraction, so that 0.07 comes back as 0.07 and not as
0.07000000000000001.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from madeira.models.arrays import Bool, Float64
from madeira.models.values.row_encoder import CellEncoder, UnsupportedCellError, exact_float
from madeira.models.values.ticks import (
    MAX_EXACT,
    Ticks,
    from_ticks,
    quotients,
    ticks_of,
    ticks_per_unit,
)

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
    def find(cls, values: pa.Array) -> Self | None:
        """Return the coarsest grid that holds all values, if there is one.

        Types that count, such as whole numbers, decimals and time stamps, have one: that of their
        ticks. For floats fractions are looked for up to six decimals. A float that holds them must
        be able to tell apart 64 points for every one on the grid; otherwise what looks like a grid
        may be its own resolution.

        Args:
            values: Numbers or times, (rows,), at least one, none of them null.
        """
        if ticks_per_unit(values.type) is None:
            return cls._of_floats(np.unique(values.to_numpy()))
        return cls.of_ticks(values)

    @classmethod
    def of_ticks(cls, values: pa.Array) -> Self:
        """Return the coarsest grid that holds values of a type that counts; see `find`."""
        distinct, per_unit = np.unique(ticks_of(values)), _per_unit(values.type)
        if int(distinct[-1]) - int(distinct[0]) >= 2**62:
            distinct = distinct.astype(object)
        return cls._through(distinct * per_unit.denominator, per_unit.numerator)

    @classmethod
    def _of_floats(cls, distinct: npt.NDArray[Any]) -> Self | None:
        numbers = distinct.astype(np.float64)
        largest = float(np.abs(numbers).max())
        for decimals in range(_MAX_DECIMALS + 1):
            denominator = 10**decimals
            if largest * denominator >= MAX_EXACT:
                return None
            numerators = np.rint(numbers * denominator)
            if not ((numerators / denominator).astype(distinct.dtype) == distinct).all():
                continue
            spacing = float(np.spacing(np.abs(distinct).max()))
            if decimals and _MIN_ULPS * spacing * denominator > 1:
                return None
            return cls._through(numerators.astype(np.int64), denominator)
        return None

    @classmethod
    def of(cls, origin: float | str, resolution: float | str) -> Self:
        """Return the grid of a point and a distance as a person writes them.

        Args:
            origin: A point of the grid; as text where a float lacks digits for it.
            resolution: Distance of neighbours; > 0.
        """
        start, step = Fraction(str(origin)), Fraction(str(resolution))
        denominator = math.lcm(start.denominator, step.denominator)
        return cls(int(start * denominator), int(step * denominator), denominator)

    @classmethod
    def _through(cls, numerators: Ticks, denominator: int) -> Self:
        """Return the coarsest grid through numerators, (points,), in rising order."""
        step = int(np.gcd.reduce(np.diff(numerators))) if len(numerators) > 1 else denominator
        middle = int(numerators[len(numerators) // 2])
        shared = math.gcd(middle, step, denominator)
        return cls(middle // shared, step // shared, denominator // shared)

    @property
    def resolution(self) -> float:
        """Distance of neighbours."""
        return self.step / self.denominator

    @property
    def resolution_as_written(self) -> float | str:
        """Distance of neighbours as a person writes it, nothing rounded."""
        return _written(self.step, self.denominator)

    @property
    def origin_as_written(self) -> float | str:
        """The point k = 0 as a person writes it, nothing rounded."""
        return _written(self.origin, self.denominator)

    def codes(self, values: Float64) -> Float64:
        """Return k of the nearest points, (rows,) float64, NaN where NaN."""
        with np.errstate(over="ignore"):
            places = (values * self.denominator - self.origin) / self.step
            fine = np.abs(values) * self.denominator >= MAX_EXACT
        if fine.any():  # floats cannot count the steps: the digits that a person reads can
            places[fine] = [self._place(value) for value in values[fine].tolist()]
        return np.rint(np.clip(places, -_MAX_PLACE, _MAX_PLACE))

    def _place(self, value: float) -> float:
        place = (Fraction(repr(value)) * self.denominator - self.origin) / self.step
        return float(min(max(round(place), -int(_MAX_PLACE)), int(_MAX_PLACE)))

    def codes_of(self, values: pa.Array) -> Float64:
        """Return k of the points nearest to Arrow values, (rows,) float64, NaN where null.

        Args:
            values: Numbers or times, (rows,), finite.
        """
        per_unit = ticks_per_unit(values.type)
        missing = ~values.is_valid().to_numpy(zero_copy_only=False)
        if per_unit is None:
            codes = self.codes(values.to_numpy(zero_copy_only=False).astype(np.float64))
        else:
            factor = self.denominator * per_unit.denominator
            divisor, shift = self.step * per_unit.numerator, self.origin * per_unit.numerator
            shared = math.gcd(factor, shift, divisor)
            places = quotients(
                ticks_of(values), factor // shared, shift // shared, divisor // shared
            )
            codes = np.clip(places.astype(np.float64), -_MAX_PLACE, _MAX_PLACE)
        codes[missing] = np.nan
        return codes

    def numbers(self, codes: Float64, arrow_type: pa.DataType) -> pa.Array:
        """Return the points of k as values of a type that counts, (rows,), null where NaN.

        Args:
            codes: k, (rows,).
            arrow_type: Type of the result; its ticks are rounded to.
        """
        per_unit, missing = _per_unit(arrow_type), np.isnan(codes)
        places: Ticks = np.rint(np.where(missing, 0.0, codes))
        if len(places) and np.abs(places).max() >= MAX_EXACT:
            places = np.array([int(place) for place in places.tolist()], object)
        else:
            places = places.astype(np.int64)
        factor, divisor = self.step * per_unit.numerator, self.denominator * per_unit.denominator
        shift = -self.origin * per_unit.numerator
        shared = math.gcd(factor, shift, divisor)
        ticks = quotients(places, factor // shared, shift // shared, divisor // shared)
        return from_ticks(ticks, missing, arrow_type)

    def with_step(self, step: Fraction) -> Self:
        """Return the grid through the same points with another distance of neighbours."""
        denominator = math.lcm(self.denominator, step.denominator)
        origin = self.origin * (denominator // self.denominator)
        return type(self)(origin, int(step * denominator), denominator)

    def holds(self, step: Fraction) -> bool:
        """Whether all points are whole multiples of a step."""
        return Fraction(math.gcd(self.origin, self.step), self.denominator) % step == 0

    def is_place(self, codes: Float64) -> Bool:
        """Return which numbers are k of a point, (rows,); NaN is none."""
        with np.errstate(invalid="ignore"):
            found: Bool = (np.abs(codes) <= _MAX_PLACE) & (codes == np.rint(codes))
            return found

    def encoder(self) -> CellEncoder:
        """Return the encoder of one number: k of the nearest point, as `codes`."""
        origin, step, denominator = map(float, (self.origin, self.step, self.denominator))

        def read(value: object) -> float:
            number = exact_float(value)
            if abs(number) * denominator >= MAX_EXACT:
                raise UnsupportedCellError
            place = (number * denominator - origin) / step
            return float(min(max(round(place), -int(_MAX_PLACE)), int(_MAX_PLACE)))

        return read

    def values(self, codes: Float64) -> Float64:
        """Return the points nearest to k, (rows,) float64, NaN where NaN."""
        return (self.origin + np.rint(codes) * self.step) / self.denominator


def _written(numerator: int, denominator: int) -> float | str:
    """Return a fraction as a number, or as text where no float has all of its digits."""
    if denominator == 1:
        return numerator
    number = numerator / denominator
    if Fraction(repr(number)) == Fraction(numerator, denominator):
        return number
    return str(Fraction(numerator, denominator))


def _per_unit(arrow_type: pa.DataType) -> Fraction:
    per_unit = ticks_per_unit(arrow_type)
    if per_unit is None:
        raise TypeError(f"{arrow_type} does not count ticks")
    return per_unit
