r"""Integer columns: a probability mass on the column's own resolution.

The values are the points of a grid: whole numbers, half points, cents. The code of a value is
its place k on the grid, and its mass that of the cell around it,

    f_m(k) = F((T(k + 1/2) - mu_m) / s_m) - F((T(k - 1/2) - mu_m) / s_m),    F = sigmoid

after Salimans, Karpathy, Chen, Kingma, PixelCNN++, ICLR 2017. The cells telescope,
so the masses of all points, atoms included, sum to 1. A value between two points counts as the
nearer one. See `madeira.models.columns.numeric`.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from torch.nn import functional

from madeira.models.arrays import Bool, Float64
from madeira.models.columns.atoms import find_atoms
from madeira.models.columns.base import Head
from madeira.models.columns.mixture import COMPONENTS
from madeira.models.columns.numeric import Numeric
from madeira.models.columns.numeric_head import MAX_POINT, NumericHead
from madeira.models.columns.transform import IDENTITY, Transform, log_slope, transform
from madeira.models.echo import quoted
from madeira.models.errors import SchemaError
from madeira.models.values.arrow_types import Family
from madeira.models.values.grid import Grid
from madeira.models.values.json_record import Record
from madeira.models.values.notation.notation import Notation
from madeira.models.values.numbers import to_numbers
from madeira.models.values.row_encoder import CellEncoder
from madeira.models.values.ticks import ticks_per_unit
from madeira.models.values.vocabulary import Value

__all__ = ["MAX_CODE", "MIN_SLOPE", "Integer", "IntegerHead"]

# Ends of a cell that are too close, or lie too far out, cannot be subtracted: its width is the
# slope of T there.
MIN_SLOPE = 1e-7
MAX_CODE = 2.0**30


class IntegerHead(NumericHead):
    """Conditionals of n integer columns: masses throughout."""

    _atoms_alone = False

    def _log_smooth(self, codes: Tensor, means: Tensor, log_scales: Tensor) -> Tensor:
        """Return log-masses of cells under the logistics; see `NumericHead`.

        sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b)): no two near numbers are
        subtracted, in either tail.
        """
        low = transform(codes - 0.5, self._transforms)
        high = transform(codes + 0.5, self._transforms)
        slopes = log_slope(codes, self._transforms).exp()
        rounded = (slopes < MIN_SLOPE) | (codes.abs() > MAX_CODE)
        widths = torch.where(rounded, slopes, high - low).to(means.dtype).unsqueeze(2)
        middles = ((low + high) / 2).clamp(-MAX_POINT, MAX_POINT).to(means.dtype).unsqueeze(2)
        sharpness = torch.exp(-log_scales)
        distances, halves = (middles - means) * sharpness, widths * sharpness / 2
        ends = functional.logsigmoid(halves + distances) + functional.logsigmoid(halves - distances)
        return ends + torch.log(-torch.expm1(-2 * halves))

    def _settle(self, codes: Tensor) -> Tensor:
        return codes.round()


@dataclass(frozen=True)
class Integer(Numeric):
    """A column of numbers on a grid.

    Attributes:
        grid: Its points; the code of a point is its place.
    """

    kind: ClassVar[str] = "integer"
    head_type: ClassVar[type[Head]] = IntegerHead
    families: ClassVar[tuple[Family, ...]] = (Family.NUMBER,)
    grid: Grid

    @property
    def cell(self) -> float:
        """One step of the grid; see `Numeric.cell`."""
        return 1.0

    @property
    def evaluation_key(self) -> Hashable:
        """Columns of masses with equally many logistics are evaluated together."""
        return ("integer", self.components)

    @classmethod
    def fit(cls, name: str, array: pa.ChunkedArray | pa.Array) -> Self:
        """Learn grid, range, atoms and transform; see `Column.fit`.

        Raises:
            SchemaError: The values share no resolution of up to six decimals.
        """
        arrow_type, values, notation = cls.read(name, array)
        grid = cls.grid_of(values)
        if grid is None:
            raise SchemaError(
                f"column {quoted(name)} cannot be integer: "
                "its values share no resolution of up to six decimals"
            )
        return cls._on(grid, name, arrow_type, values, notation)

    @classmethod
    def _on(
        cls,
        grid: Grid,
        name: str,
        arrow_type: pa.DataType,
        values: pa.Array,
        notation: Notation | None,
        **fields: Any,
    ) -> Self:
        """Learn range, atoms and transform from values on a grid, (rows,), none of them null."""
        known = to_numbers(name, values, values.type)
        ends = np.array([known.min(), known.max()])
        column = cls(
            *(name, arrow_type, *ends.tolist(), (), IDENTITY, COMPONENTS, grid),
            notation=notation,
            **fields,
        )
        codes = column._codes_of(values)
        if codes.min() < column.codes(ends)[0] or codes.max() > column.codes(ends)[1]:
            ends = np.nextafter(ends, [-np.inf, np.inf])  # floats are rougher than this grid
        spikes = find_atoms(codes, 1.0)
        smooth = codes[~np.isin(codes, spikes)]
        return replace(
            column,
            minimum=float(ends[0]),
            maximum=float(ends[1]),
            atoms=tuple(column.values_of(spikes).tolist()),
            transform=Transform.fit(smooth if smooth.size else codes, 1.0),
            one_hot=spikes.size > 0,
        )

    @classmethod
    def grid_of(cls, values: pa.Array) -> Grid | None:
        """Return the grid that training values, (rows,), none of them null, stand on, if any."""
        return Grid.find(values)

    def codes(self, values: Float64) -> Float64:
        """Return the places of the nearest grid points; see `Numeric.codes`."""
        return self.grid.codes(values)

    def _is_number(self, values: Float64) -> Bool:
        return self.grid.is_place(values)

    def _codes_of(self, numbers: pa.Array) -> Float64:
        if ticks_per_unit(numbers.type) is None:
            return super()._codes_of(numbers)
        return self.grid.codes_of(numbers)

    def _numbers_of(self, codes: Float64) -> pa.Array:
        if ticks_per_unit(self.number_type) is None:
            return super()._numbers_of(codes)
        return self.grid.numbers(codes, self.number_type)

    def _number_encoder(self) -> CellEncoder:
        return self.grid.encoder()

    def values_of(self, codes: Float64) -> Float64:
        """Return the nearest grid points; see `Numeric.values_of`."""
        return self.grid.values(codes)

    def learned(self) -> dict[str, Any]:
        """Return the fields of all numeric columns, the resolution and a point of the grid."""
        return super().learned() | {
            "resolution": self.grid.resolution_as_written,
            "origin": self.grid.origin_as_written,
        }

    def describe(self) -> dict[str, Any]:
        """Describe the column; its resolution is added."""
        return super().describe() | {"resolution": self.learned()["resolution"]}

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Read what `to_json` wrote; see `Column.from_json`."""
        fields = cls.recorded(record)
        origin, resolution = record.exact("origin"), record.exact("resolution", above=0)
        return cls(**fields, grid=Grid.of(origin, resolution))

    def _example(self) -> Value:
        return self._to_json(float(self.grid.values(np.zeros(1))[0]))
