"""JSON in and out: bytes to a document, arrays and tables to bytes.

Tables often have numbers that JSON does not have (`NaN`, `Infinity`) or that no float can hold
(`1e999`), and the caller needs to know the cell. The fast parser reports the byte only. So a body
that it rejects is read again by the standard library, which accepts these numbers as floats; the
check of the cells then names them.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
import orjson
import pyarrow as pa

from madeira.app.codecs.json.not_json import instead_of_body, instead_of_value
from madeira.app.codecs.json.slices import SLICE_BYTES, read_slices
from madeira.app.codecs.json_values import json_values
from madeira.app.errors import InvalidInputError, MalformedBodyError
from madeira.models.echo import cut

__all__ = [
    "AS_JSON",
    "MEDIA_TYPE",
    "decode",
    "encode",
    "encode_rows",
    "kind_of",
    "parse_json",
    "snippets",
]

MEDIA_TYPE = "application/json"

AS_JSON = {b"madeira.json": b"1"}
"""Metadata of a field of a struct whose texts are JSON."""

_SPLIT = re.compile(rb'\{\s*+"dataframe_split"\s*+:\s*+(?=\{)')
_LIST = re.compile(rb"\[\s*+[{\[]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAX_INTEGER_CHARACTERS = 20  # of 64 bits, with or without a sign


def decode(body: bytes, row_limit: int) -> dict[str, Any]:
    """Read a body as one JSON object; a list stands for the `instances` of one.

    Numbers may be NaN or infinite floats, where the body says so.

    Args:
        body: The body.
        row_limit: Most rows; of a large body no more are read.

    Raises:
        MalformedBodyError: The body is not JSON; what to send instead, or line and column.
        InvalidInputError: It is JSON, but neither object nor list; it is large, and not for its
            rows.
    """
    text = body.removeprefix(_BYTE_ORDER_MARK)  # some editors and spreadsheets put it there
    try:
        if len(text) > 4 * SLICE_BYTES:
            return _read_slices(text, row_limit)
        document = parse_json(text)
    except json.JSONDecodeError as error:
        _refuse(text, error)
    except MalformedBodyError:
        if (instead := instead_of_body(text)) is not None:
            raise MalformedBodyError(instead) from None
        raise
    if isinstance(document, list):
        return {"instances": document}
    if not isinstance(document, dict):
        raise InvalidInputError(
            f"The body must be a JSON object, not {kind_of(document)}.{instead_of_value(document)}"
        )
    return document


def _read_slices(text: bytes, row_limit: int) -> dict[str, Any]:
    """Read a large body; one that is a list, or has its rows an object deeper, is unwrapped."""
    stripped = text.strip()
    if _LIST.match(stripped):
        return read_slices(b'{"instances":%b}' % stripped, parse_json, row_limit)
    if (wrapped := _SPLIT.match(stripped)) is None:
        return read_slices(text, parse_json, row_limit)
    try:
        inner = stripped[wrapped.end() : -1]
        return {"dataframe_split": read_slices(inner, parse_json, row_limit)}
    except MalformedBodyError:
        raise MalformedBodyError(
            "The body is not valid JSON: a large one of `dataframe_split` has nothing beside it; "
            "send options in the query."
        ) from None


def parse_json(text: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON, impossible numbers included.

    Raises:
        JSONDecodeError: It is not JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return _parse_with_impossible_numbers(text, error)


def _parse_with_impossible_numbers(text: bytes, refusal: orjson.JSONDecodeError) -> object:
    """Read a text that the fast parser rejected because of numbers out of range.

    Raises:
        JSONDecodeError: There was another reason.
    """
    impossible = False

    def number(literal: str) -> float:
        nonlocal impossible
        value = float(literal)
        impossible = impossible or not math.isfinite(value)
        return value

    def integer(literal: str) -> int | float:
        # int() takes quadratic time; a number of more than 64 bits is a float, as elsewhere.
        value = int(literal) if len(literal) <= _MAX_INTEGER_CHARACTERS else 2**64
        return value if -(2**63) <= value < 2**64 else number(literal)

    try:
        document = json.loads(
            text.decode("utf-8"), parse_constant=number, parse_float=number, parse_int=integer
        )
        # Halves of surrogate pairs pass the standard library and could not be answered.
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError):
        raise refusal from None
    if not impossible:
        raise refusal
    return document


def _refuse(text: bytes, error: json.JSONDecodeError) -> NoReturn:
    instead = instead_of_body(text)
    if instead is not None:
        raise MalformedBodyError(instead) from None
    reason = error.msg.partition(": line ")[0]
    raise MalformedBodyError(
        f"The body is not valid JSON: line {error.lineno}, column {error.colno}: {reason}."
    ) from error


def kind_of(value: object) -> str:
    """Return what a decoded value is, in the words of JSON, for an error message."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {cut(value, 40)!r}"
        case list():
            return "a list"
        case _:
            return "an object"


