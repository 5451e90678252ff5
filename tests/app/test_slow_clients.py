"""Clients that take their time: let go after a while, and never in the way of others."""

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from madeira.app.server import connections
from tests.app.raw_http import connect, head, read_answer, read_to_end
from tests.app.running import RunningService

JSON = "application/json"
SLOW = 2000
ROOM = 2 * SLOW + 500
"""Descriptors of so many connections, both of whose ends are in this process."""


@pytest.fixture(scope="module")
def hasty(start: Callable[..., RunningService]) -> RunningService:
    """Return a service that waits a second for everything, and takes four requests at once."""
    return start(
        header_timeout_s=1.0,
        body_timeout_s=1.0,
        answer_timeout_s=1.0,
        keep_alive_s=1.0,
        queue_limit_requests=4,
    )


@pytest.fixture(scope="module")
def patient(start: Callable[..., RunningService]) -> RunningService:
    """Return a service that waits for so long that no client is too slow for it."""
    return start(
        header_timeout_s=600.0,
        body_timeout_s=600.0,
        answer_timeout_s=600.0,
        keep_alive_s=600.0,
        queue_limit_requests=4,
    )


@contextmanager
def many(service: RunningService, count: int, *kinds: bytes) -> Iterator[list[socket.socket]]:
    """So many connections, each of which has sent one of several beginnings of a request."""
    with ExitStack() as stack:
        found = []
        for number in range(count):
            found.append(stack.enter_context(connect(service.port)))
            sent = kinds[number % len(kinds)]
            if sent:
                found[-1].sendall(sent)
        yield found


def healthy(service: RunningService) -> None:
    """Check that a client with a connection of its own is answered."""
    with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=120) as client:
        for _ in range(3):
            answer = client.post("/score", json={"rows": [{"city": "Funchal"}]})
            assert answer.status_code == 200, answer.text


STALLED = head(Content_Type=JSON, Content_Length="1000") + b"{"


@pytest.mark.parametrize("sent", [b"POST /sco", head()[:-2]])
def test_headers_that_do_not_come_are_answered_408(hasty: RunningService, sent: bytes) -> None:
    with connect(hasty.port) as connection:
        connection.sendall(sent)
        answer = read_answer(connection)
        assert answer.status == 408
        assert answer.problem()["type"] == "urn:madeira:problem:request-timeout"
        assert "headers" in answer.problem()["detail"]
        assert read_to_end(connection) == b""


def test_headers_that_come_byte_by_byte_are_answered_408(hasty: RunningService) -> None:
    with connect(hasty.port) as connection:
        connection.settimeout(0.1)
        answer = trickle(connection, b"GET /models HTTP/1.1\r\nA: ")
        assert b" 408 " in answer


def test_bodies_that_do_not_come_are_answered_408(hasty: RunningService) -> None:
    with connect(hasty.port) as connection:
        connection.sendall(STALLED)
        answer = read_answer(connection)
        assert answer.status == 408
        assert "body" in answer.problem()["detail"]
        assert read_to_end(connection) == b""


def test_bodies_that_come_byte_by_byte_are_answered_408(hasty: RunningService) -> None:
    with connect(hasty.port) as connection:
        connection.settimeout(0.1)
        answer = trickle(connection, head(Content_Type=JSON, Content_Length="100000"))
        assert b" 408 " in answer


def trickle(connection: socket.socket, begin: bytes) -> bytes:
    """Send one byte at a time; return the answer."""
    connection.sendall(begin)
    for _ in range(1200):
        try:
            return connection.recv(65536)
        except TimeoutError:
            connection.sendall(b"x")
    return b""


def test_connections_that_ask_nothing_are_closed_without_a_word(hasty: RunningService) -> None:
    with connect(hasty.port) as silent, connect(hasty.port) as idle:
        idle.sendall(head("GET", "/health/live"))
        assert read_answer(idle).status == 200
        assert read_to_end(idle) == b""
        assert read_to_end(silent) == b""


