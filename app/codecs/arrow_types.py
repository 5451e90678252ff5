"""Values in the type that an Arrow answer has them in: the column's own, wherever it holds them."""

import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.values.arrow_types import Family, family, value_type
from madeira.models.values.numbers import from_numbers, to_numbers

__all__ = ["as_type", "drawn_as"]


def as_type(name: str, array: pa.Array, arrow_type: pa.DataType) -> pa.Array:
    """Values that a column has accepted, in its own type, nothing lost.

    Args:
        name: Of the column, for errors.
        array: Values, (rows,).
        arrow_type: Type of the column. Where it cannot hold the values one is taken that can:
            64 bits, microseconds, text. A dictionary stays one, of values of that type.
    """
    plain = value_type(arrow_type)
    if pa.types.is_string_view(plain):  # Arrow cannot yet take from them
        plain = arrow_type = pa.large_string()
    if array.type == arrow_type:
        return array
    if array.null_count == len(array):
        return pa.nulls(len(array), plain)
    if isinstance(array, pa.DictionaryArray):
        values = as_type(name, array.dictionary, plain)
        return pa.DictionaryArray.from_arrays(array.indices.cast(pa.int32()), values)
    values = array
    if family(plain) is Family.INSTANT and family(values.type) is Family.TEXT:
        values = from_numbers(to_numbers(name, values, arrow_type), _finest(plain))
    for target in (arrow_type, *_wider(plain)):
        try:
            cast = values.cast(target)
            if pc.all(pc.equal(cast.cast(values.type), values)).as_py():
                return cast
        except pa.ArrowException:
            continue
    # Drawn values stand beside these: a column of text has to be one of text.
    return _as_text(values) if family(plain) is Family.TEXT else values


def _as_text(values: pa.Array) -> pa.Array:
    try:
        return values.cast(pa.large_string())
    except pa.ArrowException:  # Arrow does not write all decimals and floats
        texts = [None if value is None else str(value) for value in values.to_pylist()]
        return pa.array(texts, pa.large_string())


def drawn_as(name: str, drawn: pa.Array, target: pa.DataType) -> pa.Array:
    """Values that the model drew, in the type that `as_type` gave the observed ones.

    Args:
        name: Of the column, for errors.
        drawn: Values, (rows,), in the column's own type.
        target: The type wanted.
    """
    if drawn.type == target:
        return drawn
    values = drawn.dictionary_decode() if isinstance(drawn, pa.DictionaryArray) else drawn
    plain = value_type(target)
    if family(values.type) is Family.BOOLEAN and family(plain) is Family.NUMBER:
        values = values.cast(pa.int8())
    if family(plain) in (Family.NUMBER, Family.INSTANT):
        values = from_numbers(to_numbers(name, values, values.type), plain)
    else:
        values = values.cast(plain)
    return values.dictionary_encode() if isinstance(target, pa.DictionaryType) else values


def _finest(kind: pa.DataType) -> pa.DataType:
    return pa.timestamp("us", kind.tz if isinstance(kind, pa.TimestampType) else None)


def _wider(kind: pa.DataType) -> list[pa.DataType]:
    """Types that hold more values of the same family."""
    which = family(kind)
    if which is Family.NUMBER:
        return [*([pa.int64()] if pa.types.is_integer(kind) else []), pa.float64()]
    if which is Family.INSTANT:
        return [_finest(kind)]
    return [pa.large_string()] if which is Family.TEXT else []
