r"""Numeric columns: what integer, continuous and datetime columns share.

A code is affine in the value, so that means and intervals of codes are those of values. The
distribution is a mixture of M logistics on T(code), T the column's monotone transform, and of A
atoms, single values that stand out; the shares of all M + A are one softmax:

    p(x) = sum_a pi_a [x = atom_a] + sum_m pi_m f_m(x)

`Integer` makes f_m the mass of the grid cell around x, `Continuous` the density at x.
"""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import torch

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.columns.base import Column
from madeira.models.columns.mixture import Points, fit_mixture
from madeira.models.columns.transform import Transform, stack, transform
from madeira.models.echo import quoted
from madeira.models.errors import SchemaError, TableError
from madeira.models.values.arrow_types import Family, family, is_integer, type_name, value_type
from madeira.models.values.json_record import Record
from madeira.models.values.notation.notation import Notation, find_notation, notation_from_json
from madeira.models.values.numbers import from_numbers, to_numbers
from madeira.models.values.row_encoder import CellEncoder
from madeira.models.values.vocabulary import Value

__all__ = ["SCALAR_UNITS", "Numeric"]

SCALAR_UNITS = 4
"""Input units that say where a value lies: T(code), and three steps of it."""


@dataclass(frozen=True)
class Numeric(Column):
    """A column of numbers or instants on a line.

    Attributes:
        minimum: Smallest training value, in original units; where draws end, if asked.
        maximum: Largest training value, in original units.
        atoms: Values that stand out, in original units, rising.
        transform: The monotone transform of codes.
        components: Logistics in the mixture, M.
        notation: How the values are written, where the column holds them as text.
        one_hot: Whether a value that is no atom has an input unit, as each atom has.
    """

    discrete: ClassVar[bool] = False
    families: ClassVar[tuple[Family, ...]]
    minimum: float
    maximum: float
    atoms: tuple[float, ...]
    transform: Transform
    components: int
    notation: Notation | None = field(default=None, kw_only=True)
    one_hot: bool = field(default=False, kw_only=True)

    @abstractmethod
    def codes(self, values: Float64) -> Float64:
        """Return the codes of values in original units, (rows,), NaN where NaN."""

    @abstractmethod
    def values_of(self, codes: Float64) -> Float64:
        """Return the values of codes in original units, (rows,), NaN where NaN."""

    @property
    def cell(self) -> float:
        """Width of the cell around a value whose mass counts, in codes; 0 for densities."""
        return 0.0

    @property
    def atom_codes(self) -> Float64:
        """Codes of the atoms, (A,)."""
        return self.codes(np.array(self.atoms, dtype=np.float64))

    @property
    def range_codes(self) -> tuple[float, float]:
        """Codes of the smallest and the largest value; codes between them decode between them."""
        low, high = self.codes(np.array([self.minimum, self.maximum])).tolist()
        step = np.spacing(max(abs(low), abs(high)))
        while self.values_of(np.array([low]))[0] < self.minimum:
            low, step = low + step, 2 * step
        while self.values_of(np.array([high]))[0] > self.maximum:
            high, step = high - step, 2 * step
        return min(low, high), high

    @property
    def range_points(self) -> tuple[float, float]:
        """Ends of what the mixture has within the range, on its own scale."""
        low, high = self.range_codes
        ends = self._transformed(np.array([low - self.cell / 2, high + self.cell / 2]))
        return float(ends[0]), float(ends[1])

    @property
    def inputs(self) -> int:
        """Four units for the place, one for each atom, and one for none of them."""
        return SCALAR_UNITS + len(self.atoms) + self.one_hot

    @property
    def outputs(self) -> int:
        """Logit, mean and raw log-scale of each logistic, a logit of each atom."""
        return 3 * self.components + len(self.atoms)

    @property
    def noise(self) -> int:
        """Two uniforms: one for the logistic or atom, one for the value."""
        return 2

    @classmethod
    def read(
        cls, name: str, array: pa.ChunkedArray | pa.Array
    ) -> tuple[pa.DataType, Float64, Notation | None]:
        """Return type and notation of a training column, and its values that are not null.

        Args:
            name: Name of the column.
            array: Training values, (rows,).

        Raises:
            SchemaError: The column holds other values, or none.
            TableError: A value is NaN or infinite.
        """
        arrow_type = value_type(array.type)
        notation = find_notation(array, cls.families)
        if family(arrow_type) not in cls.families and notation is None:
            what = f"its type is {arrow_type}"
            if family(arrow_type) is Family.TEXT:
                what += " and its texts do not all follow one notation of such values"
            raise SchemaError(f"column {quoted(name)} cannot be {cls.kind}: {what}")
        values = _read(name, array, arrow_type, notation)
        known = values[~np.isnan(values)]
        if not known.size:
            raise SchemaError(f"column {quoted(name)} holds no value to learn from")
        return arrow_type, known, notation

    @property
    def number_type(self) -> pa.DataType:
        """Type of the values as numbers or instants, whether or not they are held as text."""
        return self.arrow_type if self.notation is None else self.notation.number_type

    def encode(self, array: pa.ChunkedArray | pa.Array) -> Float64:
        """Return codes, NaN where null; see `Column.encode`."""
        return self.codes(_read(self.name, array, self.arrow_type, self.notation))

    def cell_encoder(self) -> CellEncoder:
        """Return the encoder of a number, or of a text in the notation."""
        if family(self.arrow_type) is Family.NUMBER:
            return self._number_encoder()
        return super().cell_encoder()

    @abstractmethod
    def _number_encoder(self) -> CellEncoder:
        """Return the encoder of one number; it agrees with `codes`."""

    def decode(self, values: Float64) -> pa.Array:
        """Return values, rounded and clipped to the type; see `Column.decode`."""
        with np.errstate(over="ignore"):
            return self._written(self.values_of(values))

    def initial_parameters(self, values: Float64) -> Float64:
        """Return the mixture fitted to the codes by expectation-maximisation."""
        known = values[~np.isnan(values)]
        spikes = self.atom_codes
        at_atoms = np.isin(known, spikes)
        smooth, shares = Points.thin(known[~at_atoms] if known.size else np.zeros(1))
        rows = max(1, known.size)
        counts = (known[at_atoms, None] == spikes).sum(0) / rows
        codes = np.append(smooth, spikes)
        low = self._transformed(codes - self.cell / 2)
        high = self._transformed(codes + self.cell / 2)
        weights = np.append(shares * (1 - counts.sum()), counts)
        atoms = np.append(np.full(len(smooth), -1), np.arange(len(spikes)))
        return fit_mixture(
            Points((low + high) / 2, weights, high - low, atoms),
            len(spikes),
            self.components,
        )

    def outcomes(self, values: Float64) -> Bool:
        """Return the logit of the atom that it is, or else the first; see `Column.outcomes`."""
        result = np.zeros((len(values), self.outputs), dtype=bool)
        atoms = result[:, 3 * self.components :]
        atoms[:] = values[:, None] == self.atom_codes
        result[:, 0] = ~np.isnan(values) & ~atoms.any(axis=1)
        return result

    @property
    def choices(self) -> Int64:
        """The first logistic for the logits of all, itself for others; see `Column.choices`."""
        units = np.arange(self.outputs)
        units[: self.components] = 0
        return units

    def learned(self) -> dict[str, Any]:
        """Return range, atoms, transform and number of components."""
        return {
            "minimum": self._to_json(self.minimum),
            "maximum": self._to_json(self.maximum),
            "atoms": [self._to_json(atom) for atom in self.atoms],
            "transform": self.transform.to_json(),
            "components": self.components,
            **({"one_hot": True} if self.one_hot else {}),
            **({"notation": self.notation.to_json()} if self.notation else {}),
        }

    def describe(self) -> dict[str, Any]:
        """Return name, kind, type, range seen in training and example."""
        return {
            "name": self.name,
            "kind": self.kind,
            "type": type_name(self.arrow_type),
            "minimum": self._to_json(self.minimum),
            "maximum": self._to_json(self.maximum),
            "example": self._example() if self.notation is None else self._written_example(),
        }

    @classmethod
    def recorded(cls, record: Record) -> dict[str, Any]:
        """Read the fields that all numeric columns have; see `Column.from_json`."""
        arrow_type, notation = record.arrow_type(), None
        if "notation" in record.fields and family(arrow_type) is Family.TEXT:
            notation = notation_from_json(record.inner("notation"))
        number_type = notation.number_type if notation else arrow_type
        if family(number_type) not in cls.families:
            names = " or ".join(family.value for family in cls.families)
            raise record.wrong("arrow_type", f"a type for {names}")
        minimum, maximum = (_number(record, end, number_type) for end in ("minimum", "maximum"))
        if minimum > maximum:
            raise record.wrong("minimum", "no larger than 'maximum'")
        atoms = [
            _number(
                Record(
                    f"{record.where}, atoms[{place}]",
                    {"value": atom},
                    (*record.path, "atoms", place),
                ),
                "value",
                number_type,
            )
            for place, atom in enumerate(record.items("atoms"))
        ]
        return {
            "name": record.text("name"),
            "arrow_type": arrow_type,
            "minimum": minimum,
            "maximum": maximum,
            "atoms": tuple(sorted(set(atoms))),
            "transform": Transform.from_json(record.inner("transform")),
            "components": record.whole("components", above=0),
            "notation": notation,
            "one_hot": record.flag("one_hot"),
        }

    def _transformed(self, codes: Float64) -> Float64:
        points: Float64 = transform(
            torch.from_numpy(codes)[:, None], stack([self.transform])
        ).numpy()
        return points[:, 0]

    def _to_json(self, value: float) -> Value:
        """Return a value in original units as a person would write it."""
        if family(self.number_type) is Family.INSTANT:
            text: str = (
                from_numbers(np.array([value]), self.number_type).cast(pa.string())[0].as_py()
            )
            return text
        return int(value) if is_integer(self.arrow_type) else value

    def _written(self, numbers: Float64) -> pa.Array:
        """Return values in original units, (rows,), in the column's type."""
        values = from_numbers(numbers, self.number_type)
        if self.notation is None:
            return values
        return self.notation.write(values).cast(self.arrow_type)

    def _written_example(self) -> Value:
        example = pa.array([self._example()])
        text: str = self._written(to_numbers("", example, self.number_type))[0].as_py()
        return text

    @abstractmethod
    def _example(self) -> Value:
        """Return a typical value, rounded to what a person would type."""


def _read(
    name: str,
    array: pa.ChunkedArray | pa.Array,
    arrow_type: pa.DataType,
    notation: Notation | None,
) -> Float64:
    """Return values in original units, (rows,), NaN where null."""
    if notation is None or family(array.type) is not Family.TEXT:
        return to_numbers(name, array, arrow_type if notation is None else notation.number_type)
    return to_numbers(name, notation.read(name, array), notation.number_type)


def _number(record: Record, field: str, arrow_type: pa.DataType) -> float:
    """Read a value in original units."""
    if family(arrow_type) is not Family.INSTANT:
        return record.number(field)
    try:
        return float(to_numbers(field, pa.array([record.text(field)]), arrow_type)[0])
    except TableError:
        raise record.wrong(field, "a date or a time stamp such as 2024-01-31") from None
