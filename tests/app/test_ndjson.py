"""JSON lines in and out: the rows of a JSON body, one a line."""

from typing import Any

import httpx
import orjson
import pyarrow as pa
import pytest

from madeira.app.codecs.ndjson.reader import read_lines
from madeira.app.errors import InvalidInputError, MalformedBodyError
from tests.app.alike import as_rows
from tests.app.running import RunningService, assert_problem
from tests.app.streams import post_arrow

NDJSON = "application/x-ndjson"


def lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def post(
    service: RunningService, path: str, body: bytes, kind: str = NDJSON, **options: Any
) -> httpx.Response:
    headers = {"content-type": kind}
    return service.client.post(path, content=body, headers=headers, params=options)


def rows_of(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == NDJSON
    assert answer.text.endswith("\n") or not answer.text
    return [orjson.loads(line) for line in answer.text.splitlines()]


def test_lines_are_scored_as_rows(service: RunningService, shop_table: pa.Table) -> None:
    rows = as_rows(shop_table.slice(0, 40))
    scored = rows_of(
        post(
            service, "/score", lines(rows), contributions="true", reasons="true", contamination=0.5
        )
    )
    options = {"contributions": True, "reasons": True, "contamination": 0.5}
    expected = service.post("/score", {"rows": rows, **options})
    for name in ("log_likelihood", "is_anomaly", "contributions", "reasons"):
        assert [row[name] for row in scored] == expected[name]


def test_gaps_are_filled_as_in_rows(service: RunningService, shop_table: pa.Table) -> None:
    rows = as_rows(shop_table.slice(0, 40))
    filled = rows_of(post(service, "/impute", lines(rows), seed=3))
    expected = service.post("/impute", {"rows": rows, "seed": 3})
    assert [row["imputed"].keys() for row in filled] == [
        {name: None for name, value in row.items() if value is None}.keys() for row in rows
    ]
    for row, other in zip(filled, expected["rows"], strict=True):
        assert {name: row[name] for name in ("city", "income", "note")} == {
            name: other[name] for name in ("city", "income", "note")
        }


def test_rows_are_drawn_one_a_line(service: RunningService) -> None:
    drawn = rows_of(post(service, "/sample", b'{"city": "Funchal"}\n', n=50, seed=3))
    expected = service.post("/sample", {"n": 50, "seed": 3, "given": {"city": "Funchal"}})
    assert drawn == expected["rows"]


def test_rows_of_other_formats_are_answered(service: RunningService) -> None:
    body = pa.table({"city": ["Funchal", None]}).cast(
        pa.schema([("city", pa.dictionary(pa.int8(), pa.string()))])
    )
    filled = rows_of(post_arrow(service, "/impute", body, accept=NDJSON))
    assert filled[0]["city"] == "Funchal"
    assert "city" not in filled[0]["imputed"]
    assert filled[1]["imputed"]["city"]["probability"] > 0


@pytest.mark.parametrize("kind", ["application/jsonl", "application/ndjson; charset=utf-8"])
def test_other_names_of_the_format_are_known(service: RunningService, kind: str) -> None:
    assert len(rows_of(post(service, "/score", b"\xef\xbb\xbf{}\r\n\r\n{}", kind))) == 2


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 400, "empty"),
        (b'{"city": "Funchal"}\n{"city": \n', 400, "Line 2"),
        (b'{"city": "Funchal"},{"city": "Funchal"}\n', 400, "Line 1"),
        (b'{"city": "\xff"}\n', 400, "Line 1"),
        (b"{}\n[1]\n", 422, "row 1: expected an object"),
        (b'{}\n{"income": NaN}\n', 422, "row 1, column 'income'"),
        (b'{"town": 1}\n', 422, "unknown column"),
    ],
)
def test_what_is_wrong_is_named(
    service: RunningService, body: bytes, status: int, detail: str
) -> None:
    for path in ("/score", "/impute"):
        assert detail in assert_problem(post(service, path, body), status)["detail"]


def test_large_bodies_are_read_some_lines_at_a_time() -> None:
    rows = [{"a": number, "b": "x" * (number % 9)} for number in range(500)]
    found = read_lines(lines(rows), 500, 256)
    assert not isinstance(found, list)
    assert list(found) == rows
    assert found[123:125] == rows[123:125]
    with pytest.raises(InvalidInputError, match="limit of 499"):
        read_lines(lines(rows), 499, 256)
    with pytest.raises(InvalidInputError, match="Line 501 is too long"):
        read_lines(lines(rows) + orjson.dumps({"a": "x" * 300}) + b"\n{}\n", 999, 256)
    with pytest.raises(MalformedBodyError, match="Line 501"):
        read_lines(lines(rows) + b"{\n", 999, 256)
