"""Parquet, Arrow files and NumPy arrays as bodies and answers, honest ones and others."""

import io
import struct
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from madeira.app.codecs.arrow.format import ArrowFileFormat
from madeira.app.codecs.formats import FORMATS
from madeira.app.codecs.npy.format import NpyFormat
from madeira.app.codecs.parquet.format import ParquetFormat
from madeira.app.codecs.request_tables import encode_arrow
from madeira.app.codecs.table_format import TableFormat
from madeira.app.errors import BodyTooLargeError, RequestError
from madeira.models.schema.schema import Schema
from tests.app.alike import as_rows
from tests.app.kinds import every_kind, training_table
from tests.app.running import RunningService, assert_problem

PARQUET, FILE, NPY = (one.media_type for one in (ParquetFormat(), ArrowFileFormat(), NpyFormat()))


@pytest.fixture(scope="module")
def schema() -> Schema:
    return every_kind()


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def file(table: pa.Table, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def npy(array: np.ndarray) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array)
    return sink.getvalue()


def read(form: TableFormat, content: bytes, schema: Schema, **limits: int) -> pa.Table:
    bounds = {"row_limit": 1000, "limit_bytes": 10**7, **limits}
    body = form.parse(content, bounds["row_limit"], bounds["limit_bytes"])
    return body.table(schema, left_out=True)


def post(
    service: RunningService, path: str, body: bytes, kind: str, accept: str, **options: Any
) -> httpx.Response:
    headers = {"content-type": kind, "accept": accept}
    answer = service.client.post(path, content=body, headers=headers, params=options)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == accept
    return answer


@pytest.mark.parametrize("kind", [PARQUET, FILE])
def test_files_are_answered_as_rows_are(
    service: RunningService, shop_table: pa.Table, kind: str
) -> None:
    table = shop_table.slice(0, 40)
    body = parquet(table) if kind == PARQUET else file(table, "zstd")
    opened = pq.read_table if kind == PARQUET else pa.ipc.open_file
    answers = {
        path: opened(io.BytesIO(post(service, path, body, kind, kind, **options).content))
        for path, options in (("/score", {}), ("/impute", {"seed": 3}))
    }
    drawn = opened(io.BytesIO(post(service, "/sample", b"", kind, kind, n=50, seed=3).content))
    if kind == FILE:
        answers = {path: one.read_all() for path, one in answers.items()}
        drawn = drawn.read_all()
    rows = as_rows(table)
    expected = service.post("/score", {"rows": rows})
    assert answers["/score"]["log_likelihood"].to_pylist() == expected["log_likelihood"]
    filled = service.post("/impute", {"rows": rows, "seed": 3})["rows"]
    for name in ("city", "income", "note"):
        assert answers["/impute"][name].to_pylist() == [row[name] for row in filled]
    assert answers["/impute"].schema.metadata[b"madeira.seed"] == b"3"
    sampled = service.post("/sample", {"n": 50, "seed": 3})["rows"]
    assert drawn["income"].to_pylist() == [row["income"] for row in sampled]
    assert drawn.schema.field("born").type == pa.date32()


def test_arrays_are_scored_and_text_is_refused(service: RunningService) -> None:
    names = service.app.state.plane.registry.models["shop"].schema.names
    array = np.full((3, len(names)), np.nan)
    array[:, names.index("income")] = [1000, 2000, 3000]
    array[:, names.index("member")] = [0, 1, np.nan]
    answer = post(service, "/score", npy(array), NPY, NPY)
    rows = [{"income": 1000, "member": False}, {"income": 2000, "member": True}, {"income": 3000}]
    expected = service.post("/score", {"rows": rows})
    assert np.load(io.BytesIO(answer.content))[:, 0].tolist() == expected["log_likelihood"]
    refused = service.client.post("/sample?n=3&format=npy")
    assert "'city'" in assert_problem(refused, 406)["detail"]
    array[1, names.index("city")] = 1
    answer = post(service, "/score", npy(array), NPY, NPY)
    assert '"row": 1, "column": "city"' in answer.headers["x-madeira-warnings"]


@pytest.mark.parametrize("options", [
    {},
    {"compression": "gzip"},
    {"compression": "none", "use_dictionary": False},
    {"data_page_version": "2.0", "row_group_size": 7, "data_page_size": 64},
    {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}},
    {"store_schema": False},
])  # fmt: skip
def test_parquet_as_others_write_it_is_read(schema: Schema, options: dict[str, Any]) -> None:
    table = training_table().drop_columns(["view", "half"])
    found = read(ParquetFormat(), parquet(table, **options), schema)
    assert found.encode(schema) == pytest.approx(encode_arrow(table, schema), nan_ok=True)


