"""`GET /models` and `GET /models/{name}`: what is served."""

from typing import Any

from fastapi import APIRouter, Request, Response

from madeira.app.errors import UnknownModelError
from madeira.app.http.negotiation import check_accept
from madeira.app.http.openapi import answers
from madeira.app.http.responses import json_response
from madeira.app.http.routes import plane_of
from madeira.app.registry import Rejection, ServedModel
from madeira.app.schemas.examples import MODEL
from madeira.app.schemas.models import ModelDetail, ModelList, ReloadResult

__all__ = ["router"]

router = APIRouter(tags=["Models"])

_HEADLINES = ("trained_at", "preset", "train_rows", "valid_rows", "valid_nats", "test_nats")
"""Metrics that the list shows; the model itself has all."""

_NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "Name of the model.",
    "schema": {"type": "string"},
    "examples": {MODEL: {"value": MODEL}},
}


@router.get("/models", summary="Which models are served?", responses=answers(ModelList, 406))
@router.head("/models", include_in_schema=False)
async def models(request: Request) -> Response:
    """The models that are served, and the checkpoints that are not, with the reason."""
    check_accept(request.headers)
    registry = plane_of(request).registry
    document = {
        "models": [
            {
                **_head(model, registry.default),
                "columns": len(model.schema.columns),
                "metrics": {key: model.metrics[key] for key in _HEADLINES if key in model.metrics},
            }
            for model in registry.models.values()
        ],
        "refused": list(map(_refusal, registry.refused)),
    }
    return json_response(document)


@router.get(
    "/models/{name}",
    summary="What does a model know?",
    openapi_extra={"parameters": [_NAME]},
    responses=answers(ModelDetail, 404, 406),
)
@router.head("/models/{name}", include_in_schema=False)
async def model(request: Request) -> Response:
    """Its columns, those left out and why, how it was trained, and its card."""
    check_accept(request.headers)
    registry = plane_of(request).registry
    name = request.path_params["name"]
    found = registry.models.get(name)
    if found is None:
        raise UnknownModelError.of_name(name, list(registry.models))
    document = {
        **_head(found, registry.default),
        "columns": found.schema.describe(),
        "left_out": [{"name": left.name, "reason": left.reason} for left in found.schema.left_out],
        "metrics": found.metrics,
        "card": found.card,
    }
    return json_response(document)


@router.post(
    "/models/{name}/reload",
    summary="Is there a new version?",
    openapi_extra={"parameters": [_NAME]},
    responses=answers(ReloadResult, 404, 406),
)
async def reload(request: Request) -> Response:
    """Looks for a new version of a model at once, and serves it when every worker has it.

    Versions that were refused are tried again. Where nothing better can be served the old version
    stays, and `refused` says why. All API processes look, and `behind` says how many of them do
    not serve the version that is named.
    """
    check_accept(request.headers)
    plane, siblings = plane_of(request), request.app.state.siblings
    registry, name = plane.registry, request.path_params["name"]
    before = registry.models.get(name)
    previous = None if before is None else before.key.version
    await registry.refresh(plane.engine, again=name)
    others = [] if siblings is None else await siblings.look(name)
    refused = [one for one in registry.refused if one.name == name]
    found = registry.models.get(name)
    if found is None and not refused:
        raise UnknownModelError.of_name(name, list(registry.models))
    document = {
        "name": name,
        "version": None if found is None else found.key.version,
        "previous": previous,
        "behind": 0 if found is None else sum(one != found.key.version for one in others),
        "refused": [_refusal(one) for one in refused],
    }
    return json_response(document)


def _refusal(refusal: Rejection) -> dict[str, Any]:
    return {"name": refusal.name, "version": refusal.version, "reason": refusal.reason}


def _head(served: ServedModel, default: str | None) -> dict[str, Any]:
    return {
        "name": served.key.name,
        "version": served.key.version,
        "description": served.description,
        "default": served.key.name == default,
    }
