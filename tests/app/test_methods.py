"""Every path says truly which methods it takes."""

import pytest

from tests.app.running import RunningService, assert_problem

GET = "GET, HEAD, OPTIONS"
POST = "POST, OPTIONS"
PATHS = {
    "/": GET,
    "/docs": GET,
    "/docs/assets/swagger-ui.css": GET,
    "/openapi.json": GET,
    "/metrics": GET,
    "/models": GET,
    "/models/shop": GET,
    "/models/shop/reload": POST,
    "/health/live": GET,
    "/health/ready": GET,
    "/score": POST,
    "/sample": POST,
    "/impute": POST,
    "/invocations": POST,
    "/ping": GET,
    "/v1/models/shop": GET,
    "/v1/models/shop:predict": "GET, HEAD, POST, OPTIONS",  # a name may hold a colon
}


def test_every_described_path_is_tried(service: RunningService) -> None:
    described = service.client.get("/openapi.json").json()["paths"]
    assert {path.replace("{name}", "shop") for path in described} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_options_names_the_methods_that_work(service: RunningService, path: str) -> None:
    answer = service.client.options(path)
    assert answer.status_code == 204
    assert answer.headers["allow"] == PATHS[path]
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        tried = service.client.request(method, path)
        assert (tried.status_code == 405) is (method not in PATHS[path].split(", ")), method
        if tried.status_code == 405:
            assert tried.headers["allow"] == PATHS[path]


@pytest.mark.parametrize("path", [path for path, methods in PATHS.items() if methods == GET])
def test_head_is_get_without_the_body(service: RunningService, path: str) -> None:
    head, get = service.client.head(path), service.client.get(path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == get.headers["content-type"]


def test_a_path_that_is_not_there_takes_nothing(service: RunningService) -> None:
    assert_problem(service.client.options("/nowhere"), 404)
