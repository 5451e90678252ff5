"""Values of Arrow columns as JSON has them."""

from itertools import chain
from typing import Any

import pyarrow as pa

from madeira.models.values.numbers import to_numbers

__all__ = ["json_values"]


def json_values(array: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Return the values of a column as JSON has them: times as ISO 8601, durations in seconds.

    Args:
        array: Values, (rows,).
    """
    kind = array.type
    if isinstance(array, pa.ChunkedArray):
        return list(chain.from_iterable(map(json_values, array.chunks)))
    if isinstance(array, pa.DictionaryArray):
        distinct = [*json_values(array.dictionary), None]
        places = array.indices.cast(pa.int64()).fill_null(len(distinct) - 1).to_pylist()
        return [distinct[place] for place in places]
    if pa.types.is_decimal(kind):
        array = pa.array(to_numbers("", array, kind), from_pandas=True)
    elif isinstance(kind, pa.TimestampType) and kind.unit == "ns":
        # Python's datetime ends at microseconds.
        array = array.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    elif pa.types.is_duration(kind):
        array = pa.array(to_numbers("", array, kind), from_pandas=True)
    values: list[Any] = array.to_pylist()
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        values = [value if value is None else value.isoformat() for value in values]
    return values
