"""A category that training has not seen is data; the answer says so, and what was meant."""

import json
from typing import Any

import pyarrow as pa
import pytest

from tests.app.running import Document, RunningService, assert_problem
from tests.app.streams import ARROW, post_arrow, read_stream

ROWS: list[Document] = [
    {"city": "Funchal"},
    {"city": "funchal"},
    {"city": " Machico "},
    {"city": "sao vicente"},
    {"city": "Machicoo"},
    {"city": "Lisboa"},
    {"city": ""},
    {"city": "NA"},
    {"city": None},
    {"city": 5},
]
MEANT = {1: "Funchal", 2: "Machico", 3: "São Vicente", 4: "Machico"}
MISSING = (6, 7)


def check(warnings: list[Document]) -> None:
    assert [one["row"] for one in warnings] == [1, 2, 3, 4, 5, 6, 7, 9]
    for one in warnings:
        assert set(one) == {"row", "column", "value", "meant", "message"}
        assert one["column"] == "city"
        assert str(one["value"]) == str(ROWS[one["row"]]["city"])
        assert one["meant"] == MEANT.get(one["row"])
        assert repr(one["value"]) in one["message"]
        assert ("send null" in one["message"]) is (one["row"] in MISSING)
        assert (one["meant"] is not None) is ("did you mean" in one["message"])


@pytest.mark.parametrize("path", ["/score", "/impute"])
def test_an_answer_warns_of_each(service: RunningService, path: str) -> None:
    check(service.post(path, {"rows": ROWS})["warnings"])
    data = [[row["city"]] for row in ROWS]
    check(service.post(path, {"columns": ["city"], "data": data})["warnings"])


@pytest.mark.parametrize("path", ["/score", "/impute"])
def test_an_arrow_answer_warns_in_its_metadata(service: RunningService, path: str) -> None:
    texts = [None if row["city"] is None else str(row["city"]) for row in ROWS]
    for column in (pa.array(texts), pa.array(texts).dictionary_encode()):
        answer = read_stream(post_arrow(service, path, pa.table({"city": column})))
        check(json.loads(answer.schema.metadata[b"madeira.warnings"]))
        document = post_arrow(service, path, pa.table({"city": column}), "application/json").json()
        check(document["warnings"])


def test_they_stay_data(service: RunningService) -> None:
    other, unknown = [{"city": "funchal"}], [{"city": "a town nobody saw"}]
    scores = [service.post("/score", {"rows": rows}) for rows in (other, unknown)]
    assert scores[0]["log_likelihood"] == scores[1]["log_likelihood"]
    assert service.post("/impute", {"rows": other})["rows"][0]["city"] == "funchal"


def test_known_categories_give_no_warning(service: RunningService) -> None:
    rows = [{"city": "Funchal", "income": 20_000, "member": True}, {"city": None}, {}]
    for path in ("/score", "/impute"):
        assert "warnings" not in service.post(path, {"rows": rows})


def test_a_number_outside_the_support_is_told(service: RunningService) -> None:
    (warning,) = service.post("/score", {"rows": [{"income": -5e9}]})["warnings"]
    assert (warning["column"], warning["value"]) == ("income", -5e9)
    assert "outside of what the column can be" in warning["message"]
    table = pa.table({"city": ["Funchal", None]})
    assert (
        b"madeira.warnings" not in read_stream(post_arrow(service, "/score", table)).schema.metadata
    )
    assert "warnings" not in service.post("/sample", {"n": 1, "given": {"city": "Funchal"}})


@pytest.mark.parametrize("n", [2, 100])
def test_a_sample_warns_of_what_is_given(service: RunningService, n: int) -> None:
    asked = {"n": n, "given": {"city": "funchal", "visits": 3}}
    answer = service.client.post("/sample", json=asked)
    document = answer.json()
    (warning,) = document["warnings"]
    assert (warning["row"], warning["column"], warning["meant"]) == (None, "city", "Funchal")
    assert len(document["rows"]) == n
    # The warnings of a stream stand before its rows.
    assert answer.text.index('"warnings"') < answer.text.index('"rows"')
    answer = service.client.post("/sample", json=asked, headers={"accept": ARROW})
    metadata = read_stream(answer).schema.metadata
    assert json.loads(metadata[b"madeira.warnings"]) == document["warnings"]


@pytest.mark.parametrize(
    ("path", "body", "row"),
    [
        ("/score", {"rows": ROWS[:2]}, 1),
        ("/impute", {"rows": ROWS[:2]}, 1),
        ("/sample", {"n": 1, "given": {"city": "funchal"}}, None),
    ],
)
def test_they_are_errors_where_that_is_wanted(
    service: RunningService, path: str, body: dict[str, Any], row: int | None
) -> None:
    problem = service.refuse(path, {**body, "unknown": "error"})
    assert problem["errors"] == [
        {
            "row": row,
            "column": "city",
            "message": "training did not see 'funchal'; did you mean 'Funchal'?",
        }
    ]
    assert "'city'" in problem["detail"]
    answer = service.client.post(path, json=body, params={"unknown": "error"})
    assert_problem(answer, 422)
    service.post(path, {**body, "unknown": "warn"})


def test_a_row_that_is_known_passes_where_unknown_ones_are_errors(service: RunningService) -> None:
    service.post("/score", {"rows": [{"city": "Funchal"}], "unknown": "error"})
    assert "`unknown`" in service.refuse("/score", {"rows": [], "unknown": "never"})["detail"]


def test_warnings_are_few_and_short(service: RunningService) -> None:
    rows = [{"city": f"{number} {'x' * 10_000}"} for number in range(500)]
    warnings = service.post("/score", {"rows": rows})["warnings"]
    assert [one["row"] for one in warnings] == list(range(20))
    assert all(len(json.dumps(one)) < 500 for one in warnings)
    assert len(service.refuse("/score", {"rows": rows, "unknown": "error"})["errors"]) == 20
