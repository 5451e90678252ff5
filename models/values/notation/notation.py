"""Text that holds numbers or instants: finding its notation, and reading it from `schema.json`."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.values.arrow_types import Family, family
from madeira.models.values.json_record import Record
from madeira.models.values.notation.date_notation import DateNotation
from madeira.models.values.notation.number_notation import NumberNotation
from madeira.models.values.numbers import decoded

__all__ = ["Notation", "find_notation", "notation_from_json"]

Notation = NumberNotation | DateNotation
"""How a column of text writes its numbers or instants."""

_FIRST_DAY, _LAST_DAY = 18_000_101, 21_991_231
_NO_DAYS = (0, 99_999_999)

_NOTATIONS: dict[Family, type[NumberNotation] | type[DateNotation]] = {
    Family.NUMBER: NumberNotation,
    Family.INSTANT: DateNotation,
}


def find_notation(
    array: pa.ChunkedArray | pa.Array, families: Collection[Family] = tuple(_NOTATIONS)
) -> Notation | None:
    """Return the notation that all texts of a column are written in, if there is one.

    Whole numbers such as 20240131, each of them a day, are written in one, too.

    Args:
        array: A column; of other families than text and numbers it has no notation.
        families: What the values may stand for: numbers, instants.
    """
    if family(array.type) is Family.NUMBER and Family.INSTANT in families:
        numbers = pc.unique(decoded(array)).drop_null()
        first = numbers.slice(0, 1).cast(pa.float64(), safe=False).to_pylist()
        days = first and (first[0] in _NO_DAYS or _FIRST_DAY <= first[0] <= _LAST_DAY)
        notation = DateNotation.find(numbers) if days else None
        return notation if notation is not None and notation.numeric else None
    if family(array.type) is not Family.TEXT:
        return None
    distinct = pc.unique(decoded(array).cast(pa.large_string()).drop_null())
    found = (_NOTATIONS[which].find(distinct) for which in families if which in _NOTATIONS)
    return next((notation for notation in found if notation is not None), None)


def notation_from_json(record: Record) -> Notation:
    """Read the entry `notation` of a column.

    Raises:
        SchemaError: Names the field and what was expected.
    """
    which = Family.INSTANT if "pattern" in record.fields else Family.NUMBER
    return _NOTATIONS[which].from_json(record)
