"""`POST /sample`: rows drawn from the model."""

import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from app.api.bodies import read_body
from app.api.chunks import bounds, compute
from app.api.intake import Intake, model_entry, take_in
from app.api.offload import offload
from app.api.openapi import answers, body
from app.api.service import Service, service_of
from app.codecs import json
from app.codecs.cells import encode_given
from app.errors import InvalidInputError
from app.jobs import Array, SampleJob, SampleResult
from app.schemas.examples import SAMPLE, SAMPLED
from app.schemas.sample import SampleOptions, SampleRequest, SampleResponse
from models.inference.noise import draw_noise, noise_generator

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
    openapi_extra=body(SampleRequest, SAMPLE),
    responses=answers(SampleResponse, 400, 404, 406, 413, 415, 422, 503, examples=SAMPLED),
)
async def sample(request: Request) -> Response:
    """Rows drawn from the model; with `given`, from its exact conditional distribution.

    The rows are sent as they are drawn, so that many of them need no more memory than a few, and
    drawing stops when the reader goes away.
    """
    service = service_of(request)
    sent = await read_body(request, service.settings.body_limit_bytes)
    drawing = await offload(len(sent), _read, sent, service)
    chunks = drawing.chunks(service)
    first = await anext(chunks)  # what is wrong with the request shows here, before any answer
    if drawing.rows <= service.settings.stream_chunk_rows:
        return Response(first + await anext(chunks), media_type=json.MEDIA_TYPE)

    async def everything() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    return StreamingResponse(everything(), media_type=json.MEDIA_TYPE)


def _read(sent: bytes, service: Service) -> "_Drawing":
    intake = take_in(sent, SampleOptions, service.registry, None)
    limit = service.settings.sample_limit_rows
    if intake.options.n > limit:
        raise InvalidInputError(f"`n` must be at most {limit}, not {intake.options.n}.")
    evidence = encode_given(intake.options.given, intake.model.schema)
    return _Drawing(intake, evidence, pick_seed(intake.options.seed))


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The rows of one request, drawn and written a chunk at a time.

    Attributes:
        intake: The request.
        evidence: `(1, D)`, NaN where nothing is given.
        seed: Where the noise of all rows comes from.
    """

    intake: Intake[SampleOptions]
    evidence: Array
    seed: int

    @property
    def rows(self) -> int:
        return self.intake.options.n

    def jobs(self, chunk_rows: int) -> Iterator[SampleJob]:
        """One job a chunk; the noise is drawn row by row, so chunks of any size give the same."""
        options, model = self.intake.options, self.intake.model
        generator = noise_generator(self.seed)
        for start, stop in bounds(self.rows, chunk_rows):
            yield SampleJob(
                model=model.key,
                values=np.repeat(self.evidence, stop - start, axis=0),
                noise=draw_noise(stop - start, model.density.noise_width, generator),
                temperature=options.temperature,
                log_likelihood=options.log_likelihood,
            )

    async def chunks(self, service: Service) -> AsyncIterator[bytes]:
        """The answer in pieces: one a chunk of rows, and the end."""
        step = service.settings.stream_chunk_rows
        noise_bytes = 8 * min(step, self.rows) * self.intake.model.density.noise_width
        head = {"model": model_entry(self.intake.model), "seed": self.seed}
        before = json.encode(head)[:-1] + b',"rows":['
        likelihoods: list[Array] = []
        async for result in compute(self.jobs(step), service.pool, noise_bytes):
            yield before + await offload(noise_bytes, self._write, result)
            before = b","
            if result.log_likelihood is not None:
                likelihoods.append(result.log_likelihood)
        if likelihoods:
            yield b'],"log_likelihood":' + json.encode(np.concatenate(likelihoods)) + b"}"
        else:
            yield b"]}"

    def _write(self, result: SampleResult) -> bytes:
        """Rows as JSON; what was given comes back as it was sent, known to the model or not."""
        schema = self.intake.model.schema
        given = {k: v for k, v in self.intake.options.given.items() if v is not None}
        columns: list[Any] = [
            json.encode(given[column.name])
            if column.name in given
            else column.decode(result.values[:, place])
            for place, column in enumerate(schema.columns)
        ]
        return json.encode_rows(schema.names, columns, len(result.values))
