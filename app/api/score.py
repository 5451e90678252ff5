"""`POST /score`: how likely are these rows?"""

from fastapi import APIRouter, Request, Response

from madeira.app.api.bodies import Received, read_body
from madeira.app.api.intake import Intake, take_in
from madeira.app.api.limits import check_cost
from madeira.app.api.openapi import answers, body
from madeira.app.api.service import Service, service_of
from madeira.app.api.written import written
from madeira.app.batching import Work
from madeira.app.codecs.answers import Scores
from madeira.app.jobs import Array, ScoreJob, cost_of_scoring
from madeira.app.offload import offload_traced
from madeira.app.schemas.examples import SCORE, SCORED
from madeira.app.schemas.score import ScoreOptions, ScoreRequest, ScoreResponse

__all__ = ["router"]

router = APIRouter(tags=["Density"])


@router.post(
    "/score",
    summary="How likely is each row?",
    openapi_extra=body(ScoreRequest, SCORE),
    responses=answers(ScoreResponse, 400, 404, 406, 413, 415, 422, 429, 503, 504, examples=SCORED),
)
async def score(request: Request) -> Response:
    """The exact log-likelihood of each row, how rare it is, and, on request, why.

    Missing values are fine: the likelihood is that of what is observed. A category that the model
    has never seen is data, and unlikely; a value of the wrong type is an error.
    """
    service = service_of(request)
    received = await read_body(request, service.settings.body_limit_bytes, service.memory)
    intake, values = await offload_traced(len(received.content), _read, request, received, service)
    key, contributions = intake.model.key, intake.options.contributions
    work = Work(
        kind=ScoreJob,
        model=key,
        rows=len(values),
        row_cost=_row_cost(intake),
        most_rows=service.settings.compute_chunk_rows,
        row_bytes=0,
        job=lambda start, stop: ScoreJob(key, values[start:stop], contributions),
    )
    result = await service.result(request, intake.model, work)
    service.metrics.scored(key, result.log_likelihood)
    answer = Scores(
        model=key,
        schema=intake.model.schema,
        warnings=intake.warnings,
        seed=None,
        log_likelihood=result.log_likelihood,
        anomaly_score=result.anomaly_score,
        is_anomaly=result.anomaly_score > 1 - intake.options.contamination,
        contributions=result.contributions,
    )
    pieces = intake.answer.scores(answer)
    return await written(pieces, answer.size_bytes, intake.answer.media_type)


def _read(
    request: Request, received: Received, service: Service
) -> tuple[Intake[ScoreOptions], Array]:
    limit = service.settings.request_limit_rows
    intake = take_in(received, ScoreOptions, service.registry, limit)
    each = _row_cost(intake)
    check_cost(
        len(intake.rows) * each,
        service.settings.request_limit_cost,
        f"{len(intake.rows)} rows"
        if each == 1
        else f"{len(intake.rows)} rows at {each} each: 1, "
        "and 1 for the contribution of each column",
    )
    columns = len(intake.model.schema.columns)
    results = 2 + intake.options.contributions * columns
    service.memory.take(request.scope, 8 * len(intake.rows) * (columns + results))
    intake, values = intake.encoded()
    return intake.without_rows(), values


def _row_cost(intake: Intake[ScoreOptions]) -> int:
    return cost_of_scoring(len(intake.model.schema.columns), intake.options.contributions)
