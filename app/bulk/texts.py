"""Cells of a CSV file, all of them texts, as the columns of a model take them.

The model knows what its columns are, so nothing is guessed from the rows at hand: `01234` is a text
in a column of texts and a number in one of numbers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.tables.csv_types import NULL_TEXTS, NUMBER_NULL_TEXTS
from madeira.models.values.arrow_types import Family, family, is_integer, parse_type, value_type
from madeira.models.values.numbers import from_numbers, to_numbers

__all__ = ["cleaned", "typed"]

Description = Mapping[str, Any]
"""A column as `Schema.describe` gives it."""


def cleaned(table: pa.Table, columns: Sequence[Description], decimal_point: str) -> pa.Table:
    """Return texts trimmed, null where a word means that a cell is missing.

    Args:
        table: Texts.
        columns: The columns of the model; others of the table stay as they are.
        decimal_point: `.` or `,`.
    """
    for column in columns:
        name = column["name"]
        if name not in table.column_names:
            continue
        texts = pc.utf8_trim_whitespace(table.column(name))
        words = set(NULL_TEXTS) - set(map(str, column.get("categories", ())))
        missing = pc.is_in(texts, pa.array(sorted(words)))
        if "categories" not in column:
            missing = pc.or_(missing, pc.is_in(pc.utf8_lower(texts), pa.array(NUMBER_NULL_TEXTS)))
        texts = pc.if_else(missing, pa.scalar(None, texts.type), texts)
        if decimal_point != "." and family(parse_type(column["type"])) is Family.NUMBER:
            texts = pc.replace_substring(texts, decimal_point, ".")
        table = table.set_column(table.column_names.index(name), name, texts)
    return table


def typed(table: pa.Table, columns: Sequence[Description]) -> pa.Table:
    """Return texts that a model has accepted in the types of its columns.

    Args:
        table: What `cleaned` gave.
        columns: The columns of the model; others of the table stay texts.

    Raises:
        TableError: A text cannot be read as the type of its column.
    """
    for column in columns:
        name = column["name"]
        if name in table.column_names:
            values = _typed(name, table.column(name), value_type(parse_type(column["type"])))
            table = table.set_column(table.column_names.index(name), name, values)
    return table


def _typed(name: str, texts: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | pa.Array:
    which = family(kind)
    if which is Family.BOOLEAN:
        true = pc.is_in(pc.utf8_lower(texts), pa.array(["true", "1"]))
        return pc.if_else(pc.is_valid(texts), true, pa.scalar(None, pa.bool_()))
    if which is Family.NUMBER and is_integer(kind):
        try:
            return pc.cast(texts, pa.int64())
        except pa.ArrowInvalid:  # a fraction, which is observed all the same
            return pa.array(to_numbers(name, texts, kind), from_pandas=True)
    if which in (Family.NUMBER, Family.INSTANT):
        return from_numbers(to_numbers(name, texts, kind), kind)
    return texts
