"""`POST /sample`: rows drawn from the model."""

import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from madeira.app.api.bodies import Received, read_body
from madeira.app.api.intake import take_in_sample
from madeira.app.api.openapi import answers, body
from madeira.app.api.service import Service, service_of
from madeira.app.batching import Work
from madeira.app.codecs.answers import Samples
from madeira.app.codecs.format import Format
from madeira.app.codecs.json.table import encode_given
from madeira.app.codecs.unseen import CellWarning, warnings_of
from madeira.app.errors import InvalidInputError
from madeira.app.jobs import Array, SampleJob, SampleResult, costs_of_filling
from madeira.app.offload import offload_traced
from madeira.app.registry import ServedModel
from madeira.app.schemas.examples import SAMPLE, SAMPLED
from madeira.app.schemas.sample import SampleOptions, SampleRequest, SampleResponse
from madeira.models.inference.noise import draw_noise, noise_generator

__all__ = ["pick_seed", "router"]

router = APIRouter(tags=["Density"])

PICKED_SEEDS = 2**32
"""Seeds that the service picks are short enough to be copied by hand."""


def pick_seed(seed: int | None) -> int:
    """The seed of a request, or an unpredictable one where it has none."""
    return secrets.randbelow(PICKED_SEEDS) if seed is None else seed


@router.post(
    "/sample",
    summary="Draw rows",
    openapi_extra=body(SampleRequest, SAMPLE, required=False),
    responses=answers(
        SampleResponse, 400, 404, 406, 413, 415, 422, 429, 503, 504, examples=SAMPLED
    ),
)
async def sample(request: Request) -> Response:
    """Rows drawn from the model; with `given`, from its exact conditional distribution.

    The rows are sent as they are drawn, so that many of them need no more memory than a few, and
    drawing stops when the reader goes away.
    """
    service = service_of(request)
    received = await read_body(request, service.settings.body_limit_bytes, service.memory)
    drawing = await offload_traced(len(received.content), _read, received, service)
    chunks = drawing.chunks(request, service)
    first = await anext(chunks)  # what is wrong with the request shows here, before any answer
    if drawing.rows <= service.settings.stream_chunk_rows:
        rest = [chunk async for chunk in chunks]
        return Response(b"".join([first, *rest]), media_type=drawing.answer.media_type)

    async def everything() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    return StreamingResponse(everything(), media_type=drawing.answer.media_type)


def _read(received: Received, service: Service) -> "_Drawing":
    model, options, answer = take_in_sample(received, service.registry)
    limit = service.settings.sample_limit_rows
    if options.n > limit:
        raise InvalidInputError(f"`n` must be at most {limit}, not {options.n}.")
    evidence = encode_given(options.given, model.schema)
    warnings = warnings_of(
        lambda _, name: options.given[name],
        evidence,
        model.schema,
        refuse=options.unknown == "error",
        given=True,
    )
    return _Drawing(model, options, answer, evidence, pick_seed(options.seed), warnings)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The rows of one request, drawn and written a chunk at a time.

    Attributes:
        model: What draws.
        options: The options of the request.
        answer: The format to answer in.
        evidence: `(1, D)`, NaN where nothing is given.
        seed: Where the noise of all rows comes from.
        warnings: Of unseen categories among what is given.
    """

    model: ServedModel
    options: SampleOptions
    answer: Format
    evidence: Array
    seed: int
    warnings: Sequence[CellWarning]

    @property
    def rows(self) -> int:
        return self.options.n

    def work(self, most_rows: int) -> Work[SampleResult]:
        """What is to be computed; noise is drawn row by row, so jobs of any size give the same."""
        generator = noise_generator(self.seed)
        width = self.model.noise_width

        def job(start: int, stop: int) -> SampleJob:
            return SampleJob(
                model=self.model.key,
                values=np.repeat(self.evidence, stop - start, axis=0),
                noise=draw_noise(stop - start, width, generator),
                temperature=self.options.temperature,
                log_likelihood=self.options.log_likelihood,
                within_range=self.options.within_range,
            )

        return Work(
            kind=SampleJob,
            model=self.model.key,
            rows=self.rows,
            row_cost=float(costs_of_filling(self.evidence, 1)[0]),
            most_rows=most_rows,
            row_bytes=8 * (width + self.evidence.shape[1]),
            job=job,
        )

    async def chunks(self, request: Request, service: Service) -> AsyncIterator[bytes]:
        """The answer in pieces: one a chunk of rows, and the end."""
        most = service.settings.stream_chunk_rows
        work = self.work(most)
        answer = Samples(
            model=self.model.key,
            schema=self.model.schema,
            warnings=self.warnings,
            seed=self.seed,
            given=self.options.given,
        )
        written = self.answer.samples(answer)
        streamed = self.rows > most
        async for result in service.results(request, self.model, work, streamed=streamed):
            yield await offload_traced(work.row_bytes * len(result.values), written.write, result)
        yield written.end()
