r"""Integer columns: a probability mass on the column's own resolution.

The values are the points of a lattice: whole numbers, half points, cents. The code of a value is
its place k on the lattice, and its mass that of the cell around it,

    f_m(k) = F((T(k + 1/2) - mu_m) / s_m) - F((T(k - 1/2) - mu_m) / s_m),    F = sigmoid

after Salimans, Karpathy, Chen, Kingma, PixelCNN++, ICLR 2017. The lattice has no ends, so the
masses of all its points, atoms included, sum to 1. A value between two points counts as the
nearer one. See `madeira.models.columns.numeric`.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor
from torch.nn import functional

from madeira.models.columns.atoms import find_atoms
from madeira.models.columns.base import Head
from madeira.models.columns.mixture import COMPONENTS
from madeira.models.columns.numeric import Amount
from madeira.models.columns.numeric_head import FARTHEST, AmountHead
from madeira.models.columns.transform import Transform, log_slope, transform
from madeira.models.echo import quoted
from madeira.models.errors import SchemaError
from madeira.models.values.arrow_types import Family
from madeira.models.values.grid import Lattice
from madeira.models.values.json_record import Record
from madeira.models.values.numbers import Values
from madeira.models.values.row_encoder import CellReader
from madeira.models.values.vocabulary import Value

__all__ = ["Integer", "IntegerHead"]

# Ends of a cell that are too close, or lie too far out, cannot be subtracted: its width is the
# slope of T there.
_FINEST = 1e-7
_FARTHEST = 2.0**30


class IntegerHead(AmountHead):
    """Conditionals of n integer columns: masses throughout."""

    _atoms_alone = False

    def _log_smooth(self, codes: Tensor, means: Tensor, log_scales: Tensor) -> Tensor:
        """Returns log-masses of cells under the logistics; see `AmountHead`.

        sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b)): no two near numbers are
        subtracted, in either tail.
        """
        low = transform(codes - 0.5, self._transforms)
        high = transform(codes + 0.5, self._transforms)
        slopes = log_slope(codes, self._transforms).exp()
        rounded = (slopes < _FINEST) | (codes.abs() > _FARTHEST)
        widths = torch.where(rounded, slopes, high - low).to(means.dtype).unsqueeze(2)
        middles = ((low + high) / 2).clamp(-FARTHEST, FARTHEST).to(means.dtype).unsqueeze(2)
        sharpness = torch.exp(-log_scales)
        distances, halves = (middles - means) * sharpness, widths * sharpness / 2
        ends = functional.logsigmoid(halves + distances) + functional.logsigmoid(halves - distances)
        return ends + torch.log(-torch.expm1(-2 * halves))

    def _settle(self, codes: Tensor) -> Tensor:
        return codes.round()


@dataclass(frozen=True)
class Integer(Amount):
    """A column of numbers on a lattice.

    Attributes:
        lattice: Its points; the code of a point is its place.
    """

    kind: ClassVar[str] = "integer"
    head_type: ClassVar[type[Head]] = IntegerHead
    families: ClassVar[tuple[Family, ...]] = (Family.NUMBER,)
    lattice: Lattice

    @property
    def cell(self) -> float:
        """One step of the lattice; see `Amount.cell`."""
        return 1.0

    @property
    def evaluation_key(self) -> Hashable:
        """Columns of masses with equally many logistics are evaluated together."""
        return (self.kind, self.components)

    @classmethod
    def fit(cls, name: str, array: pa.ChunkedArray | pa.Array) -> Self:
        """Learns lattice, range, atoms and transform; see `Column.fit`."""
        arrow_type, known, notation = cls.read(name, array)
        lattice = Lattice.find(known, arrow_type)
        if lattice is None:
            raise SchemaError(
                f"column {quoted(name)} cannot be integer: "
                "its values share no resolution of up to six decimals"
            )
        codes = lattice.codes(known)
        spikes = find_atoms(codes, 1.0)
        smooth = codes[~np.isin(codes, spikes)]
        return cls(
            name,
            arrow_type,
            float(known.min()),
            float(known.max()),
            tuple(lattice.values(spikes).tolist()),
            Transform.fit(smooth if smooth.size else codes, 1.0),
            COMPONENTS,
            lattice,
            notation=notation,
        )

    def codes(self, values: Values) -> Values:
        """Returns the places of the nearest lattice points; see `Amount.codes`."""
        return self.lattice.codes(values)

    def is_code(self, values: Values) -> npt.NDArray[np.bool_]:
        """Returns which are places on the lattice; see `Column.is_code`."""
        return self.lattice.is_place(values)

    def _number_reader(self) -> CellReader:
        return self.lattice.reader()

    def amounts(self, codes: Values) -> Values:
        """Returns the nearest lattice points; see `Amount.amounts`."""
        return self.lattice.values(codes)

    def learned(self) -> dict[str, Any]:
        """Returns what all amounts learn, the resolution and a point of the lattice."""
        origin = self.lattice.origin / self.lattice.denominator
        whole = self.lattice.denominator == 1
        return super().learned() | {
            "resolution": self.lattice.step if whole else self.lattice.resolution,
            "origin": self.lattice.origin if whole else origin,
        }

    def describe(self) -> dict[str, Any]:
        """Returns what all amounts describe, and the resolution."""
        return super().describe() | {"resolution": self.learned()["resolution"]}

    @classmethod
    def from_json(cls, record: Record) -> Self:
        """Reads what `to_json` wrote; see `Column.from_json`."""
        fields = cls.recorded(record)
        record.number("origin")
        record.number("resolution", above=0)
        lattice = Lattice.of(record.fields["origin"], record.fields["resolution"])
        return cls(**fields, lattice=lattice)

    def _example(self) -> Value:
        return self._to_json(float(self.lattice.values(np.zeros(1))[0]))
