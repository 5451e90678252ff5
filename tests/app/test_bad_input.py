"""Input that does not fit is refused, and the answer says where and why."""

from typing import Any

import httpx
import pytest

from tests.app.running import Document, RunningService, assert_problem

INVALID = "urn:madeira:problem:invalid-input"


def post_text(service: RunningService, path: str, text: str | bytes) -> httpx.Response:
    return service.client.post(path, content=text, headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{"rows": [', 1, 11),
        ('{"rows":\n  [1,]}', 2, 6),
        ("{'rows': []}", 1, 2),
        ('{"rows": [{"income": NaN}]', 1, 27),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(
    service: RunningService, text: str, line: int, column: int
) -> None:
    problem = assert_problem(post_text(service, "/score", text), 400)
    assert problem["type"] == "urn:madeira:problem:malformed-body"
    assert f"line {line}, column {column}" in problem["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe{}",
        b'{"rows": [{"city": "\xc3\x28"}]}',
        b'{"rows": [{"city": "\\ud800"}]}',
        b'{"rows": [{"city": "\\ud800", "income": NaN}]}',
        b"[" * 5000,
        b'{"rows": ' + b"[" * 2000 + b"NaN" + b"]" * 2000 + b"}",
    ],
)
def test_text_that_is_no_text_is_refused(service: RunningService, body: bytes) -> None:
    assert_problem(post_text(service, "/score", body), 400)


def test_a_byte_order_mark_is_forgiven(service: RunningService) -> None:
    assert post_text(service, "/score", b'\xef\xbb\xbf{"rows": []}').status_code == 200


def test_an_empty_list_is_no_rows(service: RunningService) -> None:
    assert post_text(service, "/score", "[]").json()["log_likelihood"] == []
    assert post_text(service, "/impute", "[]").json()["rows"] == []
    assert_problem(post_text(service, "/sample", "[]"), 422)


@pytest.mark.parametrize("body", ["null", "1", '"text"', "true", "NaN"])
def test_a_body_that_is_no_object_is_refused(service: RunningService, body: str) -> None:
    for path in ("/score", "/sample", "/impute"):
        problem = assert_problem(post_text(service, path, body), 422)
        assert "object" in problem["detail"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 400])
@pytest.mark.parametrize("column", ["income", "visits", "city", "member", "joined"])
def test_numbers_that_are_none_are_named_by_cell(
    service: RunningService, number: str, column: str
) -> None:
    rows = post_text(
        service, "/score", f'{{"rows": [{{}}, {{"income": 1, "{column}": {number}}}]}}'
    )
    data = post_text(
        service, "/score", f'{{"columns": ["{column}"], "data": [[null], [{number}]]}}'
    )
    for answer in (rows, data):
        (error,) = assert_problem(answer, 422)["errors"]
        assert (error["row"], error["column"]) == (1, column)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ({"city": ["Funchal"]}, "text"),
        ({"income": "much"}, "number"),
        ({"income": "12 or so"}, "number"),
        ({"income": "nan"}, "number"),
        ({"income": "1e999"}, "number"),
        ({"income": True}, "number"),
        ({"income": {}}, "number"),
        ({"visits": False}, "number"),
        ({"member": 2}, "true or false"),
        ({"member": "yes"}, "true or false"),
        ({"joined": "yesterday"}, "date"),
        ({"joined": 1.6e9}, "date"),
        ({"born": "1990-13-01"}, "date"),
    ],
)
@pytest.mark.parametrize("form", ["rows", "columns"])
def test_a_value_of_the_wrong_type_is_named(
    service: RunningService, cell: dict[str, Any], expected: str, form: str
) -> None:
    (column,) = cell
    good = {"city": "Funchal", "income": 1.5, "member": True}
    bad = {**good, **cell}
    if form == "rows":
        table: dict[str, Any] = {"rows": [good, {}, bad]}
    else:
        gaps = [good.get(name) for name in bad]
        table = {"columns": list(bad), "data": [gaps, gaps, list(bad.values())]}
    for path in ("/score", "/impute"):
        problem = service.refuse(path, table)
        assert problem["type"] == INVALID
        (error,) = problem["errors"]
        assert (error["row"], error["column"]) == (2, column)
        assert expected in error["message"]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"income": "12.5"}, {"income": 12.5}),
        ({"income": 12}, {"income": 12.0}),
        ({"visits": "7"}, {"visits": 7}),
        ({"visits": 7.0}, {"visits": 7}),
        ({"member": 1}, {"member": True}),
        ({"member": "false"}, {"member": False}),
        ({"city": 5}, {"city": "a town nobody saw"}),
        ({"city": True}, {"city": "a town nobody saw"}),
    ],
)
def test_a_type_not_seen_in_training_is_what_it_plainly_says(
    service: RunningService, sent: dict[str, Any], meant: dict[str, Any]
) -> None:
    other = {"member": False, "city": "Funchal"}
    for extra in ({}, other):
        answers = [
            service.post("/score", {"rows": [extra, extra | cell]})["log_likelihood"]
            for cell in (sent, meant)
        ]
        assert answers[0] == answers[1]


