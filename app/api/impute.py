"""`POST /impute`: fill what is missing."""

from fastapi import APIRouter, Request, Response

from madeira.app.api.bodies import Received, read_body
from madeira.app.api.intake import Intake, take_in
from madeira.app.api.limits import check_cost
from madeira.app.api.openapi import answers, body
from madeira.app.api.sample import pick_seed
from madeira.app.api.service import Service, service_of
from madeira.app.api.written import written
from madeira.app.batching import Work
from madeira.app.codecs.answers import FilledTable
from madeira.app.errors import InvalidInputError
from madeira.app.jobs import Array, ImputeJob, ImputeResult, costs_of_filling
from madeira.app.offload import offload_traced
from madeira.app.schemas.examples import IMPUTE, IMPUTED
from madeira.app.schemas.impute import ImputeOptions, ImputeRequest, ImputeResponse
from madeira.models.inference.noise import draw_noise, noise_generator

__all__ = ["router"]

router = APIRouter(tags=["Density"])

ARRAYS = 4
"""Of one number a cell: what was sent, and how sure is what was drawn."""


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
    received = await read_body(request, service.settings.body_limit_bytes, service.memory)
    read = await offload_traced(len(received.content), _read, request, received, service)
    intake, values, costs = read
    seed = pick_seed(intake.options.seed)
    most = max(1, service.settings.compute_chunk_rows // intake.options.draws)
    work = _work(intake, values, costs, seed, most)
    result = await service.result(request, intake.model, work)
    answer = FilledTable(
        model=intake.model.key,
        schema=intake.model.schema,
        warnings=intake.warnings,
        seed=seed,
        table=intake.rows,
        values=values,
        result=result,
        sent_bytes=len(received.content),
    )
    pieces = intake.answer.filled(answer)
    return await written(pieces, answer.size_bytes, intake.answer.media_type)


def _read(
    request: Request, received: Received, service: Service
) -> tuple[Intake[ImputeOptions], Array, Array]:
    """The request, its codes, and what each row costs."""
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
    cells = len(intake.rows) * len(intake.model.schema.columns)
    service.memory.take(request.scope, 8 * cells * (ARRAYS + draws))
    intake, values = intake.encoded()
    costs = costs_of_filling(values, draws)
    check_cost(
        float(costs.sum()),
        settings.request_limit_cost,
        f"{len(values)} rows, and 1 for each missing cell and draw",
    )
    intake.answer.check_filled(intake.rows)
    return intake, values, costs


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
