"""`docs/api.md` knows every route, option and problem."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from madeira.app.errors import RequestError
from madeira.app.http.problems import TYPE_PREFIX
from madeira.app.main import create_app
from madeira.app.schemas.impute import ImputeOptions, ImputeResponse
from madeira.app.schemas.sample import SampleOptions, SampleResponse
from madeira.app.schemas.score import ScoreOptions, ScoreResponse
from madeira.app.settings import Settings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Settings()).framework


def test_every_route_is_documented(app: FastAPI) -> None:
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in PAGE


@pytest.mark.parametrize("problem", RequestError.__subclasses__(), ids=lambda kind: kind.slug)
def test_every_problem_is_documented(problem: type[RequestError]) -> None:
    assert f"| {problem.status.value} | `{TYPE_PREFIX}{problem.slug}` |" in PAGE


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/score", ScoreOptions),
        ("/score", ScoreResponse),
        ("/sample", SampleOptions),
        ("/sample", SampleResponse),
        ("/impute", ImputeOptions),
        ("/impute", ImputeResponse),
    ],
)
def test_every_option_and_answer_is_documented(path: str, body: type[BaseModel]) -> None:
    section = PAGE.split(f"## POST {path}\n")[1].split("\n## ")[0]
    everywhere = {"model"}
    for name in set(body.model_fields) - everywhere:
        assert f"`{name}`" in section or f'"{name}"' in section


def test_every_problem_has_words_of_its_own() -> None:
    kinds = RequestError.__subclasses__()
    assert len({kind.slug for kind in kinds}) == len({kind.title for kind in kinds}) == len(kinds)
