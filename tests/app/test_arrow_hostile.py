"""Arrow streams that are broken, or meant to break: answered, and nothing grows."""

import resource
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from madeira.app.codecs.arrow.stream import decode
from madeira.app.codecs.request_tables import columns_to_read, encode_arrow, row_objects
from madeira.app.errors import BodyTooLargeError, InvalidInputError, MalformedBodyError
from madeira.models import DensityEstimator
from tests.app.running import RunningService, assert_problem
from tests.app.streams import post_arrow, stream

LIMIT = 2**20
ROWS = 100_000


@pytest.fixture(scope="module")
def small(start: Callable[..., RunningService]) -> RunningService:
    return start(body_limit_bytes=LIMIT, request_limit_rows=ROWS)


def read(body: bytes, estimator: DensityEstimator) -> pa.Table:
    wanted = columns_to_read(estimator.schema, left_out=True)
    return decode(body, wanted, row_limit=ROWS, limit_bytes=LIMIT)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"{}",
        b'{"rows": []}',
        b"ARROW1\x00\x00" + b"\x00" * 100,
        b"\xff\xff\xff\xff",
        b"\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\xff\xff\xff\xff\x00\x00\x00\x00",
        b"\xff" * 1000,
        b"\x00" * 1000,
    ],
)
@pytest.mark.parametrize("path", ["/score", "/impute", "/sample"])
def test_what_is_no_stream_is_malformed(service: RunningService, body: bytes, path: str) -> None:
    options: dict[str, Any] = {"n": 1} if path == "/sample" and body else {}
    answer = post_arrow(service, path, body, **options)
    if path == "/sample" and not body:
        assert "`n` is missing" in assert_problem(answer, 422)["detail"]
    else:
        problem = assert_problem(answer, 400)
        assert problem["type"] == "urn:madeira:problem:malformed-body"
        assert "Arrow" in problem["detail"]


def test_a_truncated_stream_is_malformed(estimator: DensityEstimator, shop_table: pa.Table) -> None:
    body = stream(shop_table, rows=100)
    with pa.ipc.open_stream(body) as reader:
        whole = reader.read_all().num_rows
    for length in range(1, len(body), 97):
        try:
            table = read(body[:length], estimator)
        except MalformedBodyError:
            continue
        assert table.num_rows < whole or length > len(body) - 8
        assert table.num_rows % 100 == 0 or table.num_rows == whole


