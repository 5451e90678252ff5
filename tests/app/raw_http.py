"""HTTP as bytes on a socket, for what no client library would send."""

import json
import socket
from dataclasses import dataclass
from typing import Any

__all__ = ["Answer", "connect", "exchange", "head", "read_answer", "read_to_end"]

PATIENCE_S = 120
"""Nothing here takes so long; without it a test that fails would hang."""


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        status: Its status.
        headers: By lower-case name.
        body: What follows.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> dict[str, Any]:
        """Check that it is a problem document, and return it with the id of its request."""
        assert self.headers["content-type"] == "application/problem+json"
        document: dict[str, Any] = json.loads(self.body)
        assert document["status"] == self.status
        assert document["request_id"] == self.headers["x-request-id"]
        return document


def connect(port: int) -> socket.socket:
    """Return a connection to a service on this machine."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def head(method: str = "POST", path: str = "/score", **headers: str) -> bytes:
    """Return the head of a request; underscores in names of headers stand for dashes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def read_answer(connection: socket.socket, *, of_head: bool = False) -> Answer:
    """Return the next answer, which has a Content-Length; a 100 Continue is skipped."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(1)
        assert part, f"the connection ended after {received!r}"
        received += part
    status, *lines = received.removesuffix(b"\r\n\r\n").decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    left = 0 if of_head else int(headers.get("content-length", "0"))
    body = b""
    while len(body) < left:
        part = connection.recv(left - len(body))
        assert part, "the connection ended amid an answer"
        body += part
    return Answer(int(status.split()[1]), headers, body)


def read_to_end(connection: socket.socket) -> bytes:
    """All that comes until the connection ends; a reset is no end."""
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


def exchange(port: int, *parts: bytes) -> Answer:
    """Return the answer to bytes that are sent on a new connection."""
    with connect(port) as connection:
        for part in parts:
            connection.sendall(part)
        return read_answer(connection)
