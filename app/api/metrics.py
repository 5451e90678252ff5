"""`GET /metrics`: what the service counts, for Prometheus."""

from fastapi import APIRouter, Request, Response

from madeira.app.http.routes import plane_of
from madeira.app.ipc.runtime_paths import read_state
from madeira.app.metrics import Metrics, Reading

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
@router.head("/metrics")
async def metrics(request: Request) -> Response:
    """The numbers of all API processes, in the text format of Prometheus."""
    plane = plane_of(request)
    engine = plane.engine
    state = read_state(engine.directory)
    reading = Reading(
        workers_usable=engine.usable,
        restarts=state.restarts if state else 0,
        worker_pids=state.pids if state else (),
    )
    return Response(plane.metrics.page(reading), media_type=Metrics.media_type)
