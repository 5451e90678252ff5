"""Options stand in the query or in the body, of any format, and may not contradict each other."""

import json
from typing import Any

import pyarrow as pa
import pytest

from tests.app.running import RunningService, assert_problem
from tests.app.streams import ARROW, post_arrow, read_stream, stream

ROWS = [{"city": "Funchal", "income": 30000.5}, {"city": "Machico"}]


def test_an_option_means_the_same_in_the_query_and_in_the_body(service: RunningService) -> None:
    for path, table, options in (
        ("/score", {"rows": ROWS}, {"contributions": True, "contamination": 0.25}),
        ("/sample", {}, {"n": 4, "seed": 5, "given": {"city": "Funchal"}, "temperature": 0.5}),
        ("/impute", {"rows": ROWS}, {"seed": 5, "draws": 2, "within_range": True}),
        ("/impute", {"rows": ROWS}, {"seed": 5, "estimate": "median", "version": "1"}),
    ):
        by_body = service.post(path, {**table, **options})
        text = {name: as_text(value) for name, value in options.items()}
        answer = service.client.post(path, json=table, params=text)
        assert answer.status_code == 200, answer.text
        assert answer.json() == by_body
        both = service.client.post(path, json={**table, **options}, params=text)
        assert both.status_code == 200, both.text


def as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize(
    ("path", "body", "query", "said"),
    [
        ("/score", {"contributions": True}, {"contributions": "false"}, ("true", "false")),
        ("/score", {"contamination": 0.1}, {"contamination": "0.2"}, ("0.1", "0.2")),
        ("/score", {"model": "shop"}, {"model": "other"}, ("'shop'", "'other'")),
        ("/impute", {"estimate": "mean"}, {"estimate": "mode"}, ("'mean'", "'mode'")),
        ("/sample", {"n": 1}, {"n": "true"}, ("1", "true")),
        ("/sample", {"n": 1, "given": {"city": "a"}}, {"given": "{}"}, ('{"city":"a"}', "{}")),
    ],
)
def test_a_contradiction_names_both_values(
    service: RunningService,
    path: str,
    body: dict[str, Any],
    query: dict[str, str],
    said: tuple[str, str],
) -> None:
    table = {} if path == "/sample" else {"rows": ROWS}
    answer = service.client.post(path, json={**table, **body}, params=query)
    (name,) = query
    in_body, in_query = said
    assert assert_problem(answer, 422)["detail"] == (
        f"`{name}` is {in_body} in the body and {in_query} in the query; send it once."
    )


def test_null_in_the_body_contradicts_nothing(service: RunningService) -> None:
    answer = service.client.post("/sample", json={"n": None, "seed": None}, params={"n": 2})
    assert len(answer.json()["rows"]) == 2
    for body in ({"sed": None}, {"": None}):  # but what is no option is none with null either
        for query in ({}, {"n": 2}):
            refused = service.client.post("/sample", json={"n": 2, **body}, params=query)
            assert "is not an option" in assert_problem(refused, 422)["detail"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("contaminaton=0.1", "Did you mean 'contamination'?"),
        ("contamination=null", "`contamination` is null in the query; leave it out"),
        ("contamination=0.1&contamination=0.1", "more than once"),
        ("contamination=", "`contamination`"),
        ("rows=[]", "`rows` is not an option here"),
        ("n=3", "`n` is not an option here"),
    ],
)
def test_a_wrong_option_in_the_query_is_named_beside_any_body(
    service: RunningService, query: str, said: str
) -> None:
    table = pa.table({"city": ["Funchal"]})
    by_json = service.client.post(f"/score?{query}", json={"rows": ROWS})
    by_arrow = service.client.post(
        f"/score?{query}", content=stream(table), headers={"content-type": ARROW}
    )
    for answer in (by_json, by_arrow):
        assert said in assert_problem(answer, 422)["detail"]


def test_a_sample_may_be_asked_for_by_its_query_alone(service: RunningService) -> None:
    answer = service.client.post("/sample?n=3&seed=4")
    assert answer.json() == service.post("/sample", {"n": 3, "seed": 4})


def test_a_version_may_be_a_whole_number(service: RunningService) -> None:
    assert service.post("/score", {"rows": ROWS, "version": 1})["model"]["version"] == "1"
    assert service.client.post("/score?version=1", json={"rows": ROWS, "version": 1}).is_success
    assert "Version '2'" in service.refuse("/score", {"rows": ROWS, "version": 2}, 404)["detail"]
    for version in (1.5, True, [1]):
        assert "`version`" in service.refuse("/score", {"rows": ROWS, "version": version})["detail"]


def test_very_many_unknown_options_are_refused_as_one_is(service: RunningService) -> None:
    for number in (5_000, 200_000):
        options = {f"contaminaton{place}": 1 for place in range(number)}
        detail = service.refuse("/score", {"rows": ROWS, **options})["detail"]
        assert len(detail) < 1000
        if number == 5_000:  # a larger body is read in slices, and has no room for so many
            assert detail.count("is not an option") == 5


def test_an_arrow_body_has_its_options_in_the_query(service: RunningService) -> None:
    table = pa.table({"city": ["Funchal", None]})
    answer = read_stream(post_arrow(service, "/impute", table, seed=3, draws=2))
    assert answer.num_rows == 4


def test_a_whole_number_may_be_written_with_a_fraction_of_zero(service: RunningService) -> None:
    """JSON Schema says that 3.0 is an integer, and some clients write all numbers so."""
    for body in ({"n": 3.0, "seed": 5.0, "version": 1.0}, {"n": 3, "seed": 5}):
        assert len(service.post("/sample", body)["rows"]) == 3
    assert service.post("/sample", {"n": 3.0, "seed": 5.0}) == service.post(
        "/sample", {"n": 3, "seed": 5}
    )
    service.post("/impute", {"rows": [{}], "draws": 2.0})
    assert "`n`" in service.refuse("/sample", {"n": 3.5})["detail"]
