"""`POST /score`: how likely are these rows?"""

from collections.abc import Iterator

import numpy as np
import orjson
import pyarrow as pa
from fastapi import APIRouter, Request, Response

from app.api.bodies import read_body
from app.api.chunks import bounds, compute_all
from app.api.intake import Intake, model_entry, take_in
from app.api.offload import offload
from app.api.openapi import answers, body
from app.api.service import Service, service_of
from app.codecs import json
from app.codecs.cells import encode_table
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
    responses=answers(ScoreResponse, 400, 404, 406, 413, 415, 422, 503, examples=SCORED),
)
async def score(request: Request) -> Response:
    """The exact log-likelihood of each row, how rare it is, and, on request, why.

    Missing values are fine: the likelihood is that of what is observed. A category that the model
    has never seen is data, and unlikely; a value of the wrong type is an error.
    """
    service = service_of(request)
    sent = await read_body(request, service.settings.body_limit_bytes)
    intake, values = await offload(len(sent), _read, sent, service)
    step = service.settings.compute_chunk_rows

    def jobs() -> Iterator[ScoreJob]:
        for start, stop in bounds(len(values), step):
            yield ScoreJob(intake.model.key, values[start:stop], intake.options.contributions)

    results = await compute_all(request, jobs(), service.pool, 0)
    width = values.shape[1] if intake.options.contributions else 3
    size = len(values) * width * ANSWER_BYTES_A_CELL
    content = await offload(size, _answer, intake, results)
    return Response(content, media_type=json.MEDIA_TYPE)


def _read(sent: bytes, service: Service) -> tuple[Intake[ScoreOptions], Array]:
    intake = take_in(sent, ScoreOptions, service.registry, service.settings.request_limit_rows)
    return intake, encode_table(intake.rows, intake.model.schema)


def _answer(intake: Intake[ScoreOptions], results: list[ScoreResult]) -> bytes:
    anomaly_score = np.concatenate([result.anomaly_score for result in results])
    document = {
        "model": model_entry(intake.model),
        "log_likelihood": np.concatenate([result.log_likelihood for result in results]),
        "anomaly_score": anomaly_score,
        "is_anomaly": anomaly_score > 1 - intake.options.contamination,
    }
    if intake.options.contributions:
        nats = np.concatenate([r.contributions for r in results if r.contributions is not None])
        columns = [pa.array(column) for column in nats.T]
        rows = json.encode_rows(intake.model.schema.names, columns, len(nats))
        document["contributions"] = orjson.Fragment(b"[" + rows + b"]")
    return json.encode(document)
