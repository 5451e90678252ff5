"""The routes of MLflow, SageMaker, Vertex AI and KServe, over the same data plane."""

import csv
import io
import json
from typing import Any

import pytest

from tests.app.running import RunningService, assert_problem

ROWS: list[dict[str, Any]] = [{"city": "Funchal", "income": 30000.0}, {"city": None, "income": 5.5}]
NAMES = ["city", "income"]
SPLIT = {"columns": NAMES, "index": [0, 1], "data": [[row[name] for name in NAMES] for row in ROWS]}
PATHS = ["/invocations", "/v1/models/shop:predict"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "table",
    [
        {"instances": ROWS},
        {"dataframe_split": SPLIT},
        {"dataframe_records": ROWS},
        {"inputs": {name: [row[name] for row in ROWS] for name in NAMES}},
    ],
)
@pytest.mark.parametrize("params", ["params", "parameters"])
def test_every_shape_has_the_same_predictions(
    service: RunningService, path: str, table: dict[str, Any], params: str
) -> None:
    options = {"contributions": True}
    found = service.post(path, {**table, params: options})["predictions"]
    expected = service.post("/score", {"rows": ROWS, **options})
    for name in ("log_likelihood", "anomaly_score", "is_anomaly", "contributions"):
        assert [row[name] for row in found] == expected[name]


@pytest.mark.parametrize("path", PATHS)
def test_a_job_fills_or_draws(service: RunningService, path: str) -> None:
    filled = service.post(path, {"instances": ROWS, "params": {"job": "impute", "seed": 3}})
    expected = service.post("/impute", {"rows": ROWS, "seed": 3})["rows"]
    for row, other in zip(filled["predictions"], expected, strict=True):
        assert {name: row[name] for name in other} == other
    drawn = service.post(path, {"params": {"job": "sample", "n": 40, "seed": 3}})["predictions"]
    assert drawn == service.post("/sample", {"n": 40, "seed": 3})["rows"]


def test_csv_and_json_have_the_same_answer(service: RunningService) -> None:
    text = "city,income\nFunchal,30000\n,5.5\n"
    answer = service.client.post("/invocations", content=text, headers={"content-type": "text/csv"})
    scored = list(csv.DictReader(io.StringIO(answer.text)))
    expected = service.post("/invocations", {"instances": ROWS})["predictions"]
    assert [float(row["log_likelihood"]) for row in scored] == [
        row["log_likelihood"] for row in expected
    ]
    both = {"content-type": "text/csv", "accept": "application/json"}
    answer = service.client.post("/invocations?job=score", content=text, headers=both)
    assert answer.json()["predictions"] == expected


def test_no_rows_have_no_predictions(service: RunningService) -> None:
    for job in ("score", "impute"):
        body = {"instances": [], "params": {"job": job}}
        assert service.post("/invocations", body) == {"predictions": []}


def test_a_column_may_be_called_job(service: RunningService) -> None:
    refused = service.refuse("/invocations", {"instances": [{"job": "x"}]})
    assert "unknown column" in refused["detail"]


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"instances": ROWS, "params": {"job": "scores"}}, 422, "Did you mean 'score'?"),
        ({"instances": ROWS, "params": {"contribution": True}}, 422, "`contribution`"),
        ({"instances": ROWS, "params": []}, 422, "`params` must be an object"),
        ({"instances": ROWS, "params": {}, "parameters": {}}, 422, "not both"),
        ({"instances": [{"income": "heavy"}]}, 422, "row 0, column 'income'"),
        ({"rows": ROWS, "instances": ROWS}, 422, "Send the table once"),
        ({}, 422, "The table is missing"),
    ],
)
def test_what_is_wrong_is_a_problem(
    service: RunningService, body: object, status: int, detail: str
) -> None:
    answer = service.client.post("/invocations", json=body)
    assert detail.lower() in assert_problem(answer, status)["detail"].lower()


def test_readiness_is_told_to_platforms(service: RunningService) -> None:
    assert service.client.get("/ping").status_code == 200
    assert service.client.head("/ping").status_code == 200
    assert service.client.get("/v1/models/shop").json() == {"name": "shop", "ready": True}
    assert_problem(service.client.get("/v1/models/store"), 404)
    assert_problem(service.client.post("/v1/models/store:predict", content=json.dumps({})), 404)
