"""`POST /impute`: fill what is missing."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response

from app.api.bodies import read_body
from app.api.chunks import bounds, compute_all
from app.api.intake import Intake, model_entry, take_in
from app.api.offload import offload
from app.api.openapi import answers, body
from app.api.sample import pick_seed
from app.api.service import Service, service_of
from app.codecs import json
from app.codecs.cells import encode_table
from app.codecs.filled import fill
from app.errors import InvalidInputError
from app.jobs import Array, ImputeJob, ImputeResult
from app.schemas.examples import IMPUTE, IMPUTED
from app.schemas.impute import ImputeOptions, ImputeRequest, ImputeResponse
from models.inference.impute import UNCERTAINTY_DRAWS
from models.inference.noise import draw_noise, noise_generator

__all__ = ["router"]

router = APIRouter(tags=["Density"])


@router.post(
    "/impute",
    summary="Fill what is missing",
    openapi_extra=body(ImputeRequest, IMPUTE),
    responses=answers(ImputeResponse, 400, 404, 406, 413, 415, 422, 503, examples=IMPUTED),
)
async def impute(request: Request) -> Response:
    """The table without gaps, and how sure each filled cell is.

    A cell is missing where it is null, or where its column is not there. Observed cells come back
    as they were sent.
    """
    service = service_of(request)
    sent = await read_body(request, service.settings.body_limit_bytes)
    intake, values = await offload(len(sent), _read, sent, service)
    seed = pick_seed(intake.options.seed)
    tables = intake.options.draws + UNCERTAINTY_DRAWS
    step = max(1, service.settings.compute_chunk_rows // tables)
    width = intake.model.density.noise_width
    noise_bytes = 8 * min(step, len(values)) * tables * width
    jobs = _jobs(intake, values, seed, step)
    results = await compute_all(request, jobs, service.pool, noise_bytes)
    size = len(sent) * intake.options.draws
    content = await offload(size, _answer, intake, values, results, seed)
    return Response(content, media_type=json.MEDIA_TYPE)


def _read(sent: bytes, service: Service) -> tuple[Intake[ImputeOptions], Array]:
    settings = service.settings
    intake = take_in(sent, ImputeOptions, service.registry, settings.request_limit_rows)
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
    return intake, encode_table(intake.rows, intake.model.schema)


def _jobs(
    intake: Intake[ImputeOptions], values: Array, seed: int, chunk_rows: int
) -> Iterator[ImputeJob]:
    """One job a chunk of rows; noise is drawn row by row, so chunks of any size give the same.

    The noise that only the spread needs comes from a generator of its own, so that a seed fills in
    the same values as it does in `DensityEstimator.impute`.
    """
    options, width = intake.options, intake.model.density.noise_width
    tables = options.draws + UNCERTAINTY_DRAWS
    drawn = options.draws if options.estimate == "draw" else tables
    main = noise_generator(seed)
    spread = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(1,))))
    for start, stop in bounds(len(values), chunk_rows):
        rows = stop - start
        noise = np.empty((rows, tables, width))
        for part, generator in ((noise[:, :drawn], main), (noise[:, drawn:], spread)):
            part[:] = draw_noise(rows * part.shape[1], width, generator).reshape(part.shape)
        yield ImputeJob(
            model=intake.model.key,
            values=values[start:stop],
            noise=noise,
            draws=options.draws,
            estimate=options.estimate,
        )


def _answer(
    intake: Intake[ImputeOptions], values: Array, results: list[ImputeResult], seed: int
) -> bytes:
    whole = ImputeResult(
        tables=np.concatenate([result.tables for result in results], axis=1),
        probability=np.concatenate([result.probability for result in results]),
        lower=np.concatenate([result.lower for result in results]),
        upper=np.concatenate([result.upper for result in results]),
    )
    tables, imputed = fill(intake.rows.objects(), values, whole, intake.model.schema)
    document: dict[str, Any] = {
        "model": model_entry(intake.model),
        "seed": seed,
        "rows": tables if intake.options.draws > 1 else tables[0],
        "imputed": imputed,
    }
    return json.encode(document)
