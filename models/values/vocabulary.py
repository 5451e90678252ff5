"""Distinct values of a column and their codes, for binary and categorical columns."""

import math
import unicodedata
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.arrays import Float64, Int64
from madeira.models.echo import quoted
from madeira.models.errors import SchemaError, TableError
from madeira.models.values.arrow_types import Family, family, is_integer, value_type
from madeira.models.values.numbers import decoded, from_numbers, readable, refuse_type, to_numbers
from madeira.models.values.row_encoder import CellEncoder, exact_float, of_type
from madeira.models.values.ticks import MAX_EXACT, ticks_of, ticks_per_unit

__all__ = ["UNSEEN", "Value", "Vocabulary", "canonical", "folded"]

Value = str | int | float | bool
"""A value as `schema.json` holds it; instants are ISO 8601 text."""

UNSEEN = -1.0
"""Code that `Vocabulary.codes` gives to an unknown value."""


def canonical(name: str, array: pa.ChunkedArray | pa.Array, arrow_type: pa.DataType) -> pa.Array:
    """Bring a column to the one type in which values of its family are compared.

    Args:
        name: Name of the column, for errors.
        array: Values, (rows,).
        arrow_type: Type that the column has in the schema.

    Returns:
        Values, (rows,): text as large_string, whole numbers as int64 (uint64 stays), other
        numbers and instants as float64, rounded to what the column's type can hold.

    Values of another family are coerced where that is unambiguous: numbers to text in digits, 0 and
    1 to false and true, and the other way round.

    Raises:
        TableError: A cell cannot be taken for a value of the column's family.
    """
    values = _coerced(name, decoded(array), arrow_type)
    expected, target = family(arrow_type), _canonical_type(arrow_type)
    if values.null_count == len(values):
        return pa.nulls(len(values), target)
    if expected in (Family.TEXT, Family.BOOLEAN):
        return pc.cast(values, target)
    if is_integer(arrow_type) and pa.types.is_integer(values.type):
        try:
            return pc.cast(values, target)
        except pa.ArrowInvalid:  # beyond the type's range: no category, but no wrong type either
            pass
    numbers = _rounded(to_numbers(name, values, arrow_type), arrow_type)
    return from_numbers(numbers, target)


def _coerced(name: str, values: pa.Array, arrow_type: pa.DataType) -> pa.Array:
    """Coerce values of another family where that is unambiguous."""
    expected, found = family(arrow_type), family(values.type)
    if expected is found or found is Family.EMPTY:
        return values
    if found in (Family.OTHER, Family.TIME, Family.DURATION):
        refuse_type(name, values, str(expected))
    if expected is Family.TEXT:
        return pc.cast(values, pa.large_string())
    if expected is Family.NUMBER and found is Family.BOOLEAN:
        return pc.cast(values, pa.int8())
    if expected is Family.BOOLEAN:
        said = pc.utf8_lower(pc.cast(values, pa.large_string()))
        known = pc.is_in(said, pa.array(["true", "false", "0", "1"], pa.large_string()))
        wrong = pc.and_(pc.invert(known), values.is_valid())
        if pc.any(wrong).as_py():
            bad = pc.if_else(wrong, values, pa.scalar(None, values.type))
            refuse_type(name, bad, str(expected))
        truths = pc.is_in(said, pa.array(["true", "1"], pa.large_string()))
        return pc.if_else(values.is_valid(), truths, pa.scalar(None, pa.bool_()))
    return values


def _canonical_type(arrow_type: pa.DataType) -> pa.DataType:
    """Return the type in which values of a column are compared."""
    which = family(arrow_type)
    if which is Family.TEXT:
        return pa.large_string()
    if which is Family.BOOLEAN:
        return pa.bool_()
    if is_integer(arrow_type):
        return pa.uint64() if pa.types.is_uint64(value_type(arrow_type)) else pa.int64()
    return pa.float64()


def _rounded(numbers: Float64, arrow_type: pa.DataType) -> Float64:
    """Round numbers, (rows,), to what a type can hold: 0.1 is not 0.1 in a float32 column."""
    if is_integer(arrow_type) or pa.types.is_float64(value_type(arrow_type)):
        return numbers
    return to_numbers("", from_numbers(numbers, arrow_type), arrow_type)


def folded(text: str) -> str:
    """Normalise a text: no case, no accents, single blanks."""
    plainly = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(c for c in plainly if not unicodedata.combining(c)).split())


