"""Cells that do not fit are errors, or missing and warned of, as the request asks."""

from typing import Any

import httpx
import pyarrow as pa
import pytest

from madeira.app.codecs.json.blanked import BlankedRows
from madeira.app.plane.parsing import MAX_BAD_CELLS
from tests.app.running import Document, RunningService
from tests.app.streams import post_arrow

ROWS: list[Document] = [
    {"city": "Funchal", "income": 20_003.5},
    {"city": "Machico", "income": "much"},
    {"city": "Funchal", "income": 20_004.5, "member": "maybe"},
]
CLEAN: list[Document] = [
    {"city": "Funchal", "income": 20_003.5},
    {"city": "Machico", "income": None},
    {"city": "Funchal", "income": 20_004.5, "member": None},
]
COLUMNS = ["city", "income", "member"]
CSV = "city,income,member\n" + "".join(
    ",".join(str(row.get(name, "")) for name in COLUMNS) + "\n" for row in ROWS
)


def post(service: RunningService, path: str, content: str, **options: Any) -> httpx.Response:
    headers = {"content-type": "text/csv", "accept": "application/json"}
    return service.client.post(path, content=content, headers=headers, params=options)


def check(answer: Document, clean: Document) -> None:
    assert [(one["row"], one["column"], one["value"]) for one in answer["warnings"]] == [
        (1, "income", "much"),
        (2, "member", "maybe"),
    ]
    assert all(one["message"].endswith("; taken as missing") for one in answer["warnings"])
    assert {key: value for key, value in answer.items() if key != "warnings"} == clean


@pytest.mark.parametrize("path", ["/score", "/impute"])
def test_they_are_missing_and_warned_of_on_request(service: RunningService, path: str) -> None:
    data = [[row.get(name) for name in COLUMNS] for row in ROWS]
    table = pa.table({name: [str(row.get(name, "")) or None for row in ROWS] for name in COLUMNS})
    seed = {"seed": 1} if path == "/impute" else {}
    lenient = seed | {"bad_cells": "warn"}
    check(service.post(path, {"rows": ROWS} | lenient), service.post(path, {"rows": CLEAN} | seed))
    answers = [
        service.post(path, {"columns": COLUMNS, "data": data} | lenient),
        post_arrow(service, path, table, "application/json", **lenient).json(),
        post(service, path, CSV, **lenient).json(),
    ]
    complete = [{name: row.get(name) for name in COLUMNS} for row in CLEAN]
    check(answers[0], service.post(path, {"rows": complete} | seed))
    for answer in answers[1:]:
        assert [(one["row"], one["column"]) for one in answer["warnings"]] == [
            (1, "income"),
            (2, "member"),
        ]


def test_they_are_errors_otherwise(service: RunningService) -> None:
    for answer in (
        service.client.post("/score", json={"rows": ROWS}),
        post(service, "/score", CSV),
    ):
        assert answer.status_code == 422
        assert [(one["row"], one["column"]) for one in answer.json()["errors"]] == [
            (1, "income"),
            (2, "member"),
        ]


def test_many_of_them_are_errors_and_so_are_unknown_columns(service: RunningService) -> None:
    many = [{"income": "much"}] * (MAX_BAD_CELLS + 1)
    for rows in (many, [{"incme": 5}]):
        service.refuse("/score", {"rows": rows, "bad_cells": "warn"})
    enough = {"rows": many[1:], "bad_cells": "warn"}
    assert len(service.post("/score", enough)["warnings"]) == 20


@pytest.mark.parametrize("rows", [[{"a": 1, "b": 2}, {"a": 3, "b": 4}], [[1, 2], [3, 4]]])
def test_rows_are_blanked_where_they_are_asked_for(rows: list[Any]) -> None:
    before = [row.copy() for row in rows]
    key = "b" if isinstance(rows[0], dict) else 1
    blanked = BlankedRows(rows, {1: [key]})
    assert blanked[1][key] is None
    assert list(blanked) == blanked[:] == [blanked[0], blanked[1]]
    assert blanked[1:2][0][key] is None
    assert len(blanked) == 2
    assert rows == before
