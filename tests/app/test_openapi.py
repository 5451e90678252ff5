"""`/openapi.json` is valid, complete, and its examples succeed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import palmerpenguins
import pyarrow as pa
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from app.api.openapi import body
from app.schemas import examples
from app.schemas.impute import ImputeResponse
from app.schemas.models import Live, ModelDetail, ModelList, Ready
from app.schemas.sample import SampleResponse
from app.schemas.score import ScoreRequest, ScoreResponse
from models import DensityEstimator
from models.columns.schema import Schema
from models.made import MaskConfig, NetworkConfig
from models.training.config import FitConfig, MemberConfig, TrainingConfig
from tests.app.running import RunningService
from tests.app.streams import ARROW

BUNDLED = Path(__file__).resolve().parents[2] / "checkpoints"

PUBLIC = {
    ("post", "/score"),
    ("post", "/sample"),
    ("post", "/impute"),
    ("get", "/models"),
    ("get", "/models/{name}"),
    ("post", "/models/{name}/reload"),
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
        assert not options & {"rows", "columns", "data"}


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


@pytest.fixture(scope="module")
def penguins(
    start: Callable[..., RunningService], tmp_path_factory: pytest.TempPathFactory
) -> RunningService:
    """A service with a quickly trained model of the name and the columns of the bundled one."""
    table = pa.Table.from_pandas(palmerpenguins.load_penguins(), preserve_index=False)
    masks = MaskConfig("sampled", "even", count=None, ensemble=2)
    training = TrainingConfig(max_epochs=2, patience_epochs=2)
    member = MemberConfig("any-order", NetworkConfig(hidden=(16,)), masks, training)
    config = FitConfig((member,), calibration_rows=100)
    directory = tmp_path_factory.mktemp("penguins")
    fitted = DensityEstimator(config=config).fit(table, Schema.infer(table))
    fitted.save(directory / "penguins" / "1")
    return start(checkpoints=directory)


@pytest.mark.parametrize("path", ["/score", "/sample", "/impute"])
def test_every_example_succeeds(
    penguins: RunningService, document: dict[str, Any], path: str
) -> None:
    content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    assert len(content["examples"]) >= 3
    for example in content["examples"].values():
        assert example["summary"]
        assert example["value"]["model"] == "penguins"
        penguins.post(path, example["value"])


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
            service.post(path, example["value"])


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
            answer = penguins.post(path, example["value"])
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
