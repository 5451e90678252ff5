"""`POST /score`: how likely are these rows?"""

from fastapi import APIRouter, Request, Response

from madeira.app.http.body import read_call
from madeira.app.http.openapi import answers, body
from madeira.app.http.responses import written_response
from madeira.app.http.routes import plane_of
from madeira.app.schemas.examples import SCORE, SCORED
from madeira.app.schemas.score import ScoreRequest, ScoreResponse

__all__ = ["router"]

router = APIRouter(tags=["Density"])


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
    plane = plane_of(request)
    call = await read_call(request, plane.settings.body_limit_bytes)
    answer = await plane.score(call)
    pieces = call.answer_format.scores(answer)
    return await written_response(pieces, answer, call.answer_format, request)