@dataclass(frozen=True)
class Vocabulary:
    """The distinct values of a column; the code of a value is its place.

    Attributes:
        arrow_type: Type that the column came as.
        values: The distinct values, in JSON form.
    """

    arrow_type: pa.DataType
    values: tuple[Value, ...]

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def fit(cls, name: str, array: pa.ChunkedArray | pa.Array) -> tuple["Vocabulary", Int64]:
        """Learn the distinct values, sorted, or in the order of the dictionary if there is one.

        Args:
            name: Name of the column, for errors.
            array: Values, (rows,).

        Returns:
            The vocabulary, and how often each value occurs, (K,) int64.

        Raises:
            SchemaError: The column holds no value, or values that cannot be compared.
            TableError: A cell is unusable.
        """
        arrow_type = array.type
        if family(arrow_type) is Family.OTHER:
            raise SchemaError(
                f"column {quoted(name)}: values of type {arrow_type} are not modelled"
            )
        counted = canonical(name, array, arrow_type).drop_null().value_counts()
        distinct, counts = counted.field("values"), counted.field("counts")
        if not len(distinct):
            raise SchemaError(f"column {quoted(name)} holds no value to learn from")
        order = _order(name, array, distinct)
        values = _to_json(distinct.take(order), arrow_type)
        return cls(arrow_type, values), counts.take(order).to_numpy()

    @classmethod
    def from_json(cls, arrow_type: pa.DataType, values: Sequence[object]) -> "Vocabulary":
        """Read values in JSON form.

        Args:
            arrow_type: Type of the column.
            values: Values in JSON form, in the order of their codes.

        Raises:
            ValueError: A value is not of the column's type, or occurs twice.
        """
        if family(arrow_type) in (Family.EMPTY, Family.OTHER):
            raise ValueError(f"values of type {arrow_type} are not modelled")
        allowed: tuple[type, ...] = (str,)
        if family(arrow_type) is Family.BOOLEAN:
            allowed = (bool,)
        elif family(arrow_type) is Family.NUMBER:
            allowed = (int,) if is_integer(arrow_type) else (int, float)
        for value in values:
            is_bool = isinstance(value, bool) and bool not in allowed
            if is_bool or not isinstance(value, allowed):
                raise ValueError(f"{quoted(value)} is not of type {arrow_type}")
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{quoted(value)} is not finite")
        vocabulary = cls(arrow_type, tuple(values))  # type: ignore[arg-type]
        try:
            known = vocabulary._values
        except (TableError, pa.ArrowException, OverflowError) as error:
            raise ValueError(str(error)) from None
        if pc.count_distinct(known).as_py() != len(values):
            raise ValueError("a value occurs twice")
        return vocabulary

    def codes(self, name: str, array: pa.ChunkedArray | pa.Array) -> Float64:
        """Return codes, (rows,) float64: NaN where null, `UNSEEN` where not in the vocabulary.

        Args:
            name: Name of the column, for errors.
            array: Values, (rows,).

        Raises:
            TableError: A cell is of another family than the column.
        """
        if self._numbers is not None:
            sent = decoded(array)
            values = _coerced(name, sent, self.arrow_type)
            numbers = _rounded(to_numbers(name, values, self.arrow_type), self.arrow_type)
            codes = _search(numbers, *self._numbers)
            if pa.types.is_boolean(sent.type) and (codes == UNSEEN).any():
                # True is 1 where 1 is a category, and no number where it is none.
                known = pa.array(codes != UNSEEN)
                refuse_type(name, pc.if_else(known, pa.scalar(None, pa.bool_()), sent), "a number")
            return codes
        if is_integer(self.arrow_type):
            return self._codes_of_whole(readable(name, decoded(array), self.arrow_type))
        encoded = canonical(name, array, self.arrow_type).dictionary_encode()
        known = self._places
        distinct = [known.get(value, UNSEEN) for value in encoded.dictionary.to_pylist()]
        places = encoded.indices.to_numpy(zero_copy_only=False)
        missing = np.isnan(places)
        found = np.append(distinct, np.nan)[np.where(missing, len(distinct), places).astype(int)]
        return np.asarray(found, dtype=np.float64)

    def _codes_of_whole(self, numbers: pa.Array) -> Float64:
        """Return the codes of numbers, (rows,), where categories are whole ones beyond 2^53."""
        codes = np.full(len(numbers), np.nan)
        known = np.flatnonzero(numbers.is_valid().to_numpy(zero_copy_only=False))
        per_unit = ticks_per_unit(numbers.type)
        if per_unit is None:
            wanted = to_numbers("", numbers, numbers.type)[known].tolist()
        else:
            ticks = ticks_of(numbers)[known].tolist()
            wanted = [Fraction(tick) / per_unit for tick in ticks]
        codes[known] = [self._places.get(number, UNSEEN) for number in wanted]  # 1 == Fraction(1)
        return codes

    def encoder(self, unseen: float | None) -> CellEncoder | None:
        """Return the encoder of one value of the column's own family; it agrees with `codes`.

        Args:
            unseen: What a value gets that is not in the vocabulary; None has it raise
                LookupError.

        Returns:
            None where values are compared that JSON does not have, such as instants.
        """
        which, kind = family(self.arrow_type), value_type(self.arrow_type)
        if which in (Family.TEXT, Family.BOOLEAN):
            places = {value: float(code) for value, code in self._places.items()}
            return _lookup(of_type(str if which is Family.TEXT else bool), places, unseen)
        if self._numbers is None or not (is_integer(kind) or pa.types.is_float64(kind)):
            return None
        numbers, codes = self._numbers
        known = zip(numbers.tolist(), map(float, codes.tolist()), strict=True)
        return _lookup(exact_float, dict(known), unseen)

    def take(self, codes: Float64) -> pa.Array:
        """Return the values of codes, (rows,): null where NaN or outside the vocabulary."""
        absent = ~((codes >= 0) & (codes < len(self)))
        places = pa.array(np.where(absent, 0, codes).astype(np.int32), mask=absent)
        if isinstance(self.arrow_type, pa.DictionaryType):
            return pa.DictionaryArray.from_arrays(
                places.cast(self.arrow_type.index_type),
                self._decoded,
                ordered=self.arrow_type.ordered,
            )
        taken = self._decoded.take(places)
        return taken if taken.type == self.arrow_type else taken.cast(self.arrow_type)

    @cached_property
    def folded(self) -> Mapping[str, Value]:
        """The texts by their normalised form, the first of each."""
        texts = [value for value in self.values if isinstance(value, str)]
        return {folded(text): text for text in reversed(texts)}

    @cached_property
    def _values(self) -> pa.Array:
        """The values in the type in which they are compared."""
        target = _canonical_type(self.arrow_type)
        if family(self.arrow_type) is Family.INSTANT:
            return canonical("", pa.array(self.values, pa.string()), self.arrow_type)
        if pa.types.is_float64(target):
            return pa.array(_rounded(np.array(self.values, np.float64), self.arrow_type))
        return pa.array(self.values, target)

    @cached_property
    def _places(self) -> dict[object, int]:
        """The code of each value; one row must not cost as much as all categories."""
        return {value: code for code, value in enumerate(self._values.to_pylist())}

    @cached_property
    def _numbers(self) -> tuple[Float64, npt.NDArray[np.intp]] | None:
        """Numbers in ascending order and their codes; None for what float64 cannot tell apart."""
        if family(self.arrow_type) not in (Family.NUMBER, Family.INSTANT):
            return None
        numbers = to_numbers("", self._values, self._values.type)
        if np.abs(numbers).max() > MAX_EXACT:
            return None
        order = np.argsort(numbers)
        return numbers[order], order

    @cached_property
    def _decoded(self) -> pa.Array:
        """The values in the column's own type; Arrow cannot yet take from string views."""
        if pa.types.is_string_view(self.arrow_type):
            return self._values
        return _to_type(self._values, self.arrow_type)


