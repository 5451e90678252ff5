"""A table in the form of another library or service is refused with what to send instead."""

import json
from typing import Any

import pandas as pd
import pytest

from tests.app.running import RunningService, assert_problem
from tests.app.streams import post_arrow

FRAME = pd.DataFrame({"city": ["Funchal", "Machico"], "income": [30000.0, 20000.0]})
RECORDS: list[Any] = json.loads(FRAME.to_json(orient="records"))
SPLIT: dict[str, Any] = json.loads(FRAME.to_json(orient="split"))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"rows": RECORDS, "params": {"contributions": True}}, "options stand beside `rows`"),
        ({"dataframe_split": RECORDS}, "with `columns` and `data`"),
        ({"instances": RECORDS, "rows": RECORDS}, "Send the table once"),
        ({"inputs": {"city": ["Funchal"], "income": [1, 2]}}, "not all of one length"),
        ({"inputs": {"city": "Funchal"}}, "one list a column"),
        (json.loads(FRAME.to_json(orient="columns")), 'the list that `orient="records"` writes'),
        (json.loads(FRAME.to_json(orient="index")), 'the list that `orient="records"` writes'),
        (json.loads(FRAME.to_json(orient="table")), "`schema` is not read"),
        (FRAME.to_dict("list"), "looks like a table by column"),
        (RECORDS[0], 'if it is a row, send it as {"rows": [{"column": value}]}'),
        (FRAME.to_csv(index=False), "A text is not read as a table"),
        ({"rows": FRAME.to_csv(index=False)}, "CSV text is not read"),
        ({"row": RECORDS, "columns": None}, "'rows'"),
    ],
)
@pytest.mark.parametrize("path", ["/score", "/impute"])
def test_a_table_in_another_form_is_told_the_right_one(
    service: RunningService, path: str, body: object, said: str
) -> None:
    assert said in service.refuse(path, body)["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "The body is empty: send a JSON object"),
        (b" \n", "The body is empty: send a JSON object"),
        (FRAME.to_json(orient="records", lines=True).encode(), "The body is JSON lines"),
        (FRAME.to_csv(index=False).encode(), "The body looks like CSV"),
        (FRAME.to_csv(index=False, sep=";").encode(), "The body looks like CSV"),
        ('{"rows": [{"city": "São Vicente"}]}'.encode("latin-1"), "not UTF-8: byte 21 is 0xe3"),
        (json.dumps({"rows": RECORDS}).encode("utf-16"), "The body is not UTF-8: byte 0 is 0xff"),
    ],
)
@pytest.mark.parametrize("path", ["/score", "/impute"])
def test_a_body_that_is_not_json_is_told_what_it_is(
    service: RunningService, path: str, body: bytes, said: str
) -> None:
    answer = service.client.post(path, content=body, headers={"content-type": "application/json"})
    assert said in assert_problem(answer, 400)["detail"]


@pytest.mark.parametrize(
    "body",
    [
        json.loads(FRAME.to_json(orient="split", index=False)),
        SPLIT,
        RECORDS,
        {"dataframe_split": SPLIT},
        {"dataframe_records": RECORDS},
        {"instances": RECORDS},
        {"inputs": RECORDS},
        {"inputs": FRAME.to_dict("list")},
    ],
)
def test_tables_in_the_shapes_of_other_services_are_read(
    service: RunningService, body: object
) -> None:
    assert service.post("/score", body) == service.post("/score", {"rows": RECORDS})
    filled = service.post("/impute?seed=3", body)
    assert filled == service.post("/impute", {"rows": RECORDS, "seed": 3})


def test_lists_without_names_are_in_the_order_of_the_model(service: RunningService) -> None:
    names = service.app.state.plane.registry.models["shop"].schema.names
    values = [[row.get(name) for name in names] for row in RECORDS]
    expected = service.post("/score", {"rows": RECORDS})
    assert service.post("/score", {"instances": values}) == expected
    assert service.post("/score", values) == expected
    refused = service.refuse("/score", {"instances": [[1]]})
    assert f"expected {len(names)} values, got 1" in refused["detail"]


@pytest.mark.parametrize(
    "key", ["dataframe_split", "dataframe_records", "instances", "inputs", None]
)
def test_large_bodies_have_these_shapes_too(service: RunningService, key: str | None) -> None:
    rows = [{"city": "Funchal", "income": number} for number in range(110_000)]
    split = {"columns": ["city", "income"], "data": [["Funchal", row["income"]] for row in rows]}
    body: object = split if key == "dataframe_split" else rows
    body = body if key is None else {key: body}
    assert len(json.dumps(body)) > 2**21
    found = service.post("/score", body)["log_likelihood"]
    assert found[:20] == service.post("/score", {"rows": rows[:20]})["log_likelihood"]
    assert len(found) == 110_000


def test_an_empty_arrow_body_is_told_so(service: RunningService) -> None:
    assert "The body is empty" in assert_problem(post_arrow(service, "/score", b""), 400)["detail"]
