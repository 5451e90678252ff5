r"""Numeric columns: what integer, continuous and datetime columns share.

A code is affine in the value, so that means and intervals of codes are those of values. The
distribution is a mixture of M logistics on T(code), T the column's monotone transform, and of A
atoms, single values that stand out; the shares of all M + A are one softmax:

    p(x) = sum_a pi_a [x = atom_a] + sum_m pi_m f_m(x)

`Integer` makes f_m the mass of the grid cell around x, `Continuous` the density at x. Each f_m is
cut to the column's support, and 1 in all there.

Two outcomes are no number, and have a code and an atom of their own where a column has them: null,
where that is a value, and `outside`, all numbers beyond the support.
"""

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import torch

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.columns.base import Column
from madeira.models.columns.mixture import MIN_SHARE, Points, fit_mixture
from madeira.models.columns.support import EVERYWHERE, OUTSIDE_SHARE, Support, learned_ends
from madeira.models.columns.transform import Transform, stack, transform
from madeira.models.echo import quoted
from madeira.models.errors import SchemaError, TableError
from madeira.models.values.arrow_types import Family, family, is_integer, type_name, value_type
from madeira.models.values.json_record import Record
from madeira.models.values.notation.date_notation import DateNotation
from madeira.models.values.notation.notation import Notation, find_notation, notation_from_json
from madeira.models.values.numbers import from_numbers, readable, to_numbers
from madeira.models.values.row_encoder import CellEncoder
from madeira.models.values.ticks import MAX_EXACT
from madeira.models.values.vocabulary import Value

__all__ = ["NULL_CODE", "OPEN_END", "OUTSIDE_CODE", "SCALAR_UNITS", "Numeric"]

SCALAR_UNITS = 4
"""Input units that say where a value lies: T(code), and three steps of it."""

NULL_CODE = 2.0**120
"""Code of null, in columns where that is a value. No number has it, and float32 holds it."""

OUTSIDE_CODE = 2.0**121
"""Code of every number outside the support."""

OPEN_END = 1e30
"""Where a support without an end stops, on the scale of the mixture: no infinity, for gradients."""

