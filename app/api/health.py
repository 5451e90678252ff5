"""`GET /health/live` and `GET /health/ready`: for whoever keeps the service running."""

from fastapi import APIRouter, Request, Response

from app.api.openapi import answers
from app.api.service import service_of
from app.codecs import json
from app.errors import UnavailableError
from app.schemas.models import Live, Ready

__all__ = ["router"]

router = APIRouter(prefix="/health", tags=["Health"])


@router.get("/live", summary="Does the process answer?", responses=answers(Live))
@router.head("/live", include_in_schema=False)
async def live() -> Response:
    """A service that does not answer this should be started again."""
    return Response(json.encode({"status": "live"}), media_type=json.MEDIA_TYPE)


@router.get("/ready", summary="Can the service do its work?", responses=answers(Ready, 503))
@router.head("/ready", include_in_schema=False)
async def ready(request: Request) -> Response:
    """A service that answers 503 here should get no requests: no model can answer them."""
    registry = service_of(request).registry
    if not registry.models:
        refused = ", ".join(sorted({refusal.name for refusal in registry.refused}))
        raise UnavailableError(
            "No model is served. " + (f"Refused: {refused}." if refused else "There is none.")
        )
    document = {"status": "ready", "models": list(registry.models)}
    return Response(json.encode(document), media_type=json.MEDIA_TYPE)