def test_the_index_that_pandas_keeps_is_no_column(schema: Schema) -> None:
    table = (
        training_table().select(["text"]).append_column("__index_level_0__", pa.array(range(60)))
    )
    assert read(ParquetFormat(), parquet(table), schema).columns.column_names == ["text"]


FEW = training_table().slice(0, 2).select(["text", "float"])
NUMBERS = np.ones((2, 20))


@pytest.mark.parametrize("form", [ParquetFormat(), ArrowFileFormat(), NpyFormat()])
@pytest.mark.parametrize("part", [0, 1, 6, 20, 0.5, -1])
def test_what_is_cut_off_is_refused(schema: Schema, form: TableFormat, part: float) -> None:
    body = {PARQUET: parquet(FEW), FILE: file(FEW), NPY: npy(NUMBERS)}[form.media_type]
    size = int(part * len(body)) if isinstance(part, float) else part
    with pytest.raises(RequestError) as caught:
        read(form, body[:size], schema)
    assert caught.value.status in (400, 422)


@pytest.mark.parametrize("media_type", [one for one in FORMATS if one != "application/json"])
def test_bodies_of_another_type_than_they_say_are_refused(
    service: RunningService, media_type: str
) -> None:
    bodies = [b"{}", parquet(FEW), file(FEW), npy(NUMBERS), b"", b"\x00" * 100, b"\xff" * 100]
    for body in bodies:
        answer = service.client.post("/score", content=body, headers={"content-type": media_type})
        if not (media_type.endswith("ndjson") and body == b"{}"):
            assert answer.status_code in (400, 422), (media_type, body[:20])


@pytest.mark.parametrize(
    ("array", "detail"),
    [
        (np.ones(3), "two dimensions"),
        (np.ones((2, 19)), "19 columns"),
        (np.array([["a", "b"]]), "two dimensions"),
        (np.zeros(2, [("a", "f8")]), "two dimensions"),
        (np.ones((2, 20), complex), "not one of numbers"),
        (np.ones((1001, 20)), "1001 rows"),
    ],
)
def test_arrays_of_another_form_are_refused(schema: Schema, array: np.ndarray, detail: str) -> None:
    with pytest.raises(RequestError) as caught:
        read(NpyFormat(), npy(array), schema)
    assert detail in caught.value.detail


def test_an_array_that_claims_much_takes_no_memory(schema: Schema) -> None:
    body = npy(NUMBERS).replace(b"(2, 20), }        ", b"(500000000, 20), }")
    with pytest.raises(RequestError, match="80000000000 bytes"):
        read(NpyFormat(), body, schema)
    small = npy(np.ones((900, 20), np.int8))
    with pytest.raises(BodyTooLargeError):
        read(NpyFormat(), small, schema, limit_bytes=len(small))


def test_parquet_that_claims_much_takes_no_memory(schema: Schema) -> None:
    same = pa.table({"text": pa.array(["x" * 10**6] * 900).dictionary_encode()})
    table = read(ParquetFormat(), parquet(same), schema).columns
    assert table.num_rows == 900
    assert table.nbytes < 10**7
    with pytest.raises(RequestError, match="limit of 1000"):
        read(ParquetFormat(), parquet(pa.table({"float": pa.nulls(10**6, pa.float64())})), schema)
    zeros = parquet(pa.table({"text": ["0" * 10**8]}), use_dictionary=False, write_statistics=False)
    assert len(zeros) < 10**7
    with pytest.raises(BodyTooLargeError):
        read(ParquetFormat(), zeros, schema)


def test_texts_that_share_their_beginnings_are_not_written_out_beyond_the_limit(
    schema: Schema,
) -> None:
    long = [f"{'x' * 10**6}{number:03}" for number in range(900)]
    options = {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}}
    body = parquet(pa.table({"text": long}), write_statistics=False, **options)
    assert len(body) < 10**7
    with pytest.raises(BodyTooLargeError):
        read(ParquetFormat(), body, schema)


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"text": [["a"], ["b"]]}),
        pa.table({"text": [{"a": 1}, None]}),
        pa.table({"text": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))}),
    ],
)
def test_nested_columns_are_named(schema: Schema, table: pa.Table) -> None:
    with pytest.raises(RequestError) as caught:
        read(ParquetFormat(), parquet(table), schema)
    assert [cell.column for cell in caught.value.cells] == ["text"]


def test_a_directory_that_lies_is_refused(schema: Schema) -> None:
    body = parquet(FEW)
    broken = body[:4] + b"\xff" * 20 + body[24:]
    with pytest.raises(RequestError):
        read(ParquetFormat(), broken, schema)
    long = body[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1"
    with pytest.raises(RequestError):
        read(ParquetFormat(), long, schema)
