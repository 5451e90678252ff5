"""A format is one class and one entry: every question then takes it, answers in it and says so."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.csv as pc
import pytest

from madeira.app.codecs.formats import FORMATS
from madeira.app.codecs.table_format import TableFormat
from madeira.app.errors import InvalidInputError
from madeira.models.schema.schema import Schema
from tests.app.running import RunningService, assert_problem

TEXT = "text/x-semicolons"
SENT = "city;income\nFunchal;1500\nMachico;\n"


class _Writer:
    def __init__(self) -> None:
        self._begun = False

    def write(self, table: pa.Table) -> bytes:
        while any(pa.types.is_struct(kind) for kind in table.schema.types):
            table = table.flatten()
        sink = io.BytesIO()
        options = pc.WriteOptions(delimiter=";", include_header=not self._begun)
        pc.write_csv(pa.table({n: _plain(table[n]) for n in table.column_names}), sink, options)
        self._begun = True
        return sink.getvalue()

    def close(self) -> bytes:
        return b""


class SemicolonFormat(TableFormat):
    media_type, short = TEXT, "semicolons"
    name, description = "text between semicolons", "Text between semicolons."

    def read(
        self,
        content: bytes,
        schema: Schema,
        wanted: Callable[[Sequence[str]], Sequence[int]],
        *,
        row_limit: int,
        limit_bytes: int,
    ) -> pa.Table:
        table = pc.read_csv(io.BytesIO(content), parse_options=pc.ParseOptions(delimiter=";"))
        if table.num_rows > row_limit:
            raise InvalidInputError(f"More rows than the limit of {row_limit}.")
        return table.select(list(wanted(table.column_names)))

    def writer(self, schema: pa.Schema, metadata: Mapping[str, str], rows: int) -> _Writer:
        return _Writer()


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    is_dictionary = pa.types.is_dictionary(column.type)
    return column.cast(column.type.value_type) if is_dictionary else column


@pytest.fixture(scope="module")
def service(start: Callable[..., RunningService]) -> Iterator[RunningService]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FORMATS, TEXT, SemicolonFormat())
        yield start()


def post(service: RunningService, path: str, body: str, **options: Any) -> httpx.Response:
    headers = {"content-type": TEXT}
    return service.client.post(path, content=body, headers=headers, params=options)


def row_count(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].partition(";")[0] == TEXT
    options = pc.ParseOptions(delimiter=";")
    found: list[dict[str, Any]] = pc.read_csv(
        io.BytesIO(answer.content), parse_options=options
    ).to_pylist()
    return found


def test_every_question_takes_it_and_answers_in_it(service: RunningService) -> None:
    table = {"rows": [{"city": "Funchal", "income": 1500}, {"city": "Machico"}]}
    by_json = service.post("/score", {**table, "contributions": True})
    scores = row_count(post(service, "/score", SENT, contributions="true"))
    assert [row["log_likelihood"] for row in scores] == pytest.approx(by_json["log_likelihood"])
    assert scores[0]["contributions.income"] == pytest.approx(by_json["contributions"][0]["income"])

    filled = row_count(post(service, "/impute", SENT, seed=3))
    expected = service.post("/impute", {**table, "seed": 3})["rows"]
    assert [row["city"] for row in filled] == ["Funchal", "Machico"]
    assert [row["income"] for row in filled] == pytest.approx([row["income"] for row in expected])
    assert filled[0]["imputed.income.low"] in (None, "")
    assert filled[1]["imputed.income.low"] not in (None, "")

    drawn = row_count(post(service, "/sample", "city\nFunchal\n", n=5, seed=3))
    expected = service.post("/sample", {"n": 5, "seed": 3, "given": {"city": "Funchal"}})["rows"]
    assert [row["city"] for row in drawn] == ["Funchal"] * 5
    assert [row["income"] for row in drawn] == pytest.approx([row["income"] for row in expected])


@pytest.mark.parametrize("path", ["/score", "/impute", "/sample"])
def test_it_is_answered_to_a_body_in_another_format(service: RunningService, path: str) -> None:
    body: dict[str, Any] = {"n": 1} if path == "/sample" else {"rows": [{"city": "Funchal"}]}
    assert len(row_count(service.client.post(path, json=body, headers={"accept": TEXT}))) == 1


def test_what_is_wrong_is_told_as_for_every_format(service: RunningService) -> None:
    assert "unknown column" in assert_problem(post(service, "/score", "town\nx\n"), 422)["detail"]
    assert "empty" in assert_problem(post(service, "/score", ""), 400)["detail"]
    answer = service.client.post("/score", content=b"x", headers={"content-type": "text/html"})
    assert (
        f"text between semicolons, with `Content-Type: {TEXT}`"
        in (assert_problem(answer, 415)["detail"])
    )


def test_it_is_described(service: RunningService) -> None:
    paths = service.client.get("/openapi.json").json()["paths"]
    for path in ("/score", "/impute", "/sample"):
        question = paths[path]["post"]
        for content in (question["requestBody"], question["responses"]["200"]):
            assert content["content"][TEXT]["schema"]["description"] == "Text between semicolons."
