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
        ({"instances": RECORDS}, "`instances` is not read: send its list of objects as `rows`."),
        ({"inputs": RECORDS}, "`inputs` is not read: send its list of objects as `rows`."),
        ({"dataframe_records": RECORDS}, "`dataframe_records` is not read"),
        ({"dataframe_split": SPLIT}, "send its `columns` and `data` in its place"),
        ({"rows": RECORDS, "params": {"contributions": True}}, "options stand beside `rows`"),
        (SPLIT, "`index` is not read: leave it out"),
        (RECORDS, "The body must be a JSON object, not a list. Send it as `rows`"),
        (SPLIT["data"], 'Send it as `data`, with `columns`: {"columns"'),
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


def test_pandas_split_without_its_index_is_read(service: RunningService) -> None:
    split = json.loads(FRAME.to_json(orient="split", index=False))
    assert service.post("/score", split) == service.post("/score", {"rows": RECORDS})


def test_an_empty_arrow_body_is_told_so(service: RunningService) -> None:
    assert "The body is empty" in assert_problem(post_arrow(service, "/score", b""), 400)["detail"]
