"""Datetime columns: dates and time stamps, on the resolution of the column.

A column of dates stands on days, one of readings every quarter of an hour on these, and so does
what is drawn. With a time zone the clock of the zone counts where all values are midnights of it.
Times of day and durations are the same on other types.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.arrays import Float64
from madeira.models.columns.continuous import Continuous
from madeira.models.columns.integer import Integer
from madeira.models.values.arrow_types import Family
from madeira.models.values.grid import Grid
from madeira.models.values.json_record import Record
from madeira.models.values.numbers import from_numbers, to_numbers
from madeira.models.values.ticks import DAY
from madeira.models.values.vocabulary import Value

__all__ = ["ContinuousDatetime", "Datetime", "Duration", "Time"]

_DAY = Fraction(DAY)
_USUAL_STEPS_S = (_DAY, *(Fraction(step) for step in ("3600", "60", "1", "1e-3", "1e-6", "1e-9")))
_MIN_DISTINCT = 30  # fewer values share a step by chance


@dataclass(frozen=True)
class _Timed(Integer):
    """A column of times: an integer column that counts steps of some seconds."""

    @classmethod
    def grid_of(cls, values: pa.Array) -> Grid:
        """Return the grid of times; few of them stand on days, hours, minutes or seconds."""
        grid = Grid.of_ticks(values)
        if len(pc.unique(values)) >= _MIN_DISTINCT:
            return grid
        step = Fraction(grid.step, grid.denominator)
        return grid.with_step(next((unit for unit in _USUAL_STEPS_S if step % unit == 0), step))

    def describe(self) -> dict[str, Any]:
        """Describe the column; the unit of its resolution is added."""
        return super().describe() | {"unit": "s"}


@dataclass(frozen=True)
class Datetime(_Timed):
    """A column of instants.

    Attributes:
        local_clock: Whether the values are midnights of their time zone, not of UTC.
    """

    kind: ClassVar[str] = "datetime"
    families: ClassVar[tuple[Family, ...]] = (Family.INSTANT,)
    local_clock: bool = field(default=False, kw_only=True)

    @classmethod
    def fit(cls, name: str, array: pa.ChunkedArray | pa.Array) -> Self:
        """Learn resolution, range, atoms and transform; see `Column.fit`."""
        arrow_type, values, notation = cls.read(name, array)
        grid, zone = cls.grid_of(values), getattr(values.type, "tz", None)
        if zone is not None and not grid.holds(_DAY):
            clocks = pc.local_timestamp(values)
            local_grid = cls.grid_of(clocks)
            if local_grid.holds(_DAY) and _zoned(clocks, zone).equals(values):
                return cls._on(local_grid, name, arrow_type, values, notation, local_clock=True)
        return cls._on(grid, name, arrow_type, values, notation)

    def codes(self, values: Float64) -> Float64:
        """Return the places of the nearest grid points; see `Numeric.codes`."""
        if not self.local_clock:
            return super().codes(values)
        return self._codes_of(from_numbers(values, self.number_type))

    def values_of(self, codes: Float64) -> Float64:
        """Return the nearest grid points, in seconds of UTC; see `Numeric.values_of`."""
        if not self.local_clock:
            return super().values_of(codes)
        return to_numbers(self.name, self._numbers_of(codes), self.number_type)

    def _codes_of(self, numbers: pa.Array) -> Float64:
        return super()._codes_of(pc.local_timestamp(numbers) if self.local_clock else numbers)

    def _numbers_of(self, codes: Float64) -> pa.Array:
        if not self.local_clock:
            return super()._numbers_of(codes)
        kind = self.number_type
        clocks = self.grid.numbers(codes, pa.timestamp(kind.unit))
        return _zoned(clocks, kind.tz)

    def learned(self) -> dict[str, Any]:
        """Return the fields of integer columns, and whether the local clock counts."""
        return super().learned() | ({"local_clock": True} if self.local_clock else {})

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Read what `to_json` wrote; see `Column.from_json`."""
        column = super().from_json(record)
        local = record.fields.get("local_clock", False)
        if not isinstance(local, bool) or (local and getattr(column.number_type, "tz", "") is None):
            raise record.wrong("local_clock", "true where the column has a time zone, or false")
        return replace(column, local_clock=local)


@dataclass(frozen=True)
class Time(_Timed):
    """A column of times of day, in seconds since midnight."""

    kind: ClassVar[str] = "time"
    families: ClassVar[tuple[Family, ...]] = (Family.TIME,)


@dataclass(frozen=True)
class Duration(_Timed):
    """A column of durations, in seconds."""

    kind: ClassVar[str] = "duration"
    families: ClassVar[tuple[Family, ...]] = (Family.DURATION,)


class ContinuousDatetime(Continuous):
    """A column of instants as densities per second, as models had them before resolutions."""

    kind: ClassVar[str] = "datetime"
    families: ClassVar[tuple[Family, ...]] = (Family.INSTANT,)

    def describe(self) -> dict[str, Any]:
        """Describe the column; the unit of its density is added."""
        return super().describe() | {"unit": "s"}

    def _example(self) -> Value:
        return self._to_json(round(self.shift))


def _zoned(clocks: pa.Array, zone: str) -> pa.Array:
    """Return the instants at which the clocks of a zone show these times, (rows,)."""
    return pc.assume_timezone(clocks, zone, ambiguous="earliest", nonexistent="latest")
