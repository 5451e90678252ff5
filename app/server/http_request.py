"""One request on a connection: its body as it arrives, and its answer as it is sent."""

from typing import Any

from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from madeira.app.errors import RequestError

__all__ = ["HttpRequest"]

MAX_SKIPPED_BYTES = 64 * 2**10
"""A refused request keeps its connection if no more than this is left of its body."""


class HttpRequest(RequestResponseCycle):
    """uvicorn's request and answer, which may fail while the body arrives.

    Args:
        length: What the client says the body has, in bytes; None where it does not say.
        options: See `RequestResponseCycle`.

    Attributes:
        failure: Why the rest of the body will not come.
        received: Bytes of the body that have come.
    """

    def __init__(self, length: int | None, **options: Any) -> None:
        self._keep_alive = True
        self._length = length
        self.received = 0
        self.failure: RequestError | None = None
        super().__init__(**options)
        self._unasked = self.waiting_for_100_continue

    @property
    def keep_alive(self) -> bool:
        """Whether the connection serves another request when this one is answered.

        It does not where much of the body is left, or where the client waits to be asked for it:
        the next bytes on such a connection may be anything.
        """
        if self._keep_alive and self.more_body:
            left = None if self._length is None else self._length - self.received
            if self._unasked or left is None or left > MAX_SKIPPED_BYTES:
                self._keep_alive = False
        return self._keep_alive

    @keep_alive.setter
    def keep_alive(self, kept: bool) -> None:
        self._keep_alive = kept

    def fail(self, error: RequestError) -> None:
        """Let the reader of the body fail, and end the connection with the answer."""
        self.failure = error
        self._keep_alive = False
        self.body.clear()
        self.message_event.set()

    async def receive(self) -> ASGIReceiveEvent:
        """Return the next part of the body; after the last, the end of the connection.

        Raises:
            RequestError: The rest of the body will not come.
        """
        if self.failure is None:
            if self.waiting_for_100_continue and not self.transport.is_closing():
                if not self.received:
                    self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.waiting_for_100_continue = self._unasked = False
            if not self.disconnected and not self.response_complete:
                self.flow.resume_reading()
                await self.message_event.wait()
                self.message_event.clear()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        if self.failure is not None:
            raise self.failure
        body = bytes(self.body)
        self.body = bytearray()
        return {"type": "http.request", "body": body, "more_body": self.more_body}