def test_a_large_body_of_a_few_rows_is_over_the_limit(small: RunningService) -> None:
    table = pa.table({"note": ["x" * (2 * LIMIT)]})
    assert_problem(post_arrow(small, "/impute", table), 413)


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
@pytest.mark.parametrize("path", ["/score", "/impute"])
def test_a_compressed_bomb_is_over_the_limit(small: RunningService, path: str, codec: str) -> None:
    body = stream(pa.table({"income": np.zeros(50_000_000)}), codec)
    small_enough = (
        body if len(body) < LIMIT else stream(pa.table({"income": np.zeros(LIMIT // 4)}), codec)
    )
    assert len(small_enough) < LIMIT
    assert_problem(post_arrow(small, path, small_enough), 413)


def test_a_compressed_dictionary_bomb_is_over_the_limit(small: RunningService) -> None:
    text = pa.array(["a" * (64 * LIMIT)])
    column = pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), text)
    body = stream(pa.table({"city": column}), "zstd")
    assert len(body) < LIMIT
    assert_problem(post_arrow(small, "/score", body), 413)


def test_a_claim_is_not_believed(small: RunningService) -> None:
    values = pa.table({"income": np.zeros(1000)})
    body = bytearray(stream(values, "zstd"))
    place = body.index(struct.pack("<q", 8000))
    for claim in (2**62, 2**40, -(2**62), -2, 8001, 7999):
        body[place : place + 8] = struct.pack("<q", claim)
        answer = post_arrow(small, "/score", bytes(body))
        assert answer.status_code in (400, 413), claim
        assert_problem(answer, answer.status_code)


def grown_bytes(function: Callable[[], object]) -> int:
    """How much higher the peak of this process's memory is after a call."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    function()
    return 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def dictionary_bomb(rows: int, text: str) -> pa.Table:
    indices = pa.array(np.zeros(rows, np.int8))
    return pa.table({"city": pa.DictionaryArray.from_arrays(indices, pa.array([text]))})


def view_bomb(rows: int, text: str) -> pa.Table:
    one = pa.array([text], pa.string_view())
    _, view, data = one.buffers()
    views = pa.py_buffer(view.to_pybytes()[:16] * rows)
    column = pa.Array.from_buffers(pa.string_view(), rows, [None, views, data])
    return pa.table({"city": column})


def test_many_cells_that_show_one_long_text_are_not_written_out(
    small: RunningService, estimator: DensityEstimator
) -> None:
    rows, text = 8_000, "x" * (LIMIT // 4)  # 2 GB
    for bomb in (dictionary_bomb(rows, text), view_bomb(rows, text)):
        body = stream(bomb)
        assert len(body) < LIMIT

        def ask(body: bytes = body) -> None:
            for path in ("/score", "/impute"):
                for accept in ("application/json", "application/vnd.apache.arrow.stream"):
                    answer = post_arrow(small, path, body, accept=accept)
                    assert answer.status_code in (200, 413)

        assert grown_bytes(ask) < 500 * 2**20


def test_a_dictionary_is_looked_up_and_not_written_out(
    service: RunningService, estimator: DensityEstimator
) -> None:
    table = dictionary_bomb(1000, "x" * 10_000)
    values = encode_arrow(table, estimator.schema)
    assert len(set(values[:, 0])) == 1
    with pytest.raises(BodyTooLargeError):
        row_objects(table, limit_bytes=10_000 * 1000 - 1)
    assert len(row_objects(table, limit_bytes=10_000 * 1000)) == 1000


def test_rows_without_columns_are_counted(small: RunningService) -> None:
    # pa.nulls would allocate 128 GiB to say so.
    claim = pa.Array.from_buffers(pa.null(), 2**40, [None])
    batch = pa.record_batch({"note": claim})
    sink, options = pa.BufferOutputStream(), pa.ipc.IpcWriteOptions(allow_64bit=True)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    answer = post_arrow(small, "/score", sink.getvalue().to_pybytes())
    assert "limit" in assert_problem(answer, 422)["detail"]


def test_too_many_rows_are_refused(small: RunningService) -> None:
    table = pa.table({"member": pa.array([True] * (ROWS + 1))})
    assert str(ROWS) in assert_problem(post_arrow(small, "/score", table), 422)["detail"]


def test_too_many_messages_are_refused(service: RunningService) -> None:
    empty = pa.record_batch({"member": pa.array([], pa.bool_())})
    body = stream(pa.table({"member": pa.array([], pa.bool_())}))[:-8]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, empty.schema) as writer:
        writer.write_batch(empty)
    one = sink.getvalue().to_pybytes()[len(body) : -8]
    answer = post_arrow(service, "/score", body + one * 70_000)
    assert "messages" in assert_problem(answer, 422)["detail"]


def test_a_schema_without_end_is_refused(service: RunningService) -> None:
    schema = pa.schema([("member", pa.bool_())], metadata={"x": "y" * (9 * 2**20)})
    answer = post_arrow(service, "/score", stream(schema.empty_table()))
    assert "schema" in assert_problem(answer, 422)["detail"]


def test_many_unknown_columns_are_refused_before_they_are_read(service: RunningService) -> None:
    table = pa.table({f"c{number}": [1] for number in range(10_000)})
    problem = assert_problem(post_arrow(service, "/score", table), 422)
    assert len(problem["errors"]) == 20


def test_text_that_is_no_text_is_malformed(service: RunningService) -> None:
    raw = pa.array([b"\xff\xfe\xfd"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 1, raw.buffers())
    assert_problem(post_arrow(service, "/score", pa.table({"city": text})), 400)


def test_a_time_zone_that_is_no_text_is_malformed(service: RunningService) -> None:
    table = pa.table({"note": pa.array([0], pa.timestamp("ns", "Europe/Lisbon")), "visits": [1]})
    body = stream(table).replace(b"Europe/Lisbon", b"Europe/\xff\xfesbon")
    assert_problem(post_arrow(service, "/impute", body), 400)


def test_a_wrong_option_is_an_error_as_in_json(service: RunningService) -> None:
    table = pa.table({"city": ["Funchal"]})
    for options, said in (
        ({"contamination": 2}, "less than or equal to 0.5"),
        ({"contamination": "much"}, "must be a valid number"),
        ({"contributions": 1}, "must be a valid boolean"),
        ({"contribution": "true"}, "Did you mean 'contributions'?"),
        ({"seed": 1}, "`seed` is not an option here."),
        ({"contamination": [0.1, 0.2]}, "more than once"),
    ):
        detail = assert_problem(post_arrow(service, "/score", table, **options), 422)["detail"]
        assert said in detail
    assert_problem(post_arrow(service, "/score", table, model="kiosk"), 404)
    answer = service.client.post("/score?contributions=1", json={"rows": []})
    assert "must be a valid boolean" in assert_problem(answer, 422)["detail"]


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """Return a valid stream with bytes changed, cut, repeated or put in."""
    rows = draw(st.integers(0, 5))
    city = ["Funchal", None, "ü", "x" * 50, ""]
    table = pa.table(
        {
            "city": pa.array(city[:rows], pa.string()),
            "income": pa.array([1.0, None, 2.0, 1e300, -1.0][:rows], pa.float64()),
            "note": pa.array(city[:rows], pa.string()).dictionary_encode(),
            "born": pa.array([None] * rows, pa.date32()),
        }
    )
    if draw(st.booleans()):
        table = table.set_column(0, "city", table["city"].cast(pa.string_view()))
    body = bytearray(stream(table, draw(st.sampled_from([None, "lz4", "zstd"])), 2))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(body) - 1))
        match draw(st.sampled_from(["set", "word", "cut", "repeat"])):
            case "set":
                body[place] = draw(st.integers(0, 255))
            case "word":
                word = draw(st.sampled_from([-1, 2**31 - 1, -(2**31), 2**62, 8, 0]))
                body[place : place + 8] = struct.pack("<q", word)
            case "cut":
                del body[place : place + draw(st.integers(1, 64))]
            case "repeat":
                body[place:place] = body[: draw(st.integers(1, 200))]
        if not body:
            body = bytearray(b"\x00")
    return bytes(body)


@settings(max_examples=1500, suppress_health_check=list(HealthCheck))
@given(body=broken())
def test_a_broken_stream_is_an_error_or_a_table(estimator: DensityEstimator, body: bytes) -> None:
    try:
        table = read(body, estimator)
        assert table.num_rows <= ROWS
        encode_arrow(table, estimator.schema)
        row_objects(table, LIMIT)
    except (InvalidInputError, MalformedBodyError, BodyTooLargeError):
        return


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(body=broken(), path=st.sampled_from(["/score", "/impute"]))
def test_a_broken_stream_is_answered(service: RunningService, body: bytes, path: str) -> None:
    answer = post_arrow(service, path, body)
    if answer.status_code != 200:
        assert_problem(answer, answer.status_code)
        assert answer.status_code in (400, 413, 422)
