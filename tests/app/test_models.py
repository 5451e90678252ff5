"""`GET /models`, the health checks, routes that are not there, and faults of the service."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from madeira.models import DensityEstimator
from tests.app.running import RunningService, assert_problem


def test_the_list_says_what_is_served(service: RunningService) -> None:
    document = service.client.get("/models").json()
    (model,) = document["models"]
    assert document["refused"] == []
    assert (model["name"], model["version"], model["default"]) == ("shop", "1", True)
    assert model["description"] == "Customers of a shop."
    assert model["columns"] == 7
    assert model["metrics"]["train_rows"] > 0


def test_a_model_tells_all_about_itself(
    service: RunningService, estimator: DensityEstimator
) -> None:
    document = service.client.get("/models/shop").json()
    assert document["columns"] == estimator.schema.describe()
    assert [left["name"] for left in document["left_out"]] == ["note", "country"]
    assert all(left["reason"] for left in document["left_out"])
    assert document["metrics"] == estimator.metrics
    assert document["card"] == estimator.card
    examples = {column["name"]: column["example"] for column in document["columns"]}
    service.post("/score", {"rows": [examples]})


def test_a_model_nobody_serves_is_not_found(service: RunningService) -> None:
    problem = assert_problem(service.client.get("/models/shp"), 404)
    assert problem["type"] == "urn:madeira:problem:unknown-model"
    assert "Did you mean 'shop'?" in problem["detail"]
    assert_problem(service.client.get("/models/a%2Fb"), 404)
    assert_problem(service.client.get("/models/%ff%00"), 404)


@pytest.fixture(scope="module")
def two(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("two")
    shutil.copytree(checkpoints / "shop", directory / "shop")
    shutil.copytree(checkpoints / "shop", directory / "market")
    return directory


def test_among_several_models_one_is_named(start: Callable[..., RunningService], two: Path) -> None:
    service = start(checkpoints=two)
    for path, rest in (("/score", {"rows": []}), ("/sample", {"n": 1}), ("/impute", {"rows": []})):
        detail = service.refuse(path, rest)["detail"]
        assert "'market'" in detail
        assert "'shop'" in detail
        for name in ("market", "shop"):
            answer = service.post(path, {"model": name, **rest})
            assert answer["model"] == {"name": name, "version": "1"}
    assert not any(model["default"] for model in service.client.get("/models").json()["models"])


def test_the_default_model_answers_who_names_none(
    start: Callable[..., RunningService], two: Path
) -> None:
    service = start(checkpoints=two, default_model="shop")
    assert service.post("/score", {"rows": []})["model"]["name"] == "shop"
    assert service.post("/score", {"model": "market", "rows": []})["model"]["name"] == "market"
    defaults = {m["name"]: m["default"] for m in service.client.get("/models").json()["models"]}
    assert defaults == {"market": False, "shop": True}


def test_a_default_model_that_is_not_served_is_missed(
    start: Callable[..., RunningService], two: Path
) -> None:
    service = start(checkpoints=two, default_model="kiosk")
    assert "'kiosk'" in service.refuse("/score", {"rows": []}, 503)["detail"]
    service.post("/score", {"model": "shop", "rows": []})


def test_a_service_that_can_work_is_live_and_ready(service: RunningService) -> None:
    assert service.client.get("/health/live").json() == {"status": "live"}
    assert service.client.get("/health/ready").json() == {
        "status": "ready",
        "models": ["shop"],
        "workers": {"usable": 1, "all": 1},
        "spares": {"usable": 0, "all": 0},
    }
    assert service.client.head("/health/ready").status_code == 200


@pytest.mark.parametrize("empty", ["nothing", "does/not/exist"])
def test_a_service_without_a_model_is_live_but_not_ready(
    start: Callable[..., RunningService], tmp_path: Path, empty: str
) -> None:
    (tmp_path / "nothing").mkdir()
    service = start(checkpoints=tmp_path / empty)
    assert service.client.get("/health/live").status_code == 200
    problem = assert_problem(service.client.get("/health/ready"), 503)
    assert problem["type"] == "urn:madeira:problem:unavailable"
    assert service.client.get("/models").json() == {"models": [], "refused": []}
    service.refuse("/score", {"rows": []}, 503)
    service.refuse("/score", {"model": "shop", "rows": []}, 503)


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/nowhere", 404, "/nowhere"),
        ("POST", "/scores", 404, "Did you mean '/score'?"),
        ("GET", "/score/", 404, "Did you mean '/score'?"),
        ("GET", "/redoc", 404, "/redoc"),
        ("GET", "/docs/assets/nothing.js", 404, "nothing.js"),
        ("GET", "/docs/assets/%2e%2e/main.py", 404, ""),
        ("GET", "/score", 405, "POST"),
        ("PUT", "/score", 405, "POST"),
        ("DELETE", "/models", 405, "GET"),
        ("POST", "/health/live", 405, ""),
        ("POST", "/docs/assets/swagger-ui.css", 405, ""),
    ],
)
def test_a_route_that_is_not_there_is_a_problem_too(
    service: RunningService, method: str, path: str, status: int, said: str
) -> None:
    answer = service.client.request(method, path)
    problem = assert_problem(answer, status)
    assert problem["type"] == "about:blank"
    assert said in problem["detail"]
    if status == 405:
        assert answer.headers["allow"]