def encode(document: object) -> bytes:
    """Write a document; NumPy arrays in it become lists, NaN becomes null."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def encode_rows(
    names: Sequence[str],
    columns: Sequence[pa.Array | list[bytes] | bytes],
    rows: int,
    separator: bytes = b",",
) -> bytes:
    """Write rows as JSON objects with a separator between them, without the brackets around.

    Args:
        names: Names of the columns.
        columns: Values of each, (rows,), as Arrow has them or in JSON; or one snippet of JSON that
            all rows share.
        rows: How many there are.
        separator: What stands between two rows.
    """
    return separator.join(_objects(names, [_written(column, rows) for column in columns]))


def _written(column: pa.Array | list[bytes] | bytes, rows: int) -> list[bytes]:
    if isinstance(column, bytes):
        return [column] * rows
    return column if isinstance(column, list) else snippets(column)


def _objects(names: Sequence[str], columns: Sequence[list[bytes]]) -> Iterator[bytes]:
    """Each row as an object: one template puts its snippets together.

    That is twice as fast as a dictionary a row.
    """
    keys = (orjson.dumps(name).replace(b"%", b"%%") for name in names)
    template = b"{" + b",".join(key + b":%b" for key in keys) + b"}"
    return map(template.__mod__, zip(*columns, strict=True))


def snippets(array: pa.Array | pa.ChunkedArray) -> list[bytes]:
    """Each value of a column as JSON, (rows,); structs are objects."""
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if not len(whole):
        return []
    kind = whole.type
    if pa.types.is_struct(kind):
        return _or_null(whole, _objects([field.name for field in kind], _fields(whole)))
    if pa.types.is_list(kind):
        values, ends = snippets(whole.flatten()), whole.value_lengths().fill_null(0).to_numpy()
        ends = ends.cumsum().tolist()
        parts = (
            b"[%b]" % b",".join(values[start:end])
            for start, end in zip([0, *ends], ends, strict=False)
        )
        return _or_null(whole, parts)
    floating = pa.types.is_float32(kind) or pa.types.is_float64(kind)
    if floating or (pa.types.is_integer(kind) and not whole.null_count):
        numbers = np.ascontiguousarray(whole.to_numpy(zero_copy_only=False))  # null is NaN
        return orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")
    if not isinstance(whole, pa.DictionaryArray):
        whole = whole.dictionary_encode()
    distinct = [*map(orjson.dumps, json_values(whole.dictionary)), b"null"]
    indices = whole.indices.fill_null(len(distinct) - 1).to_numpy(zero_copy_only=False)
    shared: list[bytes] = np.array(distinct, dtype=object)[indices].tolist()
    return shared


def _fields(array: pa.StructArray) -> list[list[bytes]]:
    """Return the values of each field of a struct as JSON; those of a null are null."""
    return [
        [b"null" if text is None else text.encode() for text in values.to_pylist()]
        if field.metadata == AS_JSON
        else snippets(values)
        for field, values in zip(array.type, array.flatten(), strict=True)
    ]


def _or_null(array: pa.Array, parts: Iterator[bytes]) -> list[bytes]:
    """Return the parts, (rows,), but null where the array is."""
    if not array.null_count:
        return list(parts)
    known = array.is_valid().to_numpy(zero_copy_only=False).tolist()
    return [part if one else b"null" for part, one in zip(parts, known, strict=True)]
