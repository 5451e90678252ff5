"""Bodies and answers that are compressed, and streams that end early."""

import gzip
import itertools
import zlib
from collections.abc import Callable

import httpx
import orjson
import pyarrow as pa
import pytest

from madeira.app.codecs.csv.writer import CsvWriter
from madeira.app.codecs.ndjson.writer import LinesWriter
from madeira.app.errors import BodyTooLargeError, MalformedBodyError, UnsupportedMediaError
from madeira.app.http.coding import KNOWN, answer_coding, expanded, known_coding
from tests.app.running import RunningService, assert_problem

BODY = orjson.dumps({"rows": [{"city": "Funchal"}] * 50})


def zipped(data: bytes, coding: str) -> bytes:
    if coding == "deflate":
        return zlib.compress(data)
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, {"br": "brotli"}.get(coding, coding)) as stream:
        stream.write(data)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def unzipped(answer: httpx.Response, raw: bytes) -> bytes:
    coding = answer.headers["content-encoding"]
    if coding == "gzip":
        return gzip.decompress(raw)
    with pa.CompressedInputStream(pa.BufferReader(raw), coding) as stream:
        found: bytes = stream.read()
    return found


def raw_answer(
    service: RunningService, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[httpx.Response, bytes]:
    with service.client.stream("POST", path, content=body, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


def test_no_more_is_taken_than_the_limit() -> None:
    taken: list[int] = []
    for coding in KNOWN:
        assert expanded(zipped(BODY, coding), coding, len(BODY), taken.append) == BODY
        with pytest.raises(BodyTooLargeError):
            expanded(zipped(bytes(10**8), coding), coding, 10**6, taken.append)
    assert sum(taken) <= len(KNOWN) * (len(BODY) + 2 * 10**6)


@pytest.mark.parametrize("coding", KNOWN)
@pytest.mark.parametrize("cut", [1, 5, -3, -1])
def test_what_is_cut_off_is_refused(coding: str, cut: int) -> None:
    with pytest.raises(MalformedBodyError):
        expanded(zipped(BODY, coding)[:cut], coding, 10**6, lambda _: None)
    with pytest.raises(MalformedBodyError):
        expanded(b"\xff" * 50, coding, 10**6, lambda _: None)


def test_bare_deflate_is_read() -> None:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    content = packing.compress(BODY) + packing.flush()
    assert expanded(content, "deflate", 10**6, lambda _: None) == BODY


def test_codings_are_known_by_name() -> None:
    assert known_coding("") is known_coding(" Identity ") is None
    assert known_coding("GZIP") == "gzip"
    with pytest.raises(UnsupportedMediaError) as caught:
        known_coding("gzip, gzip")
    assert "zstd" in caught.value.detail


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("", None),
        ("identity", None),
        ("br", None),
        ("gzip, deflate, br", "gzip"),
        ("gzip, zstd", "zstd"),
        ("gzip;q=1, zstd;q=0.5", "gzip"),
        ("gzip;q=0", None),
    ],
)
def test_zstd_goes_before_gzip(accept: str, coding: str | None) -> None:
    assert answer_coding(accept) == coding


def test_compressed_bodies_are_scored(service: RunningService) -> None:
    expected = service.client.post("/score", content=BODY).json()
    for coding in KNOWN:
        answer = service.client.post(
            "/score", content=zipped(BODY, coding), headers={"content-encoding": coding}
        )
        assert answer.json() == expected
    headers = {"content-encoding": "gzip"}
    assert_problem(service.client.post("/score", content=BODY, headers=headers), 400)
    headers = {"content-encoding": "compress"}
    assert_problem(service.client.post("/score", content=BODY, headers=headers), 415)


def test_a_bomb_is_refused_and_its_memory_given_back(
    start: Callable[..., RunningService],
) -> None:
    service = start(body_limit_bytes=10**6)
    for coding in KNOWN:
        answer = service.client.post(
            "/score", content=zipped(bytes(10**8), coding), headers={"content-encoding": coding}
        )
        assert_problem(answer, 413)
    assert service.app.state.plane.memory.taken == 0


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("form", ["json", "csv", "arrows"])
def test_answers_are_compressed_when_asked(service: RunningService, coding: str, form: str) -> None:
    path = f"/sample?n=2000&seed=3&format={form}"
    plain, expected = raw_answer(service, path, {"accept-encoding": "identity"})
    answer, packed = raw_answer(service, path, {"accept-encoding": coding})
    assert "content-encoding" not in plain.headers
    assert answer.headers["vary"] == "Accept-Encoding"
    assert len(packed) < len(expected)
    assert unzipped(answer, packed) == expected
    few, content = raw_answer(service, "/sample?n=1", {"accept-encoding": coding})
    assert "content-encoding" not in few.headers
    assert orjson.loads(content)["rows"]


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.parametrize("rows", [3, 500])
def test_the_last_line_shows_that_nothing_is_missing(
    service: RunningService, form: str, rows: int
) -> None:
    path, plain = f"/sample?n={rows}&seed=3&format={form}", {"accept-encoding": "identity"}
    _, expected = raw_answer(service, path, plain)
    answer, found = raw_answer(service, path, {**plain, "x-end-tag": "whole-1"})
    assert answer.headers["x-end-tag"] == "whole-1"
    assert found == expected + b'"whole-1"\n'


def test_formats_with_an_end_of_their_own_need_no_tag(service: RunningService) -> None:
    for form in ("json", "arrows", "parquet"):
        answer, _ = raw_answer(service, f"/sample?n=3&format={form}", {"x-end-tag": "whole"})
        assert "x-end-tag" not in answer.headers
    refused, _ = raw_answer(service, "/sample?n=3&format=csv", {"x-end-tag": "a\tb"})
    assert refused.status_code == 422


def test_an_answer_that_is_asked_for_in_the_query_is_a_file(service: RunningService) -> None:
    answer, _ = raw_answer(service, "/sample?n=3&format=csv", {})
    assert answer.headers["content-disposition"] == 'attachment; filename="sample.csv"'


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize(("form", "writer"), [("csv", CsvWriter), ("ndjson", LinesWriter)])
def test_a_stream_that_breaks_is_not_taken_for_a_whole_one(
    service: RunningService, monkeypatch: pytest.MonkeyPatch, form: str, writer: type, coding: str
) -> None:
    calls = itertools.count()

    def breaking(self: object, table: pa.Table) -> bytes:
        if next(calls) == 3:
            raise RuntimeError("planted")
        return b"row\n" * len(table)

    monkeypatch.setattr(writer, "write", breaking)
    headers = {"x-end-tag": "whole", "accept-encoding": coding}
    got: list[bytes] = []
    with service.client.stream("POST", f"/sample?n=500&format={form}", headers=headers) as answer:
        with pytest.raises(httpx.RemoteProtocolError):
            got.extend(answer.iter_bytes())
        assert answer.status_code == 200
    assert got
    assert b"whole" not in b"".join(got)
