"""Tables to comma-separated values, a column at a time: no loop over rows.

A missing value is an empty cell. Numbers are the shortest that read back the same, instants ISO
8601, a struct is one column a field, `contributions.income` say, and a list is JSON. Only texts
that need quotes have them.
"""

import pyarrow as pa
import pyarrow.compute as pc

from madeira.app.codecs.json.text import snippets
from madeira.app.codecs.json_values import json_values
from madeira.models.values.numbers import to_numbers

__all__ = ["CsvWriter"]

_NEEDS_QUOTES = '[",\r\n]|^\\s|\\s$|^$'
_COMMA, _NEWLINE, _QUOTE, _NOTHING = (
    pa.scalar(text, pa.large_string()) for text in (",", "\n", '"', "")
)
_TIME = "%Y-%m-%dT%H:%M:%S"


class CsvWriter:
    """Writes a table part by part.

    Args:
        header: Whether the names of the columns come first.
    """

    def __init__(self, *, header: bool) -> None:
        self._header = header

    def write(self, table: pa.Table) -> bytes:
        """Write the next rows."""
        while any(map(pa.types.is_struct, table.schema.types)):
            table = table.flatten()
        head = b""
        if self._header:
            names = _quoted(pa.array(table.column_names, pa.large_string()))
            head = ",".join(names.to_pylist()).encode() + b"\n"
            self._header = False
        if not table.num_rows:
            return head
        columns = [_texts(column.combine_chunks()) for column in table.columns]
        # A line without anything in it would be no row to most readers.
        empty = pa.scalar('""', pa.large_string()) if len(columns) == 1 else _NOTHING
        filled = [pc.fill_null(column, empty) for column in columns]
        rows = filled[0] if len(filled) == 1 else pc.binary_join_element_wise(*filled, _COMMA)
        return head + _joined(pc.binary_join_element_wise(rows, _NOTHING, _NEWLINE))

    def close(self) -> bytes:
        """Nothing follows the last row."""
        return b""


def _joined(texts: pa.Array) -> bytes:
    """Return all texts one behind the other, as they stand in memory."""
    _, _, data = texts.buffers()
    joined: bytes = data.to_pybytes()
    return joined


def _texts(array: pa.Array) -> pa.Array:
    """Return the cells of a column as they stand in the file, (rows,) large string."""
    kind = array.type
    if isinstance(array, pa.DictionaryArray):
        return _texts(array.dictionary).take(array.indices)
    if pa.types.is_timestamp(kind):
        return _instants(array)
    if pa.types.is_list(kind):
        return _quoted(pa.array([part.decode() for part in snippets(array)], pa.large_string()))
    if pa.types.is_duration(kind) or (pa.types.is_decimal(kind) and kind.scale < 0):
        array = pa.array(to_numbers("", array, kind), from_pandas=True)  # durations in seconds
    elif pa.types.is_float16(kind):
        array = array.cast(pa.float32())
    texts = array.cast(pa.large_string())
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return _quoted(texts) if is_text or pa.types.is_string_view(kind) else texts


def _instants(array: pa.Array) -> pa.Array:
    try:
        zone = "%Ez" if array.type.tz is not None else ""
        return pc.strftime(array, _TIME + zone).cast(pa.large_string())
    except pa.ArrowException:  # a zone that Arrow has no rules of
        return pa.array(json_values(array), pa.large_string())


def _quoted(texts: pa.Array) -> pa.Array:
    """Return texts with quotes around those that need them."""
    needs = pc.match_substring_regex(texts, _NEEDS_QUOTES)
    if not pc.any(needs, min_count=0).as_py():
        return texts
    doubled = pc.replace_substring(texts, '"', '""')
    quoted = pc.binary_join_element_wise(_QUOTE, doubled, _QUOTE, _NOTHING)
    return pc.if_else(needs, quoted, texts)
