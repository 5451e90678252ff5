"""The answers while the application is being imported: live, and not ready.

Importing the service takes seconds. It is done in a thread beside the event loop, which answers
meanwhile; nothing that is imported here takes long.
"""

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from madeira.app.errors import AppError, RequestError, UnavailableError
from madeira.app.logs import request_id_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from madeira.app.http.routes import ServiceApp

__all__ = ["Starting"]

log = logging.getLogger(__name__)

_LIVE = "/health/live"


class Starting:
    """Stands in for the application until that is imported.

    Args:
        build: Imports the application and makes it; it runs in a thread.
        loaded: Called once the models have been loaded.

    Attributes:
        app: The application; None until it answers requests.
        building: Whether it is being imported and made.
        error: Why there is none, where that is a mistake of the user.
    """

    def __init__(self, build: "Callable[[], ServiceApp]", loaded: Callable[[], None]) -> None:
        self._build, self._loaded = build, loaded
        self._stop = asyncio.Event()
        self.app: ServiceApp | None = None
        self.building = True
        self.error: AppError | None = None

    async def run(self) -> bool:
        """Run the application until `stop`; return whether it could start."""
        try:
            app = await _in_thread(self._build)
            self.building = False
            app.loaded = self._loaded
            async with app.router.lifespan_context(app):
                self.app = app
                await self._stop.wait()
        except AppError as error:
            self.building, self.error = False, error
            return False
        except Exception:
            self.building = False
            log.exception("the service cannot start")
            return False
        return True

    def stop(self) -> None:
        """Let the application shut down."""
        self._stop.set()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request, by the application if it is there."""
        if self.app is not None:
            await self.app(scope, receive, send)
        elif scope["path"] == _LIVE and scope["method"] in ("GET", "HEAD"):
            await _answer(send, 200, "application/json", {"status": "live"})
        else:
            error = UnavailableError(
                "The service is starting; try again in 1 s.", headers={"Retry-After": "1"}
            )
            await self.refusal(error)(scope, receive, send)

    def refusal(self, error: RequestError) -> "ASGIApp":
        """Return an application that answers a request that could not be read."""
        if self.app is not None:
            return self.app.rejection(error)

        async def answer(scope: "Scope", receive: "Receive", send: "Send") -> None:
            request_id = request_id_of("")
            document = {
                "type": f"urn:madeira:problem:{error.slug}",
                "title": error.title,
                "status": int(error.status),
                "detail": error.detail,
                "errors": [],
                "request_id": request_id,
            }
            headers = {"X-Request-Id": request_id, **error.headers}
            media_type = "application/problem+json"
            await _answer(send, int(error.status), media_type, document, headers)

        return answer


async def _answer(
    send: "Send",
    status: int,
    media_type: str,
    document: object,
    headers: dict[str, str] | None = None,
) -> None:
    body = json.dumps(document, separators=(",", ":")).encode()
    every = {"Content-Type": media_type, "Content-Length": str(len(body)), **(headers or {})}
    pairs = [(name.lower().encode(), value.encode()) for name, value in every.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


def _in_thread(call: "Callable[[], ServiceApp]") -> "asyncio.Future[ServiceApp]":
    """Return the result of a call in a daemon thread."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[ServiceApp] = loop.create_future()

    def settle(result: "ServiceApp | None", error: Exception | None) -> None:
        if future.done():  # its result is no longer wanted
            return
        if error is not None:
            future.set_exception(error)
        elif result is not None:
            future.set_result(result)

    def run() -> None:
        result, failure = None, None
        try:
            result = call()
        except Exception as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="madeira-import", daemon=True).start()
    return future
