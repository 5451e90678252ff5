"""`/openapi.json` is valid, complete, and its examples succeed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from madeira.app.codecs.formats import FORMATS
from madeira.app.http.openapi import body
from madeira.app.schemas import examples
from madeira.app.schemas.base import TableInput
from madeira.app.schemas.impute import ImputeResponse
from madeira.app.schemas.models import Live, ModelDetail, ModelList, Ready
from madeira.app.schemas.platforms import PredictResponse
from madeira.app.schemas.sample import SampleResponse
from madeira.app.schemas.score import ScoreRequest, ScoreResponse
from tests.app.running import Document, RunningService
from tests.app.streams import ARROW

BUNDLED = Path(__file__).resolve().parents[2] / "checkpoints"

PUBLIC = {
    ("post", "/score"),
    ("post", "/sample"),
    ("post", "/impute"),
    ("get", "/models"),
    ("get", "/models/{name}"),
    ("post", "/models/{name}/reload"),
    ("post", "/invocations"),
    ("post", "/v1/models/{name}:predict"),
    ("get", "/v1/models/{name}"),
    ("get", "/ping"),
    ("get", "/health/live"),
    ("get", "/health/ready"),
}


@pytest.fixture(scope="module")
def document(service: RunningService) -> dict[str, Any]:
    found: dict[str, Any] = service.client.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_the_description_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


def test_every_public_route_is_described(document: dict[str, Any]) -> None:
    found = operations(document)
    assert set(found) == PUBLIC
    for operation in found.values():
        assert operation["summary"]
        assert operation["description"]
        assert operation["tags"]
        content = operation["responses"]["200"]["content"]["application/json"]
        assert content["schema"]["$ref"].startswith("#/components/schemas/")


def test_arrow_is_described_with_its_options(document: dict[str, Any]) -> None:
    for path in ("/score", "/sample", "/impute"):
        operation = document["paths"][path]["post"]
        for content in (operation["requestBody"], operation["responses"]["200"]):
            assert ARROW in content["content"]
        options = {parameter["name"] for parameter in operation["parameters"]}
        assert {"model", "version"} < options
        assert not options & set(TableInput.model_fields)


def test_every_failure_is_described_as_a_problem(document: dict[str, Any]) -> None:
    for operation in operations(document).values():
        failures = {s: r for s, r in operation["responses"].items() if s != "200"}
        assert "500" in failures
        for response in failures.values():
            schema = response["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    def references(node: object) -> set[str]:
        match node:
            case dict():
                own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
                return own.union(*map(references, node.values()))
            case list():
                return set().union(*map(references, node))
            case _:
                return set()

    assert references(document) <= known


def test_every_option_says_what_it_does(document: dict[str, Any]) -> None:
    for name in ("ScoreRequest", "SampleRequest", "ImputeRequest"):
        for field in document["components"]["schemas"][name]["properties"].values():
            assert field["description"]


@pytest.mark.parametrize("path", ["/score", "/sample", "/impute", "/invocations"])
def test_every_example_of_a_text_succeeds(
    penguins: RunningService, document: dict[str, Any], path: str
) -> None:
    operation = document["paths"][path]["post"]
    content = operation["requestBody"]["content"]
    texts = {media_type: one["example"] for media_type, one in content.items() if "example" in one}
    assert set(texts) == {"text/csv", "application/x-ndjson"}
    for media_type, text in texts.items():
        answer = penguins.client.post(
            path, content=text, headers={"content-type": media_type}, params=options(operation)
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith(media_type)


@pytest.mark.parametrize("path", ["/score", "/sample", "/impute"])
def test_every_example_succeeds(
    penguins: RunningService, document: dict[str, Any], path: str
) -> None:
    content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    assert len(content["examples"]) >= 3
    for example in content["examples"].values():
        assert example["summary"]
        answer = penguins.client.post(
            path, json=example["value"], params=options(document["paths"][path]["post"])
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["model"]["name"] == "penguins"


def test_every_example_of_a_platform_succeeds(
    penguins: RunningService, document: dict[str, Any]
) -> None:
    for path in ("/invocations", "/v1/models/{name}:predict"):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        for example in content["examples"].values():
            answer = penguins.client.post(path.format(name="penguins"), json=example["value"])
            assert answer.status_code == 200, answer.text
            PredictResponse.model_validate(answer.json())


def test_a_page_sends_no_option_that_nobody_set(document: dict[str, Any]) -> None:
    for path in ("/score", "/sample", "/impute"):
        operation = document["paths"][path]["post"]
        for parameter in operation["parameters"]:
            assert "default" not in parameter["schema"]
        bodies = operation["requestBody"]["content"]["application/json"]["examples"].values()
        names = set().union(*(body["value"] for body in bodies))
        assert not names & set(options(operation))


def test_the_description_says_which_options_are_accepted(
    penguins: RunningService, document: dict[str, Any]
) -> None:
    """What it describes is accepted, in the query as in the body, and what it does not is not."""
    tried = {
        "model": ("penguins", ""),
        "version": ("1", ""),
        "contributions": (True, "yes"),
        "cell_anomaly": (True, "yes"),
        "reasons": (True, "yes"),
        "contamination": (0.5, 0.6),
        "n": (1, 0),
        "given": ({"sex": "male"}, [1]),
        "seed": (2**63 - 1, 2**63),
        "temperature": (0.1, 0),
        "within_range": (True, 1),
        "nulls": (True, 1),
        "null_pattern": (True, 1),
        "fill_all": (True, 1),
        "log_likelihood": (True, "1"),
        "draws": (2, 0),
        "estimate": ("mean", "guess"),
        "unknown": ("error", "never"),
        "bad_cells": ("warn", "never"),
    }
    for path in ("/score", "/sample", "/impute"):
        operation = document["paths"][path]["post"]
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        described = document["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
        parameters = {one["name"]: one["schema"] for one in operation["parameters"]}
        assert parameters.pop("format")["enum"] == [one.short for one in FORMATS.values()]
        assert set(parameters) == set(described) - set(TableInput.model_fields)
        body: Document = {} if path == "/sample" else {"rows": [{}]}
        for name, schema in parameters.items():
            for value, right in zip(tried[name], (True, False), strict=True):
                options = {"n": 1, name: value} if path == "/sample" else {name: value}
                assert valid(value, described[name]) is right
                in_body = penguins.client.post(path, json={**body, **options})
                assert in_body.status_code == (200 if right else 422), (name, value)
                text = {k: v if isinstance(v, str) else json.dumps(v) for k, v in options.items()}
                in_query = penguins.client.post(path, json=body, params=text)
                assert in_query.status_code == (200 if right else 422), (name, value)
                if name != "given":
                    assert valid(value, schema) is right
            assert valid(None, described[name])
            nothing = {"n": 1, **body} if path == "/sample" and name != "n" else {**body}
            answer = penguins.client.post(path, json={**nothing, name: None}, params=needed(name))
            assert answer.status_code == 200, answer.text


def needed(name: str) -> dict[str, int]:
    """`n` is needed; where null stands for it in the body, it stands in the query."""
    return {"n": 1} if name == "n" else {}


def valid(value: object, schema: dict[str, Any]) -> bool:
    return bool(OAS31Validator(schema).is_valid(value))


def options(operation: dict[str, Any]) -> dict[str, Any]:
    """Return the options that a page sends with the examples of an operation."""
    return {one["name"]: one["example"] for one in operation["parameters"] if "example" in one}


@pytest.mark.skipif(not (BUNDLED / "penguins").is_dir(), reason="no bundled checkpoints here")
def test_every_example_succeeds_on_the_bundled_models(
    start: Callable[..., RunningService],
) -> None:
    service = start(checkpoints=BUNDLED)
    assert service.client.get("/models").json()["refused"] == []
    assert service.client.get("/models/penguins").status_code == 200
    for path, requests in (
        ("/score", examples.SCORE),
        ("/sample", examples.SAMPLE),
        ("/impute", examples.IMPUTE),
    ):
        for example in requests.values():
            service.post(path, wanted(path) | example["value"])


def wanted(path: str) -> dict[str, Any]:
    """Return the options beside an example, as they would stand in its body."""
    return {k: v for k, v in examples.OPTIONS.items() if path == "/sample" or k == "model"}


def test_the_example_of_a_model_succeeds(
    penguins: RunningService, document: dict[str, Any]
) -> None:
    (parameter,) = document["paths"]["/models/{name}"]["get"]["parameters"]
    (example,) = parameter["examples"].values()
    assert penguins.client.get(f"/models/{example['value']}").status_code == 200


def test_the_example_of_an_unusual_row_is_unusual(penguins: RunningService) -> None:
    usual, unusual, _ = penguins.post("/score", examples.SCORE["rows"]["value"])["log_likelihood"]
    assert usual > unusual


@pytest.mark.parametrize(
    ("answers", "body"),
    [
        (examples.SCORED, ScoreResponse),
        (examples.SAMPLED, SampleResponse),
        (examples.IMPUTED, ImputeResponse),
    ],
)
def test_an_example_of_an_answer_has_the_shape_of_one(
    answers: dict[str, Any], body: type[BaseModel]
) -> None:
    for example in answers.values():
        body.model_validate(example["value"], strict=True)


def test_an_answer_has_the_shape_it_is_described_with(penguins: RunningService) -> None:
    for path, requests, described in (
        ("/score", examples.SCORE, ScoreResponse),
        ("/sample", examples.SAMPLE, SampleResponse),
        ("/impute", examples.IMPUTE, ImputeResponse),
    ):
        for example in requests.values():
            answer = penguins.post(path, wanted(path) | example["value"])
            assert set(answer) <= set(described.model_fields)
            described.model_validate(answer, strict=True)
    for path, kind in (
        ("/models", ModelList),
        ("/models/penguins", ModelDetail),
        ("/health/ready", Ready),
        ("/health/live", Live),
    ):
        kind.model_validate(penguins.client.get(path).json(), strict=True, extra="forbid")


def test_a_body_is_referred_to_by_its_name() -> None:
    content = body(ScoreRequest, examples.SCORE)["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/ScoreRequest"}
