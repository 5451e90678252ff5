"""`GET /health/live` and `GET /health/ready`: for what keeps the service running."""

from fastapi import APIRouter, Request, Response

from madeira.app.errors import DrainingError, UnavailableError
from madeira.app.http.openapi import answers
from madeira.app.http.responses import json_response
from madeira.app.http.routes import plane_of
from madeira.app.ipc.runtime_paths import read_state
from madeira.app.schemas.models import Live, Ready

__all__ = ["router"]

HOPELESS_FAILURES = 5
"""A worker that has died this many times in a row right after its start will die again."""

router = APIRouter(prefix="/health", tags=["Health"])


@router.get("/live", summary="Does the process answer?", responses=answers(Live, 503))
@router.head("/live", include_in_schema=False)
async def live(request: Request) -> Response:
    """A service that does not answer this, or answers 503, should be started again.

    A worker that dies is replaced without that. It is 503 only where no worker comes up any more.
    """
    engine = plane_of(request).engine
    if not engine.is_supervised:
        raise UnavailableError("Workers are no longer replaced; the log says why.")
    state = read_state(engine.directory)
    # Without a state nothing is known yet, or there is no descriptor to read it with.
    failures = state.failures[: engine.workers] if state is not None else ()
    if not engine.usable and min(failures, default=0) >= HOPELESS_FAILURES:
        raise UnavailableError("No worker can be started; the log says why.")
    return json_response({"status": "live"})


@router.get("/ready", summary="Can the service do its work?", responses=answers(Ready, 503))
@router.head("/ready", include_in_schema=False)
async def ready(request: Request) -> Response:
    """A service that answers 503 here should get no requests: no model can answer them."""
    plane = plane_of(request)
    registry, workers = plane.registry, plane.engine.workers
    if request.app.state.limit.draining:
        raise DrainingError
    if not plane.engine.usable:
        raise UnavailableError(f"No worker of {workers} can compute at present.")
    if registry.loading:
        raise UnavailableError("The models are being loaded.", headers={"Retry-After": "1"})
    if not registry.models:
        refused = ", ".join(sorted({refusal.name for refusal in registry.refused}))
        raise UnavailableError(
            "No model is served. " + (f"Refused: {refused}." if refused else "There is none.")
        )
    document = {
        "status": "ready",
        "models": list(registry.models),
        "workers": {"usable": plane.engine.usable, "all": workers},
        "spares": {"usable": plane.engine.spares_usable, "all": plane.engine.spares},
    }
    return json_response(document)
