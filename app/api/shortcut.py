"""The way of a request through the service, and the short one of those that ask for work.

Dependencies, routers and exit stacks serve documentation and rare errors, and took a third of the
time of a request of one row. The endpoints that answer with densities need none of it: a request
for one of them goes straight there, past the framework, which answers all others.
"""

from collections.abc import Awaitable, Callable, Sequence

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from madeira.app.api.door import Door, DoorKeeper
from madeira.app.api.problems import answer_of, answer_to
from madeira.app.api.service import service_of
from madeira.app.api.watch import Watch
from madeira.app.errors import RequestError
from madeira.app.metrics import Metrics
from madeira.app.traces import Traces

__all__ = ["ServiceApp"]

Endpoint = Callable[[Request], Awaitable[Response]]


class ServiceApp(FastAPI):
    """FastAPI behind what every request of the service goes through.

    Attributes:
        door: Where requests come in.
        metrics: Where they are counted.
        traces: Where they are traced; None where they are not.
        loaded: Called once the models have been loaded.
    """

    door: Door
    metrics: Metrics
    traces: Traces | None
    loaded: Callable[[], None] = staticmethod(lambda: None)
    _endpoints: dict[str, APIRoute]

    def observe(self, door: Door, metrics: Metrics, traces: Traces | None) -> None:
        """Sets what every request goes through."""
        self.door, self.metrics, self.traces = door, metrics, traces

    def shorten(self, routers: Sequence[APIRouter]) -> None:
        """Sets the endpoints that are reached on the short way, `async def (Request) -> Response`.

        Args:
            routers: Included in the application as well, for its documentation.
        """
        routes = [route for router in routers for route in router.routes]
        self._endpoints = {route.path: route for route in routes if isinstance(route, APIRoute)}

    def build_middleware_stack(self) -> ASGIApp:
        """Called once, with the first request."""
        framework = super().build_middleware_stack()
        way = _Fork(self._endpoints, _call_endpoint, framework)
        return Watch(DoorKeeper(way, self.door), self.metrics, self.traces)

    def refusal(self, error: RequestError) -> ASGIApp:
        """What answers a request that the server could not even read: counted and logged too."""

        async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
            await answer_of(error)(scope, receive, send)

        return Watch(refuse, self.metrics, self.traces)


class _Fork:
    """Sends requests for some endpoints one way, all others another."""

    def __init__(self, routes: dict[str, APIRoute], short: ASGIApp, otherwise: ASGIApp) -> None:
        self._routes = routes
        self._short = short
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            route = self._routes.get(scope["path"])
            if route is not None:
                scope["route"] = route
                await self._short(scope, receive, send)
                return
        await self._otherwise(scope, receive, send)


async def _call_endpoint(scope: Scope, receive: Receive, send: Send) -> None:
    endpoint: Endpoint = scope["route"].endpoint
    request = Request(scope, receive, send)
    try:
        try:
            response = await endpoint(request)
        except Exception as error:
            response = answer_to(error, scope)
        await response(scope, receive, send)
    finally:
        service_of(request).memory.give_back(scope)
