"""The access log: every request has an id, is counted, and is one line in the log."""

import logging
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from madeira.app.http.problems import CLIENT_CLOSED_REQUEST
from madeira.app.logs import RequestNote, current, request_id_of
from madeira.app.metrics import Metrics
from madeira.app.traces import Traces

__all__ = ["REQUEST_ID", "AccessLogMiddleware"]

REQUEST_ID = "X-Request-Id"
_HEADER = REQUEST_ID.lower().encode()
UNKNOWN_ROUTE = "other"

QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Machines ask for them every few seconds: logged at the level `debug` only."""

log = logging.getLogger("madeira.requests")


class AccessLogMiddleware:
    """Gives every request an id, counts it, traces it and logs how it ended.

    Args:
        app: What answers.
        metrics: Where requests are counted.
        traces: Where they are traced; None where they are not.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, traces: Traces | None) -> None:
        self.app = app
        self.metrics = metrics
        self.traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and record how it ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        sent = next((value for name, value in scope["headers"] if name == _HEADER), b"")
        note = RequestNote(request_id_of(sent.decode("latin-1")))
        if self.traces is not None:
            note.span = self.traces.begin(scope["method"], Headers(scope=scope))
        token = current.set(note)
        status = CLIENT_CLOSED_REQUEST

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (_HEADER, note.request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - begun
            route = getattr(scope.get("route"), "path", "") or UNKNOWN_ROUTE
            self.metrics.answered(route, status, seconds)
            if note.span is not None:
                known = {
                    "madeira.request_id": note.request_id,
                    "madeira.rows": note.rows,
                    "madeira.model": note.model,
                    "madeira.version": note.version,
                }
                note.span.end(scope["method"], route, status, known)
            level = logging.DEBUG if route in QUIET_ROUTES else logging.INFO
            if log.isEnabledFor(level):
                fields = {
                    "request_id": note.request_id,
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "ms": round(1000 * seconds, 2),
                    "rows": note.rows,
                    "model": note.model and f"{note.model}/{note.version}",
                }
                fields = {name: value for name, value in fields.items() if value is not None}
                log.log(level, "request", extra={"fields": fields})
            note.span = None  # the context of the request may outlive it
            current.reset(token)
