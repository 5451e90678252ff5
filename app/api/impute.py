"""`POST /impute`: fill what is missing."""

from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response

from app.api.bodies import Received, read_body
from app.api.chunks import compute_all
from app.api.intake import Intake, head_entries, head_metadata, take_in
from app.api.limits import check_cost
from app.api.negotiation import Format
from app.api.offload import coded
from app.api.openapi import answers, body
from app.api.sample import pick_seed
from app.api.service import Service, service_of
from app.batching import Work, costs_of_rows
from app.codecs import json
from app.codecs.arrow import StreamWriter
from app.codecs.arrow_filled import filled_tables
from app.codecs.filled import fill
from app.errors import InvalidInputError
from app.jobs import Array, ImputeJob, ImputeResult
from app.schemas.examples import IMPUTE, IMPUTED
from app.schemas.impute import ImputeOptions, ImputeRequest, ImputeResponse
from models.inference.noise import draw_noise, noise_generator

__all__ = ["router"]

router = APIRouter(tags=["Density"])


@router.post(
    "/impute",
    summary="Fill what is missing",
    openapi_extra=body(ImputeRequest, IMPUTE),
    responses=answers(
        ImputeResponse, 400, 404, 406, 413, 415, 422, 429, 503, 504, examples=IMPUTED
    ),
)
async def impute(request: Request) -> Response:
    """The table without gaps, and how sure each filled cell is.

    A cell is missing where it is null, or where its column is not there. Observed cells come back
    as they were sent.
    """
    service = service_of(request)
    received = await read_body(request, service.settings.body_limit_bytes)
    intake, values, costs, objects = await coded(len(received.content), _read, received, service)
    await service.take_up(intake.model, len(values))
    seed = pick_seed(intake.options.seed)
    most = max(1, service.settings.compute_chunk_rows // intake.options.draws)
    results = await compute_all(request, service, _work(intake, values, costs, seed, most))
    size = len(received.content) * intake.options.draws
    content = await coded(size, _answer, intake, values, objects, results, seed)
    return Response(content, media_type=intake.answer)


def _read(
    received: Received, service: Service
) -> tuple[Intake[ImputeOptions], Array, Array, list[dict[str, Any]]]:
    """The request, its codes, what each row costs, and, for JSON, its rows as objects."""
    settings = service.settings
    limit = settings.request_limit_rows
    intake = take_in(received, ImputeOptions, service.registry, limit, left_out=True)
    draws, estimate = intake.options.draws, intake.options.estimate
    if draws > settings.draws_limit:
        raise InvalidInputError(f"`draws` must be at most {settings.draws_limit}, not {draws}.")
    if draws > 1 and estimate != "draw":
        raise InvalidInputError(
            f"`draws` = {draws} contradicts `estimate` = {estimate!r}: a point estimate would be "
            "the same in every table. Leave one of them out."
        )
    if len(intake.rows) * draws > settings.request_limit_rows:
        raise InvalidInputError(
            f"{len(intake.rows)} rows in {draws} draws are over the limit of "
            f"{settings.request_limit_rows} rows; send several requests."
        )
    intake, values = intake.encoded()
    costs = costs_of_rows(values, draws)
    check_cost(
        float(costs.sum()),
        settings.request_limit_cost,
        f"{len(values)} rows, and 1 for each missing cell and draw",
    )
    return intake, values, costs, [] if intake.answer is Format.ARROW else intake.rows.objects()


def _work(
    intake: Intake[ImputeOptions], values: Array, costs: Array, seed: int, most_rows: int
) -> Work[ImputeResult]:
    """What is to be computed; noise is drawn row by row, so jobs of any size give the same."""
    options, key, width = intake.options, intake.model.key, intake.model.noise_width
    generator = noise_generator(seed)

    def job(start: int, stop: int) -> ImputeJob:
        noise = draw_noise((stop - start) * options.draws, width, generator)
        return ImputeJob(
            model=key,
            values=values[start:stop],
            noise=noise.reshape(stop - start, options.draws, width),
            draws=options.draws,
            estimate=options.estimate,
            within_range=options.within_range,
        )

    return Work(
        kind=ImputeJob,
        model=key,
        rows=len(values),
        row_cost=float(costs[0]) if len(costs) == 1 else costs,
        most_rows=most_rows,
        row_bytes=8 * options.draws * width,
        job=job,
    )


def _answer(
    intake: Intake[ImputeOptions],
    values: Array,
    objects: list[dict[str, Any]],
    results: list[ImputeResult],
    seed: int,
) -> bytes:
    whole = ImputeResult(
        tables=np.concatenate([result.tables for result in results], axis=1),
        probability=np.concatenate([result.probability for result in results]),
        lower=np.concatenate([result.lower for result in results]),
        upper=np.concatenate([result.upper for result in results]),
    )
    if intake.answer is Format.ARROW:
        return _arrow(intake, values, whole, seed)
    tables, imputed = fill(objects, values, whole, intake.model.schema)
    document: dict[str, Any] = {
        **head_entries(intake.model, intake.warnings),
        "seed": seed,
        "rows": tables if intake.options.draws > 1 else tables[0],
        "imputed": imputed,
    }
    return json.encode(document)


def _arrow(intake: Intake[ImputeOptions], values: Array, result: ImputeResult, seed: int) -> bytes:
    schema = intake.model.schema
    tables = filled_tables(intake.rows.arrow(schema), values, result, schema)
    first = next(tables)
    head = head_metadata(intake.model, intake.warnings)
    metadata = {**head, "madeira.seed": str(seed)}
    writer = StreamWriter(first.schema, metadata)
    return b"".join([writer.write(first), *map(writer.write, tables), writer.close()])