_DEFAULT_OUTSIDE_MASS = 0.001  # of ends that a person wrote into a schema


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
        support: Where values can lie.
        null_outcome: Whether null is a value of the column, and not a value that was not seen.
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
    support: Support = field(default=EVERYWHERE, kw_only=True)
    null_outcome: bool = field(default=False, kw_only=True)

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
    def special_codes(self) -> tuple[float, ...]:
        """Codes of the outcomes that are no number; the one that is never drawn is the last."""
        null = (NULL_CODE,) if self.null_outcome else ()
        return (*null, OUTSIDE_CODE) if self.support.bounded else null

    @property
    def outcome_codes(self) -> Float64:
        """Codes that have an atom: those of single values, and of what is no number, (A,)."""
        return np.append(self.atom_codes, self.special_codes)

    @property
    def null_code(self) -> float | None:
        """The code of null, where that is a value."""
        return NULL_CODE if self.null_outcome else None

    @property
    def unknown_code(self) -> float | None:
        """The code of every number outside the support, where it has ends."""
        return OUTSIDE_CODE if self.support.bounded else None

    @property
    def unknown_rate(self) -> float:
        """The estimated share of numbers outside the support."""
        return self.support.outside_mass

    @property
    def range_codes(self) -> tuple[float, float]:
        """Codes of the smallest and the largest value; codes between them decode between them."""
        return self._codes_between(self.minimum, self.maximum)

    @property
    def range_points(self) -> tuple[float, float]:
        """Ends of what the mixture has within the range, on its own scale."""
        return self._points_of(self.range_codes)

    @property
    def support_codes(self) -> tuple[float, float]:
        """Codes of the ends of the support, infinite where it has none."""
        return self._codes_between(self.support.low, self.support.high)

    @property
    def support_points(self) -> tuple[float, float]:
        """Ends of the support on the scale of the mixture, `OPEN_END` where it has none."""
        low, high = self._points_of(self.support_codes)
        return max(low, -OPEN_END), min(high, OPEN_END)

    def _codes_between(self, low: float, high: float) -> tuple[float, float]:
        """Return codes of two values; codes between them decode between them."""
        ends = []
        for end, inwards in ((low, 1.0), (high, -1.0)):
            if np.isinf(end):
                ends.append(end)
                continue
            code = float(self.codes(np.array([end]))[0])
            step = self.cell or float(np.spacing(max(abs(code), 1.0)))
            while (self.values_of(np.array([code]))[0] - end) * inwards < 0.0:
                code, step = code + inwards * step, 2 * step
            ends.append(code)
        return min(ends), ends[1]

    def _points_of(self, codes: tuple[float, float]) -> tuple[float, float]:
        """Return the ends of all cells from one code to another on the scale of the mixture."""
        low, high = codes
        ends = self._transformed(np.array([low - self.cell / 2, high + self.cell / 2]))
        return float(ends[0]), float(ends[1])

    @property
    def inputs(self) -> int:
        """Four units for the place, one for each atom, and one for none of them."""
        return SCALAR_UNITS + len(self.atoms) + len(self.special_codes) + self.one_hot

    @property
    def outputs(self) -> int:
        """Logit, mean and raw log-scale of each logistic, a logit of each atom."""
        return 3 * self.components + len(self.atoms) + len(self.special_codes)

    @property
    def noise(self) -> int:
        """Two uniforms: one for the logistic or atom, one for the value."""
        return 2

    @classmethod
    def read(
        cls, name: str, array: pa.ChunkedArray | pa.Array
    ) -> tuple[pa.DataType, pa.Array, Notation | None]:
        """Return type and notation of a training column, and its values that are not null.

        The values are numbers, or times, also where the column holds them as text.

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
        number_type = notation.number_type if notation else arrow_type
        values = _readable(name, array, number_type, notation)
        if np.isnan(to_numbers(name, values, number_type)).all():
            raise SchemaError(f"column {quoted(name)} holds no value to learn from")
        return arrow_type, values.drop_null(), notation

    @property
    def number_type(self) -> pa.DataType:
        """Type of the values as numbers or instants, whether or not they are held as text."""
        return self.arrow_type if self.notation is None else self.notation.number_type

    def encode(self, array: pa.ChunkedArray | pa.Array) -> Float64:
        """Return codes, NaN where null and that is no value; see `Column.encode`."""
        codes = self._codes_of(_readable(self.name, array, self.number_type, self.notation))
        if self.support.bounded:
            low, high = self.support_codes
            codes[(codes < low) | (codes > high)] = OUTSIDE_CODE
        if self.null_outcome:
            codes[np.isnan(codes)] = NULL_CODE
        return codes

    def _codes_of(self, numbers: pa.Array) -> Float64:
        """Return the codes of numbers or times, (rows,), NaN where null."""
        return self.codes(to_numbers(self.name, numbers, self.number_type))

    def _numbers_of(self, codes: Float64) -> pa.Array:
        """Return numbers or times of the column's type, (rows,), null where NaN."""
        return from_numbers(self.values_of(codes), self.number_type)

    def cell_encoder(self) -> CellEncoder:
        """Return the encoder of a number, or of a text in the notation."""
        plain = family(self.arrow_type) in (Family.NUMBER, Family.DURATION)
        if not plain or self.notation is not None:
            return super().cell_encoder()
        read = self._number_encoder()
        if not self.support.bounded:
            return read
        low, high = self.support_codes

        def supported(value: object) -> float:
            code = read(value)
            return code if low <= code <= high else OUTSIDE_CODE

        return supported

    def is_code(self, values: Float64) -> Bool:
        """Return which are codes of numbers in the support, or of what is no number."""
        low, high = self.support_codes
        inside = (values >= low) & (values <= high) & self._is_number(values)
        return np.asarray(inside | np.isin(values, self.special_codes))

    @abstractmethod
    def _is_number(self, values: Float64) -> Bool:
        """Return which are codes of numbers, (rows,)."""

    @abstractmethod
    def _number_encoder(self) -> CellEncoder:
        """Return the encoder of one number; it agrees with `codes`."""

    def decode(self, values: Float64) -> pa.Array:
        """Return values, rounded and clipped to the type, null for what is no number."""
        numbers = np.where(np.isin(values, self.special_codes), np.nan, values)
        with np.errstate(over="ignore"):
            return self._noted(self._numbers_of(numbers))

    def initial_parameters(self, values: Float64) -> Float64:
        """Return the mixture fitted to the codes by expectation-maximisation."""
        observed = values[~np.isnan(values)]
        hits = observed[:, None] == np.array(self.special_codes)
        known = observed[~hits.any(1)]
        special = np.maximum(hits.sum(0) / max(1, observed.size), MIN_SHARE)
        if self.support.bounded:
            special[-1] = max(hits[:, -1].mean() if len(hits) else 0.0, self.support.outside_mass)
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
        units = fit_mixture(
            Points((low + high) / 2, weights, high - low, atoms),
            len(spikes),
            self.components,
        )
        return np.append(units, np.log(special) - np.log(max(1 - special.sum(), MIN_SHARE)))

    def outcomes(self, values: Float64) -> Bool:
        """Return the logit of the atom that it is, or else the first; see `Column.outcomes`."""
        result = np.zeros((len(values), self.outputs), dtype=bool)
        atoms = result[:, 3 * self.components :]
        atoms[:] = values[:, None] == self.outcome_codes
        result[:, 0] = ~np.isnan(values) & ~atoms.any(axis=1)
        return result

    @property
    def choices(self) -> Int64:
        """The first logistic for the logits of all, itself for others; see `Column.choices`."""
        units = np.arange(self.outputs)
        units[: self.components] = 0
        return units

    def learned(self) -> dict[str, Any]:
        """Return range, atoms, transform, number of components, support and meaning of null."""
        return {
            "minimum": self._to_json(self.minimum),
            "maximum": self._to_json(self.maximum),
            "atoms": [self._to_json(atom) for atom in self.atoms],
            "transform": self.transform.to_json(),
            "components": self.components,
            "low": self._end_to_json(self.support.low),
            "high": self._end_to_json(self.support.high),
            "outside_mass": self.support.outside_mass,
            "null": "value" if self.null_outcome else "unknown",
            **({"one_hot": True} if self.one_hot else {}),
            **({"notation": self.notation.to_json()} if self.notation else {}),
        }

    def describe(self) -> dict[str, Any]:
        """Return name, kind, type, range seen in training, support and example."""
        return {
            "name": self.name,
            "kind": self.kind,
            "type": type_name(self.arrow_type),
            "minimum": self._to_json(self.minimum),
            "maximum": self._to_json(self.maximum),
            "low": self._end_to_json(self.support.low),
            "high": self._end_to_json(self.support.high),
            "example": self._example() if self.notation is None else self._written_example(),
        } | ({"null": "value"} if self.null_outcome else {})

    @classmethod
    def recorded(cls, record: Record) -> dict[str, Any]:
        """Read the fields that all numeric columns have; see `Column.from_json`."""
        arrow_type, notation = record.arrow_type(), None
        if "notation" in record.fields and family(arrow_type) in (Family.TEXT, Family.NUMBER):
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
        support = _support(record, number_type)
        null = record.text("null") if "null" in record.fields else "unknown"
        if null not in ("value", "unknown"):
            raise record.wrong("null", "'value' or 'unknown'")
        return {
            "name": record.text("name"),
            "arrow_type": arrow_type,
            "minimum": max(minimum, support.low),
            "maximum": min(maximum, support.high),
            "atoms": tuple(sorted({atom for atom in atoms if support.low <= atom <= support.high})),
            "transform": Transform.from_json(record.inner("transform")),
            "components": record.whole("components", above=0),
            "notation": notation,
            "one_hot": record.flag("one_hot"),
            "support": support,
            "null_outcome": null == "value",
        }

    def with_support(
        self, array: pa.ChunkedArray | pa.Array, low: float | None = None, high: float | None = None
    ) -> Self:
        """Return the column with a support: two ends, each given or learned from the values.

        What lies beyond an end that is given is not learned from, but for how much of it there is.

        Args:
            array: Training values, (rows,).
            low: Lower end in original units; None to learn it.
            high: Upper end.

        Raises:
            SchemaError: No value lies between the ends.
        """
        read = _readable(self.name, array, self.number_type, self.notation).drop_null()
        known = to_numbers(self.name, read, self.number_type)
        kept = (known >= (-np.inf if low is None else low)) & (
            known <= (np.inf if high is None else high)
        )
        inside = known[kept]
        if not inside.size:
            raise SchemaError(f"column {quoted(self.name)}: no value lies between its ends")
        column = self
        if not kept.all():
            learned = type(self).fit(self.name, read.filter(pa.array(kept)))
            column = replace(learned, arrow_type=self.arrow_type, notation=self.notation)
        step = float(np.ptp(column.values_of(np.array([0.0, column.cell]))))
        instants = family(self.number_type) is Family.INSTANT
        ends = learned_ends(inside, step, instants=instants)
        if low is None:
            low = ends[0]
            low = min(column._of_type(low), column.minimum) if low < column.minimum else low
        if high is None:
            high = ends[1]
            high = max(column._of_type(high), column.maximum) if high > column.maximum else high
        if max(abs(low), abs(high)) > MAX_EXACT:  # codes of whole numbers are exact, floats not
            low, high = low - abs(low) * 2.0**-51, high + abs(high) * 2.0**-51
        mass = max(1 - len(inside) / len(known), OUTSIDE_SHARE / (len(known) + 2))
        return replace(column, support=Support(low, high, mass))

    def _of_type(self, end: float) -> float:
        """Return an end as the type of the column holds it, on its grid."""
        number = np.array([end])
        if self.cell:
            number = self.values_of(self.codes(number))
        held = _readable(self.name, self._written(number), self.number_type, self.notation)
        return float(to_numbers(self.name, held, self.number_type)[0])

    def _transformed(self, codes: Float64) -> Float64:
        points: Float64 = transform(
            torch.from_numpy(codes)[:, None], stack([self.transform])
        ).numpy()
        return points[:, 0]

    def _end_to_json(self, end: float) -> Value | None:
        return None if np.isinf(end) else self._to_json(end)

    def _to_json(self, value: float) -> Value:
        """Return a value in original units as a person would write it."""
        if family(self.number_type) in (Family.INSTANT, Family.TIME):
            text: str = (
                from_numbers(np.array([value]), self.number_type).cast(pa.string())[0].as_py()
            )
            return text
        return int(value) if is_integer(self.arrow_type) else value

    def _written(self, numbers: Float64) -> pa.Array:
        """Return values in original units, (rows,), in the column's type."""
        return self._noted(from_numbers(numbers, self.number_type))

    def _noted(self, numbers: pa.Array) -> pa.Array:
        """Return numbers or times, (rows,), in the column's type: as text where it holds text."""
        if self.notation is None:
            return numbers
        return self.notation.write(numbers).cast(self.arrow_type)

    def _written_example(self) -> Value:
        example = pa.array([self._example()])
        text: str = self._written(to_numbers("", example, self.number_type))[0].as_py()
        return text

    @abstractmethod
    def _example(self) -> Value:
        """Return a typical value, rounded to what a person would type."""


