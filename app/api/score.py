"""`POST /score`: how likely are these rows?"""

import numpy as np
import orjson
import pyarrow as pa
from fastapi import APIRouter, Request, Response

from app.api.bodies import Received, read_body
from app.api.chunks import compute_all
from app.api.intake import Intake, head_entries, head_metadata, take_in
from app.api.limits import check_cost
from app.api.negotiation import Format
from app.api.offload import coded
from app.api.openapi import answers, body
from app.api.service import Service, service_of
from app.batching import Work
from app.codecs import arrow, json
from app.jobs import Array, ScoreJob, ScoreResult
from app.schemas.examples import SCORE, SCORED
from app.schemas.score import ScoreOptions, ScoreRequest, ScoreResponse

__all__ = ["router"]

router = APIRouter(tags=["Density"])

ANSWER_BYTES_A_CELL = 20


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
    received = await read_body(request, service.settings.body_limit_bytes)
    intake, values = await coded(len(received.content), _read, received, service)
    await service.take_up(intake.model, len(values))
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
    results = await compute_all(request, service, work)
    for result in results:
        service.metrics.scored(key, result.log_likelihood)
    width = values.shape[1] if intake.options.contributions else 3
    size = len(values) * width * ANSWER_BYTES_A_CELL
    write = _arrow if intake.answer is Format.ARROW else _json
    content = await coded(size, write, intake, results)
    return Response(content, media_type=intake.answer)


def _read(received: Received, service: Service) -> tuple[Intake[ScoreOptions], Array]:
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
    intake, values = intake.encoded()
    return intake.without_rows(), values


def _row_cost(intake: Intake[ScoreOptions]) -> int:
    return 1 + intake.options.contributions * len(intake.model.schema.columns)


def _arrow(intake: Intake[ScoreOptions], results: list[ScoreResult]) -> bytes:
    anomaly_score = _joined([result.anomaly_score for result in results])
    columns = {
        "log_likelihood": _joined([result.log_likelihood for result in results]),
        "anomaly_score": anomaly_score,
        "is_anomaly": anomaly_score > 1 - intake.options.contamination,
    }
    if intake.options.contributions:
        nats = _joined([r.contributions for r in results if r.contributions is not None])
        surprises = [pa.array(column, from_pandas=True) for column in nats.T]  # NaN is null
        columns["contributions"] = pa.StructArray.from_arrays(surprises, intake.model.schema.names)
    return arrow.encode(pa.table(columns), head_metadata(intake.model, intake.warnings))


def _json(intake: Intake[ScoreOptions], results: list[ScoreResult]) -> bytes:
    anomaly_score = _joined([result.anomaly_score for result in results])
    document = {
        **head_entries(intake.model, intake.warnings),
        "log_likelihood": _joined([result.log_likelihood for result in results]),
        "anomaly_score": anomaly_score,
        "is_anomaly": anomaly_score > 1 - intake.options.contamination,
    }
    if intake.options.contributions:
        nats = _joined([r.contributions for r in results if r.contributions is not None])
        columns = [pa.array(column) for column in nats.T]
        rows = json.encode_rows(intake.model.schema.names, columns, len(nats))
        document["contributions"] = orjson.Fragment(b"[" + rows + b"]")
    return json.encode(document)


def _joined(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
