"""`POST /impute`: fill what is missing."""

from fastapi import APIRouter, Request, Response

from madeira.app.http.body import read_call
from madeira.app.http.openapi import answers, body
from madeira.app.http.responses import written_response
from madeira.app.http.routes import plane_of
from madeira.app.schemas.examples import IMPUTE, IMPUTED
from madeira.app.schemas.impute import ImputeRequest, ImputeResponse

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
    plane = plane_of(request)
    call = await read_call(request, plane.settings.body_limit_bytes)
    answer = await plane.impute(call)
    pieces = call.answer_format.filled(answer)
    return await written_response(pieces, answer, call.answer_format, request)
