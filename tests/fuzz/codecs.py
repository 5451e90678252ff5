"""What reads bytes, and whole inputs to begin with: the targets of the fuzzers of bytes.

A target reads an input to the end, or raises an error of the error trees. Anything else is a fault.
"""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from madeira.app.codecs.arrow import stream
from madeira.app.codecs.arrow.format import ArrowFileFormat
from madeira.app.codecs.csv.format import CsvFormat
from madeira.app.codecs.format import Format
from madeira.app.codecs.formats import JSON
from madeira.app.codecs.json import text
from madeira.app.codecs.json.slices import read_slices
from madeira.app.codecs.json.table import encode_given, encode_table, json_table
from madeira.app.codecs.ndjson.format import NdjsonFormat
from madeira.app.codecs.npy.format import NpyFormat
from madeira.app.codecs.parquet.format import ParquetFormat
from madeira.app.codecs.request_tables import columns_to_read, encode_arrow, row_objects
from madeira.app.codecs.schema.yaml import read_document
from madeira.app.errors import RequestError
from madeira.app.http.multipart import read_form
from madeira.models.errors import ModelsError
from madeira.models.schema.overrides import overrides_of
from madeira.models.schema.schema import Schema
from madeira.models.tables import source
from madeira.models.tables.bad_cells import without_bad_cells
from madeira.models.tables.files import read_with_notes
from madeira.models.tables.reading import ReadOptions
from madeira.models.values.notation.notation import find_notation
from tests.app.kinds import every_kind, training_table
from tests.models.tables.workbook import workbook

__all__ = ["TARGETS", "Target"]

ROW_LIMIT = 1000
LIMIT_BYTES = 10**7
SLICE_BYTES = 64

SCHEMA = every_kind()
TABLE = training_table()
ROWS: list[dict[str, Any]] = [
    {"text": "red", "flag": True, "float": 1.5, "whole": 3, "clock": "2024-01-02T03:04:05Z"},
    {"day": "2024-01-02", "price": "$3.5", "day_text": "31/12/2020", "unsigned": "12", "few": None},
]
FOLDER = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))  # noqa: S108


@dataclass(frozen=True)
class Target:
    """Something that reads bytes.

    Attributes:
        read: Reads an input.
        seeds: Inputs that are read without an error.
        words: What inputs are often made of.
    """

    read: Callable[[bytes], None]
    seeds: Sequence[bytes]
    words: Sequence[str] = ()


def read_json(data: bytes) -> None:
    with contextlib.suppress(RequestError):
        document = text.decode(data, ROW_LIMIT)
        if isinstance(given := document.get("given"), dict):
            encode_given(given, SCHEMA)
        form = json_table(document)
        encode_table(form, SCHEMA)
        text.encode({"rows": form.objects(0, len(form))})
    with contextlib.suppress(RequestError, json.JSONDecodeError):
        read_slices(data, text.parse_json, ROW_LIMIT, SLICE_BYTES)


def read_arrow(data: bytes) -> None:
    wanted = columns_to_read(SCHEMA, left_out=True)
    with contextlib.suppress(RequestError):
        table = stream.decode(data, wanted, row_limit=ROW_LIMIT, limit_bytes=LIMIT_BYTES)
        encode_arrow(table, SCHEMA)
        text.encode({"rows": row_objects(table, LIMIT_BYTES)})


def read_body(form: Format) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        with contextlib.suppress(RequestError):
            table = form.parse(data, ROW_LIMIT, LIMIT_BYTES).table(SCHEMA, left_out=True)
            table.encode(SCHEMA)
            table.check_objects()
            text.encode({"rows": table.objects(0, len(table))})

    return read


def read_npy(data: bytes) -> None:
    three = Schema(SCHEMA.columns[8:11], ())
    with contextlib.suppress(RequestError):
        NpyFormat().parse(data, ROW_LIMIT, LIMIT_BYTES).table(three, left_out=True).encode(three)


def read_form_body(data: bytes) -> None:
    with contextlib.suppress(RequestError):
        form = read_form(data, b"x", JSON)
        read_body(form.format)(form.file)


def read_file(extension: str) -> Callable[[bytes], None]:
    path = FOLDER / f"table{extension}"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(ModelsError):
            without_bad_cells(read_with_notes(path, ReadOptions()).table)

    return read


def read_schema(data: bytes) -> None:
    with contextlib.suppress(ModelsError):
        document = read_document("schema.yaml", data.decode("utf-8", "replace"))
        if not isinstance(document.value, dict):
            return
        try:
            if "columns" in document.value:
                Schema.from_json(document.value)
            else:
                overrides_of(TABLE.column_names, document.value)
        except ModelsError as error:
            document.place(getattr(error, "path", ()))
            raise


def read_notation(data: bytes) -> None:
    texts = data.decode("utf-8", "replace").split("\n")
    with contextlib.suppress(ModelsError):
        notation = find_notation(pa.array(texts))
        if notation is not None:
            notation.write(notation.read("x", pa.array(texts)))
            notation.read("x", pa.array([*texts, "12", "1.5", "2024-01-02"]))


