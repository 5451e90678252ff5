"""The routes of platforms that serve models: MLflow, SageMaker, Vertex AI and KServe (version 1).

One dialect, over the data plane of the three questions: `params.job` says which of them is meant.
"""

from dataclasses import replace

from fastapi import APIRouter, Request, Response

from madeira.app.api.health import ready
from madeira.app.codecs.formats import JSON
from madeira.app.codecs.predictions.format import JOB, PREDICTIONS
from madeira.app.errors import InvalidInputError, UnknownModelError
from madeira.app.http.body import read_call
from madeira.app.http.openapi import answers, body
from madeira.app.http.responses import drawn_response, json_response, written_response
from madeira.app.http.routes import plane_of
from madeira.app.offload import offload
from madeira.app.plane import Call
from madeira.app.schemas.examples import INVOCATIONS, PREDICTED
from madeira.app.schemas.models import Ready
from madeira.app.schemas.platforms import ModelReady, PredictRequest, PredictResponse
from madeira.models.echo import did_you_mean, quoted

__all__ = ["router"]

router = APIRouter(tags=["Platforms"])

_JOBS = ("score", "sample", "impute")
_STATUSES = 400, 404, 406, 413, 415, 422, 429, 503, 504
_NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "Name of the model.",
    "schema": {"type": "string"},
    "example": "penguins",
}
_ANY = body(PredictRequest, INVOCATIONS)
_ANY["parameters"] = [one for one in _ANY["parameters"] if one["name"] == "format"]
_NAMED = body(PredictRequest, INVOCATIONS)
_NAMED["parameters"] = [_NAME, *_ANY["parameters"]]


@router.post(
    "/invocations",
    summary="Score, sample or impute, as MLflow and SageMaker ask",
    openapi_extra=_ANY,
    responses=answers(PredictResponse, *_STATUSES, examples=PREDICTED),
)
async def invocations(request: Request) -> Response:
    """A table in the shapes of MLflow, SageMaker and Vertex AI, options in `params`.

    `params.job` is `score`, `sample` or `impute`, `score` if nothing is said. Tables in any other
    format are taken and answered too, with options in the query.
    """
    return await _predicted(request, await _call(request))


@router.post(
    "/v1/models/{name}:predict",
    summary="The same, as KServe and TensorFlow Serving ask",
    openapi_extra=_NAMED,
    responses=answers(PredictResponse, *_STATUSES, examples=PREDICTED),
)
async def predict(request: Request) -> Response:
    """As `/invocations`, with the name of the model in the path."""
    call = await _call(request)
    query = [("model", request.path_params["name"]), *call.query]
    return await _predicted(request, replace(call, query=query))


@router.get("/ping", summary="Can the service do its work?", responses=answers(Ready, 503))
@router.head("/ping", include_in_schema=False)
async def ping(request: Request) -> Response:
    """As `/health/ready`, for SageMaker and MLflow."""
    return await ready(request)


@router.get(
    "/v1/models/{name}",
    summary="Is a model served?",
    openapi_extra={"parameters": [_NAME]},
    responses=answers(ModelReady, 404),
)
@router.head("/v1/models/{name}", include_in_schema=False)
async def model(request: Request) -> Response:
    """Whether a model can answer, for KServe."""
    models, name = plane_of(request).registry.models, request.path_params["name"]
    if name not in models:
        raise UnknownModelError.of_name(name, list(models))
    return json_response({"name": name, "ready": True})


async def _call(request: Request) -> Call:
    call = await read_call(request, plane_of(request).settings.body_limit_bytes)
    return replace(
        call,
        format=PREDICTIONS if call.format is JSON else call.format,
        answer_format=PREDICTIONS if call.answer_format is JSON else call.answer_format,
    )


async def _predicted(request: Request, call: Call) -> Response:
    plane, form = plane_of(request), call.answer_format
    named = [value for name, value in call.query if name == JOB]
    if not named and call.format is PREDICTIONS and call.content:
        found = await offload(len(call.content), PREDICTIONS.job, call.content)
        named = [] if found is None else [found]
    job = named[0] if named else "score"
    call = replace(call, query=[option for option in call.query if option[0] != JOB])
    match job:
        case "score":
            scores = await plane.score(call)
            return await written_response(form.scores(scores), scores, form, request)
        case "impute":
            filled = await plane.impute(call)
            return await written_response(form.filled(filled), filled, form, request)
        case "sample":
            return await drawn_response(await plane.sample(call), form, request)
    raise InvalidInputError(
        f"`{JOB}` is {quoted(job)}.{did_you_mean(job, _JOBS)} It is one of {', '.join(_JOBS)}."
    )
