"""`POST /sample`: rows drawn from the model."""

from fastapi import APIRouter, Request, Response

from madeira.app.http.body import read_call
from madeira.app.http.openapi import answers, body
from madeira.app.http.responses import drawn_response
from madeira.app.http.routes import plane_of
from madeira.app.schemas.examples import SAMPLE, SAMPLED
from madeira.app.schemas.sample import SampleRequest, SampleResponse

__all__ = ["router"]

router = APIRouter(tags=["Density"])


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
    plane = plane_of(request)
    call = await read_call(request, plane.settings.body_limit_bytes)
    return await drawn_response(await plane.sample(call), call.answer_format, request)
