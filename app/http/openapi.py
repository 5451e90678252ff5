"""The OpenAPI description: bodies that are read by hand are described by hand.

An endpoint that takes the raw body says here what may stand in it, and every endpoint which
problems it can answer with.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from madeira.app.codecs.formats import FORMATS, JSON
from madeira.app.http.problems import MEDIA_TYPE as PROBLEM
from madeira.app.schemas.base import Options, Problem, TableInput
from madeira.app.schemas.examples import GIVEN_AS_TEXT, OPTIONS, ROWS_AS_TEXT
from madeira.app.schemas.impute import ImputeRequest
from madeira.app.schemas.platforms import PredictRequest
from madeira.app.schemas.sample import SampleRequest
from madeira.app.schemas.score import ScoreRequest

__all__ = ["answers", "body", "install"]

_REF = "#/components/schemas/{model}"
_REQUESTS: tuple[type[BaseModel], ...] = (
    ScoreRequest,
    SampleRequest,
    ImputeRequest,
    PredictRequest,
)
_NULL, _LIST = {"type": "null"}, {"type": "array"}
_ONE_TABLE: list[dict[str, Any]] = [
    {"required": ["rows"], "properties": {"rows": _LIST, "columns": _NULL, "data": _NULL}},
    {
        "required": ["columns", "data"],
        "properties": {"rows": _NULL, "columns": _LIST, "data": _LIST},
    },
]
_SHAPES = ("dataframe_split", "dataframe_records", "instances", "inputs")
_ONE_TABLE += [{"required": [key]} for key in _SHAPES]
"""One of the forms of a table."""

FORM = "multipart/form-data"
_FILE = {
    "type": "object",
    "properties": {
        "file": {
            "type": "string",
            "format": "binary",
            "description": "A table, whose format its name or its content type says.",
        }
    },
    "description": "A file, and options as fields.",
}
_FORMAT = {
    "name": "format",
    "in": "query",
    "required": False,
    "description": "Format of the answer, as `Accept` names it too.",
    "schema": {"type": "string", "enum": [one.short for one in FORMATS.values()]},
}

_PROBLEMS = {
    400: "The body is not what its content type says.",
    404: "No model of this name is served.",
    406: "The client accepts nothing that can be sent.",
    413: "The body is over the limit.",
    415: "The body is in no known format by its headers.",
    422: "The input does not fit the model or the endpoint; `errors` names row and column.",
    500: "The service failed.",
    503: "No model can answer.",
}


def body(
    model: type[BaseModel], examples: Mapping[str, Any], *, required: bool = True
) -> dict[str, Any]:
    """Return the `openapi_extra` of an endpoint that reads its options and its body itself.

    Args:
        model: What may stand in a JSON body; what of it is no table may stand in the query.
        examples: Examples of bodies by name, the first of them shown first.
        required: Whether there must be a body.
    """
    content = {"schema": {"$ref": _REF.format(model=model.__name__)}, "examples": dict(examples)}
    properties = model.model_json_schema(ref_template=_REF)["properties"]
    return {
        "requestBody": {"required": required, "content": {JSON.media_type: content}},
        "parameters": [
            *(
                _parameter(name, schema)
                for name, schema in properties.items()
                if name not in TableInput.model_fields
            ),
            _FORMAT,
        ],
    }


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return an option as it stands in the query.

    It has no default in the schema: pages for people would send that whether it is wanted or not.
    """
    description = schema.pop("description", name)
    if (default := schema.pop("default", None)) not in (None, {}):
        description += f" Default: {orjson.dumps(default).decode()}."
    taken = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    # What may be text or something else is text in the query.
    kind = next((one for one in taken if one.get("type") == "string"), taken[0])
    found = {"name": name, "in": "query", "required": False, "description": description}
    if name in OPTIONS:
        found["example"] = OPTIONS[name]
    if kind.get("type") == "object":
        # As text: Swagger UI makes up what is `content`, and sends it; what has a media type it
        # takes for a file.
        found["description"] += " Written as JSON."
        kind = {"type": "string", "format": "json", "contentSchema": kind}
    return {**found, "schema": kind}


def answers(
    success: type[BaseModel], *problems: int, examples: Mapping[str, Any] | None = None
) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of an endpoint.

    Args:
        success: Body of the answer 200.
        problems: Statuses of the problems it can answer with; 500 is always among them.
        examples: Examples of a success, by name.
    """
    schema = {"$ref": _REF.format(model=Problem.__name__)}
    found: dict[int | str, dict[str, Any]] = {200: {"model": success}}
    if examples:
        found[200]["content"] = {JSON.media_type: {"examples": dict(examples)}}
    for status in (*problems, 500):
        found[status] = {
            "description": _PROBLEMS.get(status, HTTPStatus(status).phrase),
            "content": {PROBLEM: {"schema": schema}},
        }
    return found


def install(app: FastAPI, most: Mapping[str, int]) -> None:
    """Make an application describe the bodies that `body` and `answers` refer to.

    Args:
        app: The application.
        most: Largest values of options, as far as settings bound them.
    """

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            components = schema.setdefault("components", {}).setdefault("schemas", {})
            components |= _described()
            for model in _REQUESTS:
                for name, described in components[model.__name__]["properties"].items():
                    _bound(name, described["anyOf"], most)
            for operations in schema["paths"].values():
                question = operations.get("post", {})
                for parameter in question.get("parameters", ()):
                    _bound(parameter["name"], [parameter["schema"]], most)
                if "requestBody" in question:
                    for one in (question["requestBody"], question["responses"]["200"]):
                        _add_formats(one["content"])
                    _add_examples(question["requestBody"])
                    question["requestBody"]["content"][FORM] = {"schema": _FILE}
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _add_formats(content: dict[str, Any]) -> None:
    """Add all other formats to a body or an answer that is described as JSON."""
    for media_type, one in FORMATS.items():
        schema = {"type": "string", "format": "binary", "description": one.description}
        content.setdefault(media_type, {"schema": schema})


def _add_examples(described: dict[str, Any]) -> None:
    """Add an example to each format of a body that is text."""
    for media_type, text in (ROWS_AS_TEXT if described["required"] else GIVEN_AS_TEXT).items():
        described["content"][media_type]["example"] = text


def _bound(name: str, kinds: list[dict[str, Any]], most: Mapping[str, int]) -> None:
    """Add the maximum of an option to its description."""
    for kind in kinds:
        if name in most and kind.get("type") == "integer":
            kind["maximum"] = most[name]


def _described() -> dict[str, Any]:
    """JSON Schema of the bodies, by name."""
    _, definitions = models_json_schema(
        [(Problem, "serialization"), *((model, "validation") for model in _REQUESTS)],
        ref_template=_REF,
    )
    schemas: dict[str, Any] = definitions["$defs"]
    for model in _REQUESTS:
        described = schemas[model.__name__]
        # An option that is null is as if it were not there, `n` of a sample included.
        described["properties"] = {
            name: _or_null(schema) for name, schema in described["properties"].items()
        }
        described.pop("required", None)
        if issubclass(model, TableInput) and issubclass(model, Options):
            described["anyOf"] = _ONE_TABLE
    return schemas


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = {key: schema[key] for key in ("title", "description") if key in schema}
    if schema.get("default") is not None:
        about["default"] = schema["default"]
    kind = {key: value for key, value in schema.items() if key not in (*about, "default")}
    taken = kind.get("anyOf", [kind])
    return {**about, "anyOf": taken if _NULL in taken else [*taken, _NULL]}