def ends_well(connection: socket.socket) -> bool:
    """Whether what still comes has the end that an answer in chunks has."""
    try:
        return read_to_end(connection).endswith(b"\r\n0\r\n\r\n")
    except ConnectionResetError:
        return False


@contextmanager
def asking_without_reading(service: RunningService) -> Iterator[socket.socket]:
    """Open a connection that asks for many rows and reads the beginning of the answer."""
    body = b'{"n": 200000}'
    status = b"429"
    while status == b"429":  # others that stall may take a place again for a moment
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.settimeout(120)
            slow.connect(("127.0.0.1", service.port))
            asking = head(path="/sample", Content_Type=JSON, Content_Length=str(len(body)))
            slow.sendall(asking + body)
            status = slow.recv(100)[9:12]
            if status == b"200":
                yield slow
    assert status == b"200"


def test_an_answer_that_is_not_read_is_given_up(hasty: RunningService) -> None:
    with asking_without_reading(hasty) as slow:
        limit = hasty.app.limit
        while limit.present:
            healthy(hasty)
        assert not ends_well(slow)


@pytest.mark.parametrize("times", [1, 3])
def test_requests_that_stall_take_no_place_from_others(patient: RunningService, times: int) -> None:
    with many(patient, 4 * times, STALLED):
        while patient.app.limit.present < 4 * times:
            healthy(patient)
        healthy(patient)
    while patient.app.limit.present:
        healthy(patient)


def test_readers_that_stall_take_no_place_from_others(patient: RunningService) -> None:
    with ExitStack() as stack:
        for _ in range(6):
            stack.enter_context(asking_without_reading(patient))
            while patient.app.limit.in_flight:  # until the socket takes no more
                patient.client.get("/health/live")
        assert patient.app.limit.present == 6
        healthy(patient)
    while patient.app.limit.present:
        patient.client.get("/health/live")


@pytest.fixture
def room() -> Iterator[None]:
    """Descriptors for thousands of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < ROOM:
        if hard != resource.RLIM_INFINITY and hard < ROOM:
            pytest.skip(f"no more than {hard} files may be open; {ROOM} are needed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (ROOM, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


BEGINNINGS = b"", b"GET /models HTTP/1.1\r\nHos", STALLED


@pytest.mark.parametrize("limit", [4096, 100])
def test_thousands_of_slow_connections_leave_a_healthy_client_unharmed(
    start: Callable[..., RunningService], room: None, limit: int
) -> None:
    service = start(
        limit_connections=limit, header_timeout_s=600, body_timeout_s=600, keep_alive_s=600
    )
    with many(service, SLOW, *BEGINNINGS):
        healthy(service)
        assert service.client.get("/health/live").status_code == 200
    healthy(service)


def test_idle_connections_make_room_and_others_are_told(
    start: Callable[..., RunningService], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SETTLED_S", 1e9)  # who has begun a request stays
    service = start(limit_connections=20, header_timeout_s=600, keep_alive_s=600)
    with many(service, 60, b"") as idle:
        healthy(service)
        assert idle[0].recv(1) == b""  # the oldest has made room
    service.client.close()
    open_ones = service.server.connections.open
    with many(service, 20, b"GET /"):
        while len(open_ones) < 20 or any(one.idle for one in list(open_ones)):
            time.sleep(0.01)
        with connect(service.port) as late:
            answer = read_answer(late)
            assert answer.status == 503
            assert answer.problem()["type"] == "urn:madeira:problem:too-many-connections"
            assert answer.headers["retry-after"] == "1"
            assert read_to_end(late) == b""


def test_answers_that_are_not_read_have_a_limit_together(
    start: Callable[..., RunningService],
) -> None:
    service = start(request_memory_limit_bytes=2**20, answer_timeout_s=86_400.0)
    with ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(asking_without_reading(service))
        while service.app.limit.present == 16:  # until a reader is given up, long before its time
            healthy(service)
        assert service.app.limit.present > 0
    healthy(service)
