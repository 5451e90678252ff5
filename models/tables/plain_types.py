"""Arrow types that hold what a plainer one holds, and for which Arrow has few functions.

String views are strings, run-end encoded values are values, UUIDs are their texts, and extension
types are what they are stored as.
"""

import uuid

import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.echo import quoted
from madeira.models.errors import CellError, TableError

__all__ = ["is_plain", "with_plain_types"]


def with_plain_types(table: pa.Table) -> pa.Table:
    """Return a table without views, run ends and extension types.

    Raises:
        TableError: A column has a time zone that is not known here.
    """
    for place, field in enumerate(table.schema):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if isinstance(kind, pa.TimestampType) and kind.tz is not None:
            _check_zone(field.name, kind.tz)
        if not is_plain(field.type):
            parts = [_plain(chunk) for chunk in table.column(place).chunks]
            column = pa.chunked_array(parts) if parts else _plain(pa.array([], field.type))
            table = table.set_column(place, field.name, column)
    return table


def is_plain(kind: pa.DataType) -> bool:
    """Whether a type is left as it is."""
    if pa.types.is_dictionary(kind):
        return is_plain(kind.value_type)
    views = pa.types.is_string_view(kind) or pa.types.is_binary_view(kind)
    odd = views or pa.types.is_run_end_encoded(kind) or isinstance(kind, pa.BaseExtensionType)
    return not odd


def _plain(array: pa.Array) -> pa.Array:
    """Return the same values as a plain array."""
    kind = array.type
    if isinstance(array, pa.DictionaryArray):
        return pa.DictionaryArray.from_arrays(
            array.indices, _plain(array.dictionary), ordered=kind.ordered
        )
    if isinstance(array, pa.ExtensionArray):
        if kind.extension_name == "arrow.uuid":
            values = array.storage.to_pylist()
            texts = [None if one is None else str(uuid.UUID(bytes=one)) for one in values]
            return pa.array(texts, pa.string())
        return _plain(array.storage)
    if pa.types.is_run_end_encoded(kind):
        return _plain(pc.run_end_decode(array))
    if pa.types.is_string_view(kind):
        return array.cast(pa.string())
    return array.cast(pa.binary()) if pa.types.is_binary_view(kind) else array


def _check_zone(name: str, zone: str) -> None:
    """Check that a time zone is known.

    Raises:
        TableError: It is not.
    """
    try:
        pc.assume_timezone(pa.scalar(0, pa.timestamp("s")), zone)
    except pa.ArrowInvalid as error:
        message = f"its time zone {quoted(zone)} is not known here; give times in UTC instead"
        raise TableError([CellError(None, name, message)]) from error
