"""Arrow types: which family of values a type holds, and its name in `schema.json`.

The width of integers does not matter to a column, only their family: every Arrow type falls
into one `Family`, and the kinds of columns are written against families.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import pyarrow as pa

__all__ = [
    "Family",
    "check_texts",
    "family",
    "is_integer",
    "parse_type",
    "type_name",
    "value_type",
]


class Family(StrEnum):
    """Family of the values of an Arrow type, in the words of an error message."""

    EMPTY = "nothing but null"
    BOOLEAN = "true or false"
    NUMBER = "a number"
    TEXT = "text"
    INSTANT = "a date or a time stamp"
    TIME = "a time of day"
    DURATION = "a duration, such as a number of seconds"
    OTHER = "values of another type"


def value_type(arrow_type: pa.DataType) -> pa.DataType:
    """Return the type of the values: that of the dictionary for dictionary-encoded types."""
    if isinstance(arrow_type, pa.DictionaryType):
        return value_type(arrow_type.value_type)
    return arrow_type


def family(arrow_type: pa.DataType) -> Family:
    """Return the family of an Arrow type; dictionary-encoded types go by their values."""
    plain = value_type(arrow_type)
    types = pa.types
    if types.is_null(plain):
        return Family.EMPTY
    if types.is_boolean(plain):
        return Family.BOOLEAN
    if types.is_integer(plain) or types.is_floating(plain) or types.is_decimal(plain):
        return Family.NUMBER
    if types.is_string(plain) or types.is_large_string(plain) or types.is_string_view(plain):
        return Family.TEXT
    if types.is_date(plain) or types.is_timestamp(plain):
        return Family.INSTANT
    if types.is_time(plain):
        return Family.TIME
    return Family.DURATION if types.is_duration(plain) else Family.OTHER


def is_integer(arrow_type: pa.DataType) -> bool:
    """Whether the values are whole numbers by their type."""
    return bool(pa.types.is_integer(value_type(arrow_type)))


def type_name(arrow_type: pa.DataType) -> str:
    """Return the name that `parse_type` reads back.

    >>> type_name(pa.timestamp("us", tz="Europe/Berlin"))
    'timestamp[us, tz=Europe/Berlin]'
    """
    return str(arrow_type)


MAX_NAME = 200
"""Most characters of the name of a type."""

_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns), tz=(.+)\]")
_DECIMAL = re.compile(r"(decimal(?:32|64|128|256))\((\d+), (-?\d+)\)")
_DICTIONARY = re.compile(r"dictionary<values=(.+), indices=(\w+), ordered=([01])>")


def parse_type(name: str) -> pa.DataType:
    """Return the Arrow type of a name that `type_name` wrote.

    Raises:
        ValueError: The name is not one of a type that columns can have.

    >>> parse_type("dictionary<values=string, indices=int8, ordered=0>").value_type
    DataType(string)
    """
    if len(name) > MAX_NAME:
        raise ValueError("the name of a type is not so long")
    if match := _TIMESTAMP.fullmatch(name):
        unit: Any = match[1]
        return pa.timestamp(unit, tz=match[2])
    if match := _DECIMAL.fullmatch(name):
        decimal: pa.DataType = getattr(pa, match[1])(int(match[2]), int(match[3]))
        return decimal
    if match := _DICTIONARY.fullmatch(name):
        index: Any = parse_type(match[2])
        return pa.dictionary(index, parse_type(match[1]), ordered=match[3] == "1")
    return pa.type_for_alias(name)


def check_texts(fields: Iterable[pa.Field]) -> None:
    """Check that names and time zones are text: Arrow hands on any bytes that a file has there.

    Args:
        fields: Columns, or what they consist of.

    Raises:
        UnicodeDecodeError: One of them is not UTF-8.
    """
    for field in fields:
        _ = field.name
        kind = field.type
        if isinstance(kind, pa.DictionaryType):
            kind = kind.value_type
        if isinstance(kind, pa.TimestampType):
            _ = kind.tz
        check_texts(kind.field(place) for place in range(kind.num_fields))