def _stream(table: pa.Table, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _file(table: pa.Table, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def _array(array: np.ndarray) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array)
    return sink.getvalue()


source.MAX_EXPANDED_BYTES = 10**7  # type: ignore[misc]

_CSV = (
    b"\xef\xbb\xbfa,a\n1,2\n",
    "größe,n\nä,1\n".encode("cp1252"),
    "a,b\n1,2\n".encode("utf-16"),
    b"# by us\ntitle\na,b,c\n1,2,3\n1,2\n1,2,3\n1,2,3\n",
    b'a,b\n1,"x\ny"\n"2,3',
    b"name,size,when\nred,1.5,2024-01-02\nblue,,2024-02-03\n",
    b'a;b\n"x;y";1,5\nz;-2,25\n',
    b"a\tb\n01234\ttrue\n9\tFALSE\n",
    b"t\n12:30\n12:30:15.5\n",
)
_CSV_BODIES = (
    b"text,float,whole,flag\nred,1.5,3,true\nNA,,4.0,0\n",
    b'text;price;day\n"re""d";$3,5;2024-01-02\n',
    b"many\tunsigned\tclock\nword 1\t18446744073709551615\t2024-01-02T03:04:05Z\n",
)
_FEW = TABLE.slice(0, 2).select(["text", "float"])

TARGETS = {
    "json": Target(
        read_json,
        [
            orjson.dumps({"model": "a", "rows": ROWS}),
            orjson.dumps({"columns": list(ROWS[0]), "data": [list(ROWS[0].values())], "seed": 1}),
            orjson.dumps({"n": 1, "given": ROWS[1]}),
            b'{"rows":[{"float":NaN},{"whole":1e999,"text":"\\ud83d\\ude00"}]}',
        ],
        ['{"rows":[', '"data":[[', '"columns":', '"float":', "NaN", "1e999", "\\ud800", "},{"],
    ),
    "arrow": Target(
        read_arrow,
        [
            _stream(_FEW),
            *(_stream(TABLE.slice(0, 2).select([name])) for name in ("coded", "view", "zoned")),
            _stream(_FEW, "zstd"),
            _stream(_FEW, "lz4"),
        ],
    ),
    "csv_body": Target(
        read_body(CsvFormat()), _CSV_BODIES, ["NA", '""', "\r\n", "1,5", ";", "inf"]
    ),
    "ndjson": Target(
        read_body(NdjsonFormat()),
        [b"\n".join(map(orjson.dumps, ROWS)), b'{"float":NaN}\r\n\n{"whole":"1e999"}'],
        ["{}", '"float":', "null", "\n", "1e999"],
    ),
    "parquet_body": Target(
        read_body(ParquetFormat()),
        [
            _parquet(_FEW),
            *(_parquet(TABLE.slice(0, 2).select([name])) for name in ("coded", "zoned", "decimal")),
            _parquet(_FEW, column_encoding={"text": "DELTA_BYTE_ARRAY"}, use_dictionary=False),
        ],
    ),
    "arrow_file": Target(read_body(ArrowFileFormat()), [_file(_FEW), _file(_FEW, "zstd")]),
    "npy": Target(
        read_npy, [_array(np.ones((2, 3))), _array(np.asfortranarray(np.ones((2, 3), int)))]
    ),
    "form": Target(
        read_form_body,
        [
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
            b"Content-Type: text/csv\r\n\r\ntext\nred\r\n--x\r\n"
            b'Content-Disposition: form-data; name="seed"\r\n\r\n7\r\n--x--\r\n'
        ],
        ["\r\n--x", "--x--", "\r\n\r\n", "filename=", "Content-Type: "],
    ),
    "csv": Target(
        read_file(".csv"),
        _CSV,
        ["NA", "None", "2024-01-02", "true", "\r\n", '""', "1,5", ";", "# ", "sep=", "\xff"],
    ),
    "json_file": Target(
        read_file(".json"), [b'{"a": 1, "b": "x"}\n{"a": 2.5}\n', b'[{"a": null}]'], ["{}", "NaN"]
    ),
    "compressed": Target(
        read_file(".csv.gz"),
        [
            gzip.compress(_CSV[0]),
            bz2.compress(_CSV[0]),
            lzma.compress(_CSV[0]),
            pa.compress(_CSV[0], "zstd", asbytes=True),
        ],
    ),
    "workbook": Target(read_file(".xlsx"), [workbook([["a", "b"], [1, "x"], [2.5, "45322d"]])]),
    "parquet": Target(read_file(".parquet"), [_parquet(_FEW)]),
    "schema": Target(
        read_schema,
        [
            b"text: categorical\nfloat: {kind: left_out, reason: private}\n",
            b'day_text: {"kind": "datetime", "pattern": "%d/%m/%Y"}\n',
            *(
                orjson.dumps({"format_version": 1, "columns": [column], "left_out": []})
                for column in SCHEMA.to_json()["columns"]
            ),
        ],
        [
            "kind: ",
            "pattern",
            "categories",
            "arrow_type",
            "notation",
            "timestamp[",
            "- ",
            "&a",
            "!",
        ],
    ),
    "notation": Target(
        read_notation,
        [
            b"$1,234.50\n$2.00",
            b"12,5 %\n3 %",
            b"31/12/2020\n01/02/2021",
            b"(5)\n7",
            b"1.234,5 \xe2\x82\xac",
        ],
        ["2024-01-02T03:04:05", "+05:30", "Jan", "AM", "EUR", "%", "'", "-"],
    ),
}
