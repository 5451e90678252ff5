"""The way of a request into the service.

Every request passes the access log and the limit. Those that ask one of the three questions then go
straight to their endpoint; FastAPI, whose dependencies and exit stacks took a third of the time of
a request of one row, answers all others and describes the whole.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from madeira.app.errors import RequestError
from madeira.app.http.access_log import AccessLogMiddleware
from madeira.app.http.body import MEMORY
from madeira.app.http.limit import ConcurrencyLimit, LimitMiddleware
from madeira.app.http.problems import error_response, problem_of
from madeira.app.metrics import Metrics
from madeira.app.plane import DataPlane
from madeira.app.traces import Traces

__all__ = ["ServiceApp", "plane_of"]

Endpoint = Callable[[Request], Awaitable[Response]]
Lifespan = Callable[[object], AbstractAsyncContextManager[None]]


class ServiceApp:
    """The service as an ASGI application.

    Args:
        framework: Answers all requests but the questions.
        questions: The routes of the questions, which the framework has as well, to describe them.
        limit: The limit of requests in flight.
        metrics: Where requests are counted.
        traces: Where they are traced; None where they are not.
        lifespan: Context that is open as long as the service runs.

    Attributes:
        framework: See above.
        limit: See above.
        state: What the endpoints find on `request.app.state`.
        router: Has the questions before the framework.
        loaded: Called once the models have been loaded.
    """

    def __init__(
        self,
        framework: FastAPI,
        questions: Iterable[APIRoute],
        limit: ConcurrencyLimit,
        metrics: Metrics,
        traces: Traces | None,
        lifespan: Lifespan | None = None,
    ) -> None:
        self.framework = framework
        self.limit = limit
        self.state = framework.state
        self.loaded: Callable[[], None] = lambda: None
        routes = [
            Route(one.path, _Question(one.endpoint), methods=["POST"])
            for one in questions
            if "POST" in (one.methods or ())
        ]
        self.router = Router([*routes, Mount("/", framework)], False, lifespan=lifespan)
        self._watched = AccessLogMiddleware(LimitMiddleware(self.router, limit), metrics, traces)
        self._metrics, self._traces = metrics, traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        scope["app"] = self.framework
        await self._watched(scope, receive, send)

    def rejection(self, error: RequestError) -> ASGIApp:
        """Return what answers a request that the server could not read, counted and logged."""

        async def reject(scope: Scope, receive: Receive, send: Send) -> None:
            await problem_of(error)(scope, receive, send)

        return AccessLogMiddleware(reject, self._metrics, self._traces)


class _Question:
    """Calls the endpoint of a question, and answers its errors."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        scope[MEMORY] = memory = plane_of(request).memory.request()
        with memory:
            try:
                response = await self._endpoint(request)
            except Exception as error:
                response = error_response(error, scope)
            await response(scope, receive, send)


def plane_of(request: Request) -> DataPlane:
    """Return the data plane of the service that a request came to."""
    plane: DataPlane = request.app.state.plane
    return plane
