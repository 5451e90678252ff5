"""`POST /score`: how likely are these rows?"""

from collections.abc import Iterator
from typing import Any

import numpy.typing as npt
import orjson
import pyarrow as pa
from fastapi import APIRouter, Request, Response

from madeira.app.api.bodies import Received, read_body
from madeira.app.api.intake import Intake, head_entries, head_metadata, take_in
from madeira.app.api.limits import check_cost
from madeira.app.api.negotiation import Format
from madeira.app.api.openapi import answers, body
from madeira.app.api.service import Service, service_of
from madeira.app.api.written import row_slices, written
from madeira.app.batching import Work
from madeira.app.codecs import json
from madeira.app.codecs.arrow import StreamWriter
from madeira.app.jobs import Array, ScoreJob, ScoreResult, cost_of_scoring
from madeira.app.offload import offload_traced
from madeira.app.schemas.examples import SCORE, SCORED
from madeira.app.schemas.score import ScoreOptions, ScoreRequest, ScoreResponse

__all__ = ["router"]

router = APIRouter(tags=["Density"])

ANSWER_BYTES_A_CELL = 20
ROWS_A_PIECE = 8192


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
    width = values.shape[1] if contributions else 3
    write = _arrow if intake.answer is Format.ARROW else _json
    size = len(values) * width * ANSWER_BYTES_A_CELL
    return await written(write(intake, result), size, intake.answer)


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


def _arrow(intake: Intake[ScoreOptions], result: ScoreResult) -> Iterator[bytes]:
    writer: StreamWriter | None = None
    for rows in row_slices(len(result.log_likelihood), ROWS_A_PIECE):
        anomaly_score = result.anomaly_score[rows]
        columns = {
            "log_likelihood": result.log_likelihood[rows],
            "anomaly_score": anomaly_score,
            "is_anomaly": anomaly_score > 1 - intake.options.contamination,
        }
        if result.contributions is not None:
            nats = result.contributions[rows]
            surprises = [pa.array(column, from_pandas=True) for column in nats.T]  # NaN is null
            names = intake.model.schema.names
            columns["contributions"] = pa.StructArray.from_arrays(surprises, names)
        table = pa.table(columns)
        writer = writer or StreamWriter(table.schema, head_metadata(intake.model, intake.warnings))
        yield writer.write(table)
    if writer is not None:
        yield writer.close()


def _json(intake: Intake[ScoreOptions], result: ScoreResult) -> Iterator[bytes]:
    arrays: dict[str, npt.NDArray[Any]] = {
        "log_likelihood": result.log_likelihood,
        "anomaly_score": result.anomaly_score,
        "is_anomaly": result.anomaly_score > 1 - intake.options.contamination,
    }
    head, nats = head_entries(intake.model, intake.warnings), result.contributions
    slices = row_slices(len(result.log_likelihood), ROWS_A_PIECE)
    if len(slices) == 1:
        document = {**head, **arrays}
        if nats is not None:
            document["contributions"] = orjson.Fragment(b"[" + _json_rows(intake, nats) + b"]")
        yield json.encode(document)
        return
    yield json.encode(head)[:-1]
    for name, array in arrays.items():
        yield b"," + json.encode(name) + b":["
        for rows in slices:
            yield (b"," if rows.start else b"") + json.encode(array[rows])[1:-1]
        yield b"]"
    if nats is not None:
        yield b',"contributions":['
        for rows in slices:
            yield (b"," if rows.start else b"") + _json_rows(intake, nats[rows])
        yield b"]"
    yield b"}"


def _json_rows(intake: Intake[ScoreOptions], nats: Array) -> bytes:
    columns = [pa.array(column) for column in nats.T]
    return json.encode_rows(intake.model.schema.names, columns, len(nats))
