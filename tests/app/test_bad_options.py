"""Options that do not fit are refused, and the answer says which and why."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.app.running import Document, RunningService, assert_problem

JSON = {"content-type": "application/json"}
INVALID = "urn:madeira:problem:invalid-input"


@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        ("/score", {"contamination": 0}, "`contamination`"),
        ("/score", {"contamination": 0.6}, "`contamination`"),
        ("/score", {"contamination": "low"}, "`contamination`"),
        ("/score", {"contamination": True}, "`contamination`"),
        ("/score", {"contributions": "yes"}, "`contributions`"),
        ("/score", {"contributions": 1}, "`contributions`"),
        ("/score", {"contaminaton": 0.1}, "'contamination'"),
        ("/score", {"n": 3}, "`n` is not an option"),
        ("/score", {"model": 3}, "`model`"),
        ("/score", {"model": ""}, "`model`"),
        ("/impute", {"draws": 0}, "`draws`"),
        ("/impute", {"draws": 101}, "`draws`"),
        ("/impute", {"draws": 2.5}, "`draws`"),
        ("/impute", {"draws": True}, "`draws`"),
        ("/impute", {"estimate": "guess"}, "`estimate`"),
        ("/impute", {"estimate": "mean", "draws": 2}, "contradicts"),
        ("/impute", {"seed": -1}, "`seed`"),
        ("/impute", {"seed": 2**63}, "`seed`"),
        ("/impute", {"sed": 1}, "'seed'"),
        ("/sample", {}, "`n` is missing"),
        ("/sample", {"n": 0}, "`n`"),
        ("/sample", {"n": -1}, "`n`"),
        ("/sample", {"n": 2.5}, "`n`"),
        ("/sample", {"n": True}, "`n`"),
        ("/sample", {"n": "3"}, "`n`"),
        ("/sample", {"n": 10_000_001}, "`n` must be at most 10000000"),
        ("/sample", {"n": 10**30}, "`n`"),
        ("/sample", {"n": 1, "temperature": 0}, "`temperature`"),
        ("/sample", {"n": 1, "temperature": -1}, "`temperature`"),
        ("/sample", {"n": 1, "rows": []}, "`rows` is not an option"),
        ("/sample", {"n": 1, "given": []}, "`given`"),
        ("/sample", {"n": 1, "gven": {}}, "'given'"),
    ],
)
def test_an_option_out_of_its_range_is_named(
    service: RunningService, path: str, options: dict[str, Any], said: str
) -> None:
    table: Document = {} if path == "/sample" else {"rows": [{}]}
    problem = service.refuse(path, {**table, **options})
    assert problem["type"] == INVALID
    assert said in problem["detail"]


def test_an_option_that_is_no_number_is_refused(service: RunningService) -> None:
    for body in ('{"n": 1, "temperature": NaN}', '{"n": 1, "temperature": 1e999}'):
        answer = service.client.post("/sample", content=body, headers=JSON)
        assert_problem(answer, 422)


@pytest.mark.parametrize(
    ("given", "column", "said"),
    [
        ({"town": "x"}, "town", "unknown column"),
        ({"note": "x"}, "note", "not modelled"),
        ({"income": "x"}, "income", "number"),
        ({"city": []}, "city", "text"),
    ],
)
def test_evidence_that_does_not_fit_is_named(
    service: RunningService, given: dict[str, Any], column: str, said: str
) -> None:
    (error,) = service.refuse("/sample", {"n": 1, "given": given})["errors"]
    assert error["row"] is None
    assert error["column"] == column
    assert said in error["message"]


def test_a_model_nobody_serves_is_not_found(service: RunningService) -> None:
    for path, rest in (("/score", {"rows": []}), ("/sample", {"n": 1}), ("/impute", {"rows": []})):
        problem = service.refuse(path, {"model": "shoop", **rest}, 404)
        assert problem["type"] == "urn:madeira:problem:unknown-model"
        assert "Did you mean 'shop'?" in problem["detail"]


def test_rows_over_the_limits_are_refused(start: Callable[..., RunningService]) -> None:
    small = start(request_limit_rows=10, sample_limit_rows=5, draws_limit=4)
    small.post("/score", {"rows": [{}] * 10})
    assert "limit of 10" in small.refuse("/score", {"rows": [{}] * 11})["detail"]
    small.post("/impute", {"rows": [{"city": "Funchal"}] * 2, "draws": 4})
    assert "limit of 10" in small.refuse("/impute", {"rows": [{}] * 3, "draws": 4})["detail"]
    assert "at most 4" in small.refuse("/impute", {"rows": [{}], "draws": 5})["detail"]
    small.post("/sample", {"n": 5})
    assert "at most 5" in small.refuse("/sample", {"n": 6})["detail"]
