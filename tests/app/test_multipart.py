"""Forms with a file, as browsers and curl send them."""

import gzip

import httpx
import pyarrow as pa
import pytest

from madeira.app.codecs.formats import JSON
from madeira.app.errors import InvalidInputError, MalformedBodyError
from madeira.app.http.multipart import MAX_PARTS, boundary_of, read_form
from tests.app.running import RunningService, assert_problem
from tests.app.streams import read_stream, stream

CSV = b"city,income\nFunchal,30000\n,5.5\n"
ROWS = [{"city": "Funchal", "income": 30000}, {"income": 5.5}]


def send(
    service: RunningService, path: str, name: str, content: bytes, kind: str = "", **fields: str
) -> httpx.Response:
    file = (name, content, kind or "application/octet-stream")
    return service.client.post(path, files={"file": file}, data=fields)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("rows.csv", CSV, ""),
        ("rows.CSV", CSV, "application/vnd.ms-excel"),
        ("rows.tsv", CSV.replace(b",", b"\t"), ""),
        ("rows.csv.gz", gzip.compress(CSV), "application/gzip"),
        ("rows", CSV, "text/csv"),
        ("rows.jsonl", b'{"city": "Funchal", "income": 30000}\n{"income": 5.5}\n', ""),
        ("rows.arrows", stream(pa.Table.from_pylist(ROWS)), ""),
    ],
)
def test_a_file_is_the_table_and_fields_are_options(
    service: RunningService, name: str, content: bytes, kind: str
) -> None:
    answer = send(service, "/score", name, content, kind, contributions="true", format="json")
    assert answer.status_code == 200, answer.text
    assert answer.json() == service.post("/score", {"rows": ROWS, "contributions": True})


def test_the_answer_has_the_format_of_the_file(service: RunningService) -> None:
    answer = send(service, "/impute", "rows.csv", CSV, seed="3")
    assert answer.text.startswith("city,income,")
    body = stream(pa.Table.from_pylist(ROWS))
    assert read_stream(send(service, "/score", "rows.ipc", body)).num_rows == 2


def test_a_sample_may_be_asked_for_by_fields_alone(service: RunningService) -> None:
    answer = service.client.post("/sample", files={"n": (None, "3"), "seed": (None, "7")})
    assert answer.json() == service.post("/sample", {"n": 3, "seed": 7})


def test_what_is_wrong_is_a_problem(service: RunningService) -> None:
    answer = send(service, "/score", "rows.doc", CSV)
    assert "rows.doc" in assert_problem(answer, 415)["detail"]
    answer = send(service, "/score", "rows.csv", CSV, seeds="3")
    assert "`seeds`" in assert_problem(answer, 422)["detail"]
    two = [("file", ("a.csv", CSV)), ("file", ("b.csv", CSV))]
    answer = service.client.post("/score", files=two)
    assert "more than one file" in assert_problem(answer, 422)["detail"]
    headers = {"content-type": "multipart/form-data"}
    assert (
        "boundary"
        in assert_problem(service.client.post("/score", content=b"x", headers=headers), 400)[
            "detail"
        ]
    )


def part(name: str, content: bytes) -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"'.encode()
    return b"--x\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def test_what_is_cut_off_is_refused() -> None:
    whole = part("a", b"1") + part("b", b"") + b"--x--\r\n"
    assert read_form(whole, b"x", JSON).fields == [("a", "1"), ("b", "")]
    for size in range(len(whole) - 4):
        with pytest.raises(MalformedBodyError):
            read_form(whole[:size], b"x", JSON)


def test_parts_and_fields_have_limits() -> None:
    with pytest.raises(InvalidInputError, match="parts"):
        read_form(part("a", b"1") * (MAX_PARTS + 1) + b"--x--", b"x", JSON)
    with pytest.raises(InvalidInputError, match="over 65536 bytes"):
        read_form(part("a", b"1" * 70_000) + b"--x--", b"x", JSON)
    with pytest.raises(MalformedBodyError):
        read_form(part("a" * 5000, b"1") + b"--x--", b"x", JSON)
    with pytest.raises(MalformedBodyError):
        boundary_of("multipart/form-data; boundary=" + "x" * 71)
    assert boundary_of('multipart/form-data; boundary="a b"') == b"a b"
    assert boundary_of("text/csv") is None
