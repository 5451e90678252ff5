"""A refusal is short, whatever was sent: few errors, few hints, and little of each text."""

from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app.running import Document, RunningService, assert_problem
from tests.app.streams import post_arrow

MAX_BYTES = 50_000
LONG = "x" * 5_000_000  # more than a body may have beside its rows
MEDIUM = "x" * 1_500_000
DIGITS = "1" * 100_000 + "x"
MANY = 200_000

ROWS: Document = {"rows": [{}]}

DOCUMENTS: list[tuple[str, Any, int]] = [
    ("/score", {**ROWS, "model": MEDIUM}, 404),
    ("/score", {**ROWS, "version": MEDIUM}, 404),
    ("/sample", {"n": 1, "model": MEDIUM}, 404),
    ("/score", {**ROWS, "model": LONG}, 422),
    ("/score", {**ROWS, "version": LONG}, 422),
    ("/sample", {"n": 1, "model": LONG}, 422),
    ("/sample", {"n": LONG}, 422),
    ("/sample", {"n": 1, "given": LONG}, 422),
    ("/sample", {"n": 1, "given": {LONG: 1}}, 422),
    ("/sample", {"n": 1, "given": {"income": LONG}}, 422),
    ("/sample", {"n": 1, "given": {f"c{number}": 1 for number in range(MANY)}}, 422),
    ("/impute", {**ROWS, "estimate": LONG}, 422),
    ("/impute", {**ROWS, "draws": {LONG: [LONG]}}, 422),
    ("/score", {**ROWS, LONG: 1}, 422),
    ("/score", {**ROWS, **{f"contribution{number}": 1 for number in range(MANY)}}, 422),
    ("/score", {"rows": LONG}, 422),
    ("/score", {"rows": [LONG]}, 422),
    ("/score", {"rows": [{LONG: 1}]}, 422),
    ("/score", {"rows": [{f"c{number}": 1 for number in range(MANY)}]}, 422),
    ("/score", {"rows": [{"income": LONG}]}, 422),
    ("/score", {"rows": [{"income": DIGITS}]}, 422),
    ("/score", {"rows": [{"income": [LONG]}] * 3}, 422),
    ("/score", {"rows": [{"income": "x"}] * MANY}, 422),
    ("/score", {"rows": [{"joined": "x"}] * MANY}, 422),
    ("/score", {"rows": [{"member": LONG}] * 3}, 422),
    ("/score", {"columns": [LONG], "data": [[1]]}, 422),
    ("/score", {"columns": ["city"] * MANY, "data": []}, 422),
    ("/score", {"columns": [f"c{number}" for number in range(MANY)], "data": []}, 422),
    ("/score", {"columns": [1] * MANY, "data": []}, 422),
    ("/score", {"columns": ["city"], "data": [[]] * MANY}, 422),
    ("/score", [LONG], 422),
    ("/score", LONG, 422),
]


@pytest.mark.parametrize(("path", "document", "status"), DOCUMENTS)
def test_a_document_of_any_length_is_refused_in_few_words(
    service: RunningService, path: str, document: object, status: int
) -> None:
    answer = service.client.post(path, content=orjson.dumps(document), headers=JSON)
    problem = assert_problem(answer, status)
    assert len(answer.content) < MAX_BYTES
    assert len(problem["errors"]) <= 20
    assert answer.text.count("Did you mean") <= 6  # the detail repeats the first of five


JSON = {"content-type": "application/json"}

HEADERS = [
    ({"content-type": "x" * 5000}, 415),
    ({"content-type": "application/json; charset=" + "x" * 5000}, 415),
    ({"content-encoding": "x" * 5000}, 415),
    ({"accept": "text/" + "x" * 5000}, 406),
    ({"x-deadline-ms": "9" * 5000}, 422),
]


@pytest.mark.parametrize(("headers", "status"), HEADERS, ids=str)
def test_a_header_is_repeated_in_few_words(
    service: RunningService, headers: dict[str, str], status: int
) -> None:
    answer = service.client.post("/score", content=b'{"rows": [{}]}', headers={**JSON, **headers})
    assert_problem(answer, status)
    assert len(answer.content) < 1000


@pytest.mark.parametrize("path", ["/" + "x" * 5000, "/models/" + "x" * 5000])
def test_a_path_is_repeated_in_few_words(service: RunningService, path: str) -> None:
    answer = service.client.get(path)
    assert_problem(answer, 404)
    assert len(answer.content) < 1000


TABLES = [
    pa.table({LONG: [1.0]}),
    pa.table([pa.array([1.0])] * 100_000, ["income"] * 100_000),
    pa.table([pa.array([1.0])] * 20_000, [f"c{number}" for number in range(20_000)]),
    pa.table({"income": [LONG]}),
    pa.table({"income": pa.array([LONG] * 50).dictionary_encode()}),
    pa.table({"income": [[LONG]]}),
    pa.table({"member": [LONG]}),
    pa.table({"joined": [LONG] * 3}),
    pa.table({"joined": ["x"] * 100_000}),
]


@pytest.mark.parametrize("table", TABLES, ids=range(len(TABLES)))
def test_a_table_of_any_width_is_refused_in_few_words(
    service: RunningService, table: pa.Table
) -> None:
    answer = post_arrow(service, "/score", table)
    problem = assert_problem(answer, 422)
    assert len(answer.content) < MAX_BYTES
    assert len(problem["errors"]) <= 20


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.just("x" * 9999),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("y" * 9999), inner),
)
KEYS = st.sampled_from(
    ["rows", "columns", "data", "model", "version", "n", "given", "seed", "draws", "estimate"]
)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    path=st.sampled_from(["/score", "/sample", "/impute"]),
    document=st.dictionaries(KEYS | st.text(), VALUES),
)
def test_any_document_is_answered_or_refused_in_few_words(
    service: RunningService, path: str, document: Document
) -> None:
    if isinstance(document.get("n"), int):
        document["n"] = min(document["n"], 10)
    answer = service.client.post(path, content=orjson.dumps(document), headers=JSON)
    if answer.status_code == 200:
        return
    assert answer.status_code in (404, 413, 422)
    assert_problem(answer, answer.status_code)
    assert len(answer.content) < MAX_BYTES