def test_a_range_not_seen_in_training_has_a_likelihood(service: RunningService) -> None:
    rows = [{"income": 1e300}, {"visits": -(10**12)}, {"visits": 2.5}, {"joined": "0001-01-01"}]
    scored = service.post("/score", {"rows": rows})["log_likelihood"]
    assert all(isinstance(value, float) for value in scored)
    filled = service.post("/impute", {"rows": rows})["rows"]
    assert [
        row[name] for row, name in zip(filled, ("income", "visits", "visits"), strict=False)
    ] == [
        1e300,
        -(10**12),
        2.5,
    ]


def test_a_wrong_type_hides_no_nan_in_its_column(service: RunningService) -> None:
    body = '{"rows": [{"income": {}}, {"income": NaN}, {"income": "x"}, {"income": 1}]}'
    errors = assert_problem(post_text(service, "/score", body), 422)["errors"]
    assert [(error["row"], error["column"]) for error in errors] == [
        (row, "income") for row in range(3)
    ]
    assert "finite" in errors[1]["message"]


def test_every_bad_cell_is_named(service: RunningService) -> None:
    problem = service.refuse(
        "/score",
        {
            "rows": [
                {"city": [], "income": "x"},
                {"member": 3, "visits": "x", "town": "Funchal"},
                {"joined": "never"},
            ]
        },
    )
    found = [(error["row"], error["column"]) for error in problem["errors"]]
    assert set(found) == {
        (0, "city"),
        (0, "income"),
        (1, "member"),
        (1, "visits"),
        (1, "town"),
        (2, "joined"),
    }
    assert found == sorted(found, key=lambda cell: cell[0])


def test_at_most_twenty_cells_are_named(service: RunningService) -> None:
    tables: list[Document] = [
        {"rows": [{"city": [], "income": "x"}] * 500},
        {"rows": [{"town": 1}] * 500},
        {"rows": [3] * 500},
        {"columns": ["income"], "data": [["x"]] * 500},
        {"columns": ["income"], "data": [[]] * 500},
    ]
    for table in tables:
        assert len(service.refuse("/score", table)["errors"]) == 20


def test_an_unknown_column_is_named_with_what_was_meant(service: RunningService) -> None:
    for table in ({"rows": [{}, {"ctiy": "x"}]}, {"columns": ["ctiy"], "data": [["x"]]}):
        (error,) = service.refuse("/score", table)["errors"]
        assert error["column"] == "ctiy"
        assert "'city'" in error["message"]
    (error,) = service.refuse("/score", {"rows": [{"zzz": 1}]})["errors"]
    assert "city" in error["message"]


def test_a_column_named_twice_is_refused(service: RunningService) -> None:
    problem = service.refuse("/score", {"columns": ["city", "city"], "data": [["a", "b"]]})
    assert problem["errors"][0]["column"] == "city"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "missing"),
        ({"rows": {}}, "list"),
        ({"rows": "x"}, "list"),
        ({"columns": ["city"]}, "`data` is missing"),
        ({"data": [[1]]}, "`columns` is missing"),
        ({"columns": "city", "data": []}, "list"),
        ({"columns": ["city"], "data": {}}, "list"),
        ({"columns": [1], "data": []}, "text"),
        ({"columns": [], "data": [[], []]}, "no column"),
        ({"columns": ["city"], "data": [["a"], ["a", "b"]]}, "row 1: expected 1 values, got 2"),
        ({"columns": ["city"], "data": [["a"], "b"]}, "row 1"),
        ({"rows": [{}, [1]]}, "row 1"),
        ({"rows": [None]}, "row 0"),
        ({"rows": [], "columns": ["city"], "data": []}, "not as both"),
    ],
)
def test_a_table_of_the_wrong_shape_is_refused(
    service: RunningService, table: dict[str, Any], said: str
) -> None:
    for path in ("/score", "/impute"):
        assert said in service.refuse(path, table)["detail"]
