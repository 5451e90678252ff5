r"""Continuous columns: a density on the standardised value, and atoms.

With z = (x - shift) / scale and the monotone transform T of z, the density in original units is

    f_m(x) = f((T(z) - mu_m) / s_m) / s_m * T'(z) / scale,    f(t) = sigmoid(t) sigmoid(-t)

A value that stands out in the training rows, an atom, has a mass instead: the measure is mixed,
and its density parts and masses together are 1. See `madeira.models.columns.numeric`.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
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
from madeira.models.columns.transform import Transform, log_slope, stack, transform, untransform
from madeira.models.values.arrow_types import Family, is_integer
from madeira.models.values.grid import Grid
from madeira.models.values.json_record import Record
from madeira.models.values.numbers import to_numbers
from madeira.models.values.row_encoder import CellEncoder, exact_float
from madeira.models.values.vocabulary import Value

__all__ = ["Continuous", "ContinuousHead"]


class ContinuousHead(NumericHead):
    """Conditionals of n continuous columns: densities, and masses of atoms."""

    _atoms_alone = True

    def __init__(self, columns: Sequence["Continuous"]) -> None:
        super().__init__(columns)
        units = [np.log(column.scale) for column in columns]
        self._log_units = torch.tensor(units, dtype=torch.float64)

    def _log_smooth(self, codes: Tensor, means: Tensor, log_scales: Tensor) -> Tensor:
        """Return log-densities of the logistics; see `NumericHead`."""
        points = transform(codes, self._transforms).clamp(-MAX_POINT, MAX_POINT)
        slopes = log_slope(codes, self._transforms) - self._log_units
        distances = (points.to(means.dtype).unsqueeze(2) - means) * torch.exp(-log_scales)
        # log f(t) = -t - 2 softplus(-t); even in t, exact in both tails.
        densities = -distances - 2 * functional.softplus(-distances) - log_scales
        return densities + slopes.to(means.dtype).unsqueeze(2)

    def _settle(self, codes: Tensor) -> Tensor:
        return codes.clamp(-MAX_POINT, MAX_POINT)


@dataclass(frozen=True)
class Continuous(Numeric):
    """A column of numbers on a continuum, standardised.

    Attributes:
        shift: About the mean of the training values, or 0, in original units.
        scale: A power of two about their standard deviation, in original units; > 0. So the code
            of each of them gives its very bits back.
    """

    kind: ClassVar[str] = "continuous"
    head_type: ClassVar[type[Head]] = ContinuousHead
    families: ClassVar[tuple[Family, ...]] = (Family.NUMBER,)
    shift: float
    scale: float

    @property
    def evaluation_key(self) -> Hashable:
        """Columns of densities with equally many logistics are evaluated together."""
        return ("continuous", self.components)

    @classmethod
    def fit(cls, name: str, array: pa.ChunkedArray | pa.Array) -> Self:
        """Learn mean, deviation, range, atoms and transform; see `Column.fit`."""
        arrow_type, values, notation = cls.read(name, array)
        known, grid = to_numbers(name, values, values.type), Grid.find(values)
        resolution = grid.resolution if grid else 0.0
        atoms = find_atoms(known, resolution)
        shift, scale = _exact_frame(known)
        smooth = known[~np.isin(known, atoms)]
        z = _scaled(smooth if smooth.size else known, shift, scale)
        return cls(
            name,
            arrow_type,
            float(known.min()),
            float(known.max()),
            tuple(atoms.tolist()),
            Transform.fit(z, resolution / scale),
            COMPONENTS,
            shift,
            scale,
            notation=notation,
            one_hot=atoms.size > 0,
        )

    def codes(self, values: Float64) -> Float64:
        """Return z, clipped to a million deviations; see `Numeric.codes`."""
        return _scaled(values, self.shift, self.scale)

    def _is_number(self, values: Float64) -> Bool:
        return np.abs(values) <= MAX_POINT

    def _number_encoder(self) -> CellEncoder:
        shift, scale = self.shift, self.scale

        def read(value: object) -> float:
            return min(max((exact_float(value) - shift) / scale, -MAX_POINT), MAX_POINT)

        return read

    def values_of(self, codes: Float64) -> Float64:
        """Return z * scale + shift, atoms as they are; see `Numeric.values_of`."""
        values = codes * self.scale + self.shift
        if self.atoms:
            atom_codes = self.atom_codes
            places = np.searchsorted(atom_codes, codes).clip(max=len(atom_codes) - 1)
            values = np.where(atom_codes[places] == codes, np.array(self.atoms)[places], values)
        return values

    def learned(self) -> dict[str, Any]:
        """Return the fields of all numeric columns, mean and standard deviation."""
        return super().learned() | {"shift": self.shift, "scale": self.scale}

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Read what `to_json` wrote; see `Column.from_json`."""
        fields = cls.recorded(record)
        return cls(**fields, shift=record.number("shift"), scale=record.number("scale", above=0))

    def _example(self) -> Value:
        middle = untransform(torch.zeros(1, 1), stack([self.transform]))
        typical = float(self.values_of(middle[0].numpy())[0])
        if is_integer(self.arrow_type):
            return self._to_json(round(typical))
        digits = 2 - int(np.floor(np.log10(self.scale)))
        return min(max(round(typical, digits), self.minimum), self.maximum)


def _exact_frame(values: Float64) -> tuple[float, float]:
    """Return about the mean and the deviation, such that codes of values lose no bit, (rows,).

    A division by a power of two loses none, nor does the difference of two numbers that are
    within a factor of two of each other (Sterbenz): where values are not, 0 is taken off.
    """
    mean, deviation = _moments(values)
    scale = 2.0 ** round(np.log2(deviation))
    ends = sorted((float(values.min()) / mean, float(values.max()) / mean)) if mean else (0.0, 0.0)
    return (mean if ends[0] >= 0.5 and ends[1] <= 2.0 else 0.0), scale


def _scaled(values: Float64, shift: float, scale: float) -> Float64:
    """Return (values - shift) / scale, clipped to a million deviations, (rows,)."""
    with np.errstate(over="ignore"):  # clipped just below
        z = (values - shift) / scale
    return np.clip(z, -MAX_POINT, MAX_POINT)


def _moments(values: Float64) -> tuple[float, float]:
    """Return mean and standard deviation, (rows,) to scalars; 1 where the deviation vanishes."""
    unit = float(np.abs(values).max()) or 1.0  # squares of the largest floats would overflow
    relative = values / unit
    shift = float(relative.mean()) * unit
    scale = float(relative.std()) * unit
    smallest = 16 * np.finfo(np.float64).eps * abs(shift)
    return shift, scale if scale > smallest else 1.0