def _readable(
    name: str,
    array: pa.ChunkedArray | pa.Array,
    number_type: pa.DataType,
    notation: Notation | None,
) -> pa.Array:
    """Return values as numbers or times, (rows,)."""
    numeric = isinstance(notation, DateNotation) and notation.numeric
    if notation is not None and (
        family(array.type) is Family.TEXT or (numeric and family(array.type) is Family.NUMBER)
    ):
        array = notation.read(name, array)
    return readable(name, array, number_type)


def _support(record: Record, arrow_type: pa.DataType) -> Support:
    """Read the ends of the support; there are none where the fields are absent or null."""
    ends = {"low": -np.inf, "high": np.inf}
    for end in ends:
        if record.fields.get(end) is not None:
            ends[end] = _number(record, end, arrow_type)
    if not ends["low"] < ends["high"]:
        raise record.wrong("low", "below 'high'")
    if np.isinf([*ends.values()]).all():
        return EVERYWHERE
    mass = _DEFAULT_OUTSIDE_MASS
    if record.fields.get("outside_mass"):  # 0 where there were no ends before
        mass = record.number("outside_mass", above=0, below=1)
    return Support(ends["low"], ends["high"], mass)


def _number(record: Record, field: str, arrow_type: pa.DataType) -> float:
    """Read a value in original units."""
    if family(arrow_type) not in (Family.INSTANT, Family.TIME):
        return record.number(field)
    try:
        return float(to_numbers(field, pa.array([record.text(field)]), arrow_type)[0])
    except TableError:
        instant = family(arrow_type) is Family.INSTANT
        expected = "a date or a time stamp such as 2024-01-31" if instant else "a time of day"
        raise record.wrong(field, expected) from None