def _lookup(
    checked: Callable[[object], Hashable], places: Mapping[Any, float], unseen: float | None
) -> CellEncoder:
    """Return an encoder that looks a cell up once it has passed a check."""
    if unseen is None:
        return lambda value: places[checked(value)]
    return lambda value: places.get(checked(value), unseen)


def _search(numbers: Float64, known: Float64, codes: npt.NDArray[np.intp]) -> Float64:
    """Look numbers, (rows,), up among ascending ones, (K,), and return the codes of these."""
    places = np.searchsorted(known, numbers).clip(max=len(known) - 1)
    found = np.where(known[places] == numbers, codes[places], UNSEEN)
    return np.where(np.isnan(numbers), np.nan, found)


def _order(name: str, array: pa.ChunkedArray | pa.Array, distinct: pa.Array) -> pa.Array:
    """Return the order in which the distinct values get their codes."""
    if isinstance(array.type, pa.DictionaryType):
        whole = pa.chunked_array(array) if isinstance(array, pa.Array) else array
        dictionary = whole.unify_dictionaries().chunk(0).dictionary
        known = canonical(name, dictionary, array.type)
        return pc.sort_indices(pc.index_in(distinct, value_set=known))
    return pc.sort_indices(distinct)


def _to_type(values: pa.Array, arrow_type: pa.DataType) -> pa.Array:
    """Cast canonical values to the column's own type."""
    if pa.types.is_floating(values.type):
        return from_numbers(values.to_numpy(zero_copy_only=False), arrow_type)
    return pc.cast(values, value_type(arrow_type))


def _to_json(values: pa.Array, arrow_type: pa.DataType) -> tuple[Value, ...]:
    """Return canonical values in JSON form."""
    if family(arrow_type) is Family.INSTANT:
        return tuple(_to_type(values, arrow_type).cast(pa.string()).to_pylist())
    if pa.types.is_float16(value_type(arrow_type)) or pa.types.is_float32(value_type(arrow_type)):
        shortest = _to_type(values, arrow_type).to_numpy().astype(str)
        return tuple(shortest.astype(np.float64).tolist())
    return tuple(values.to_pylist())
