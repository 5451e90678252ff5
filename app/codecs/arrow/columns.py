"""Columns of an Arrow stream, converted from legal but odd forms to usual ones.

Arrow's instants reach beyond the years that calendars have, its zones may be of no place, and its
dictionaries may hold null, and values that no cell refers to.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from madeira.app.errors import InvalidInputError
from madeira.models.echo import cut, quoted
from madeira.models.errors import CellError
from madeira.models.values.arrow_types import Family, family

__all__ = ["readable"]

MAX_ZONE = 100
"""Most characters of the name of a time zone."""

_TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_FIRST_S, _AFTER_S = -62_135_510_400, 253_402_214_400  # a day within 0001 and 9999, for any zone


def readable(name: str, array: pa.Array) -> pa.Array:
    """Return the values of a column, (rows,), its dictionary reduced to the values in use.

    Args:
        name: Name of the column.
        array: Its values, (rows,).

    Raises:
        InvalidInputError: Nothing can read its values; the column is named.
    """
    if isinstance(array, pa.DictionaryArray):
        inner = array.type.value_type
        odd = family(inner) is Family.OTHER and not pa.types.is_binary(inner)
        if isinstance(inner, pa.DictionaryType) or odd:
            raise _refusal(name, f"a dictionary of {cut(str(inner))} is not understood")
        array = _compact(array)
        _check_instants(name, array.dictionary)
    else:
        _check_instants(name, array)
    return array


def _compact(array: pa.DictionaryArray) -> pa.DictionaryArray:
    """Return the array with a dictionary of the values that its cells show, null not among them."""
    values = array.dictionary
    if pa.types.is_string_view(values.type):  # Arrow cannot yet take from them
        values = values.cast(pa.large_string())
    shown = array.indices.is_valid().to_numpy(zero_copy_only=False)
    indices = array.indices.fill_null(0).to_numpy(zero_copy_only=False)
    used = np.unique(indices[shown])
    distinct = values.take(pa.array(used))
    known = distinct.is_valid().to_numpy(zero_copy_only=False)
    places = np.zeros(len(array), np.int64)
    places[shown] = np.searchsorted(used, indices[shown])
    shown[shown] = known[places[shown]]
    places[shown] = (np.cumsum(known) - 1)[places[shown]]
    return pa.DictionaryArray.from_arrays(
        pa.array(np.where(shown, places, 0), array.type.index_type, mask=~shown),
        distinct.filter(pa.array(known)),
        ordered=array.type.ordered,
    )


def _check_instants(name: str, array: pa.Array) -> None:
    kind = array.type
    if family(kind) is not Family.INSTANT:
        return
    if isinstance(kind, pa.TimestampType):
        if kind.tz is not None:
            _check_zone(name, kind.tz)
        ticks = _TICKS[kind.unit]
        counts = array.cast(pa.timestamp(kind.unit)).cast(pa.int64())
    elif pa.types.is_date32(kind):
        ticks, counts = 1, pc.multiply(array.cast(pa.int32()).cast(pa.int64()), 86_400)
    else:
        ticks, counts = 1_000, array.cast(pa.int64())
    ends = pc.min_max(counts)
    least, most = ends["min"].as_py(), ends["max"].as_py()
    if least is not None and (least < _FIRST_S * ticks or most >= _AFTER_S * ticks):
        wrong = pc.or_(
            pc.less(counts, max(_FIRST_S * ticks, -(2**63))),
            pc.greater_equal(counts, min(_AFTER_S * ticks, 2**63 - 1)),
        )
        row = pc.index(wrong, True).as_py()
        raise _refusal(name, f"value {row} lies outside the years 1 to 9999")


def _check_zone(name: str, zone: str) -> None:
    try:
        if len(zone) > MAX_ZONE:
            raise ValueError
        instant = pa.scalar(0, pa.timestamp("s", zone))
        instant.as_py()
        pc.year(instant)
    except (pa.ArrowException, ValueError, LookupError, OSError):
        raise _refusal(name, f"the time zone {quoted(zone)} is not known here") from None


def _refusal(name: str, message: str) -> InvalidInputError:
    return InvalidInputError.of_cells([CellError(None, name, message)])
