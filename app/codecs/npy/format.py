"""The format of NumPy arrays: rows of numbers in the order of the model's columns, without names.

The head is read by its grammar, not evaluated, and its shape has to be that of the bytes behind
it. NaN is a missing value.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from madeira.app.codecs.answer_tables import filled_tables
from madeira.app.codecs.answers import FilledTable
from madeira.app.codecs.table_format import TableFormat
from madeira.app.errors import (
    BodyTooLargeError,
    InvalidInputError,
    MalformedBodyError,
    NotAcceptableError,
)
from madeira.models.columns.base import Column
from madeira.models.echo import quoted
from madeira.models.schema.schema import Schema
from madeira.models.values.arrow_types import Family, family

__all__ = ["NpyFormat"]

_MAGIC = b"\x93NUMPY"
_HEAD = re.compile(
    rb"\{'descr': '([<>|=][a-z][0-9]{1,2})', 'fortran_order': (True|False), "
    rb"'shape': \(([0-9]{1,18}), ([0-9]{1,18})\),? ?\}[ \n]*"
)
_KINDS = "biuf"


class NpyFormat(TableFormat):
    """An array of two dimensions, as `numpy.save` writes it."""

    media_type = "application/x-npy"
    aliases = ("application/npy",)
    short = "npy"
    name = "a NumPy array"
    description = (
        "A NumPy array of numbers, `(rows, columns)`, in the order of the model's columns; NaN is "
        "missing."
    )
    memory_factor = 2

    def read(
        self,
        content: bytes,
        schema: Schema,
        wanted: Callable[[Sequence[str]], Sequence[int]],
        *,
        row_limit: int,
        limit_bytes: int,
    ) -> pa.Table:
        """See `TableFormat`."""
        array = _read(content)
        rows, width = array.shape
        if width != len(schema.columns):
            raise InvalidInputError(
                f"The array has {width} columns, and the model has {len(schema.columns)}: send all "
                "of them, in the order of the model, NaN where one is missing."
            )
        if rows > row_limit:
            raise InvalidInputError(
                f"{rows} rows are over the limit of {row_limit}; send several requests."
            )
        if 8 * array.size > limit_bytes:
            raise BodyTooLargeError(limit_bytes)
        return pa.table(
            {
                column.name: _column(column, array[:, place])
                for place, column in enumerate(schema.columns)
            }
        )

    def filled(self, answer: FilledTable) -> Iterator[bytes]:
        """See `Format`; the columns of the model alone, in its order."""
        tables = (table.select(answer.schema.names) for table in filled_tables(answer))
        return self._written(answer, tables, answer.draws * len(answer.values))

    def writer(self, schema: pa.Schema, metadata: Mapping[str, str], rows: int) -> "_Writer":
        """See `TableFormat`; raises NotAcceptableError for columns that are no numbers."""
        return _Writer(schema, rows)


def _read(content: bytes) -> np.ndarray:
    """Return the array, which points into the body.

    Raises:
        MalformedBodyError: It is not one, or not whole.
        InvalidInputError: It is not one of numbers in two dimensions.
    """
    version, wide = content[6:7], content[6:7] == b"\x02"
    if not content.startswith(_MAGIC) or version not in (b"\x01", b"\x02"):
        raise MalformedBodyError("The body is not a NumPy array, as `numpy.save` writes it.")
    begin = 12 if wide else 10
    size = int.from_bytes(content[8:begin], "little")
    head = _HEAD.fullmatch(content, begin, min(begin + size, len(content)))
    if head is None:
        raise InvalidInputError(
            "The array has to be one of numbers in two dimensions, (rows, columns), as "
            "`numpy.save` writes it."
        )
    name, fortran, rows, columns = head.groups()
    try:
        kind = np.dtype(name.decode())
    except TypeError:
        kind = np.dtype(object)
    if kind.kind not in _KINDS:
        raise InvalidInputError(f"An array of {quoted(name.decode())} is not one of numbers.")
    shape = int(rows), int(columns)
    expected = shape[0] * shape[1] * kind.itemsize
    if len(content) - begin - size != expected:
        raise MalformedBodyError(
            f"The array says that it has {expected} bytes, and {len(content) - begin - size} were "
            "sent."
        )
    flat = np.frombuffer(content, kind, offset=begin + size)
    return flat.reshape(shape, order="F" if fortran == b"True" else "C")


def _column(column: Column, numbers: np.ndarray) -> pa.Array:
    """Return numbers as a column has them, null where NaN."""
    values = pa.array(np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("=")))
    if pa.types.is_floating(values.type):
        values = pa.array(np.asarray(numbers, np.float64), from_pandas=True)
    which = family(column.arrow_type)
    if which is Family.BOOLEAN and values.null_count < len(values):
        truths = values.cast(pa.bool_())
        return truths if truths.cast(values.type).equals(values) else values
    return values


class _Writer:
    """Writes columns of numbers, row by row."""

    def __init__(self, schema: pa.Schema, rows: int) -> None:
        self._rows = rows
        self._head = b""
        for field in _flat(schema):
            if family(field.type) not in (Family.NUMBER, Family.BOOLEAN, Family.EMPTY):
                raise NotAcceptableError(
                    f"An array of numbers cannot have column {quoted(field.name)}, which is "
                    f"{field.type}; accept another format, such as Arrow or CSV."
                )
        sink = io.BytesIO()
        shape = rows, len(_flat(schema))
        head = {"descr": "<f8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(sink, head)
        self._head = sink.getvalue()

    def write(self, table: pa.Table) -> bytes:
        """Write the next rows."""
        head, self._head = self._head, b""
        while any(map(pa.types.is_struct, table.schema.types)):
            table = table.flatten()
        numbers = np.empty((table.num_rows, table.num_columns))
        for place, column in enumerate(table.columns):
            numbers[:, place] = column.cast(pa.float64()).to_numpy()
        return head + numbers.tobytes()

    def close(self) -> bytes:
        """Nothing follows the last row."""
        return b""


def _flat(schema: pa.Schema) -> list[pa.Field]:
    """Return the columns, those of structs in their place."""
    return [
        field
        for one in schema
        for field in ((one.flatten()) if pa.types.is_struct(one.type) else [one])
    ]
