"""What is HTTP and what is not: refused with a problem document, counted, logged, and seen."""

import http.client
import json
import logging
import re
import socket
from collections.abc import Callable

import pytest

from madeira.app.server.http_protocol import MAX_HEAD_BYTES, MAX_HEADERS, MAX_TARGET_BYTES
from tests.app.raw_http import Answer, connect, exchange, head, read_answer, read_to_end
from tests.app.running import RunningService

LIMIT = 2 * 2**20
ROWS = b'{"rows": [{"city": "Funchal"}]}'
JSON = "application/json"


@pytest.fixture(scope="module")
def small(start: Callable[..., RunningService]) -> RunningService:
    """Return a service whose bodies may have two megabytes."""
    return start(body_limit_bytes=LIMIT)


def score(**headers: str) -> bytes:
    """Return the head of a request that scores `ROWS`."""
    return head(**{"Content_Type": JSON, "Content_Length": str(len(ROWS)), **headers})


def counted(service: RunningService, status: int) -> float:
    """How many requests of no known route were answered so."""
    page = service.client.get("/metrics").text
    name = re.escape(f'madeira_requests_total{{route="other",status="{status}"}}')
    found = re.search(rf"^{name} (\S+)$", page, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


MALFORMED = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "no version": b"GET /models\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version to come": b"GET /models HTTP/2.0\r\nHost: x\r\n\r\n",
    "no Host": b"GET /models HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /models HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "two Hosts in HTTP/1.0": b"GET /models HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n",
    "a length and chunks": score(Transfer_Encoding="chunked") + ROWS,
    "chunks and a length": head(Transfer_Encoding="chunked", Content_Length="3") + b"0\r\n\r\n",
    "two lengths": score(content_length="3") + ROWS,
    "twice the same length": score(content_length=str(len(ROWS))) + ROWS,
    "5,000 digits": head(Content_Length="1" * 5000),
    "5,000 zeros": head(Content_Length="0" * 5000),
    "a negative length": head(Content_Length="-1"),
    "no chunk": head(Transfer_Encoding="chunked") + b"many\r\n",
    "a line in two": b"GET /models HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    "a space before the colon": b"GET /models HTTP/1.1\r\nHost : x\r\n\r\n",
    "a zero in a header": b"GET /models HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
    "an address with a space": b"GET /mo dels HTTP/1.1\r\nHost: x\r\n\r\n",
    "no path": b"GET http://x HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "a bare line feed": b"GET /models HTTP/1.1\nHost: x\n\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_http_is_a_problem_counted_and_logged(
    service: RunningService, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted(service, 400)
    with caplog.at_level(logging.INFO), connect(service.port) as connection:
        connection.sendall(sent)
        answer = read_answer(connection)
        assert answer.headers["connection"] == "close"
        assert connection.recv(1) == b""
    problem = answer.problem()
    assert answer.status == 400
    assert problem["type"] == "urn:madeira:problem:malformed-request"
    if "many" not in sent.decode("latin-1"):  # by then the route was known
        assert counted(service, 400) == before + 1
    assert not [record for record in caplog.records if record.exc_info]
    ids = [vars(one)["fields"]["request_id"] for one in caplog.records if "fields" in vars(one)]
    assert problem["request_id"] in ids


@pytest.mark.parametrize(
    "sent",
    [
        head(Transfer_Encoding="gzip, chunked"),
        head(Transfer_Encoding="identity"),
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_nobody_needs_of_http_is_answered_501(service: RunningService, sent: bytes) -> None:
    answer = exchange(service.port, sent)
    assert answer.status == 501
    assert answer.problem()["type"] == "urn:madeira:problem:unsupported-http"


def test_headers_and_addresses_have_a_limit_to_the_byte(service: RunningService) -> None:
    bare = len(head("GET", "/models", filler=""))
    fits = head("GET", "/models", filler="x" * (MAX_HEAD_BYTES - 1 - bare))
    assert exchange(service.port, fits).status == 200
    over = head("GET", "/models", filler="x" * (MAX_HEAD_BYTES + 1 - bare))
    assert exchange(service.port, over).status == 431
    many = {f"h{number}": "x" for number in range(MAX_HEADERS - 1)}
    assert exchange(service.port, head("GET", "/models", **many)).status == 200
    answer = exchange(service.port, head("GET", "/models", **many, one="more"))
    assert answer.status == 431
    assert answer.problem()["type"] == "urn:madeira:problem:headers-too-large"
    path = "/models?" + "x" * (MAX_TARGET_BYTES - len("/models?"))
    assert exchange(service.port, head("GET", path)).status != 414
    answer = exchange(service.port, head("GET", path + "x"))
    assert answer.status == 414
    assert answer.problem()["type"] == "urn:madeira:problem:target-too-long"


@pytest.mark.parametrize(
    "begin",
    [
        b"GET /models HTTP/1.1\r\nHost: x\r\nA: ",
        b"GET /models HTTP/1.1\r\nHost: x\r\n",
        b"GET /",
        b"",
        head(Transfer_Encoding="chunked") + b"1;",
        head(Transfer_Encoding="chunked") + b"0\r\nA: ",
        head(Transfer_Encoding="chunked") + b"0\r\n",
    ],
)
@pytest.mark.parametrize("filler", [b"x" * 2**16, b"x: y\r\n" * 2**13, b"\r\n" * 2**15])
def test_what_never_ends_is_cut_off(service: RunningService, begin: bytes, filler: bytes) -> None:
    with connect(service.port) as connection:
        connection.sendall(begin)
        for _ in range(20):  # more than may be sent, and less than is thrown away
            connection.sendall(filler)
        while (status := read_answer(connection).status) == 200:
            pass  # an empty line ends the headers of a request that asks for nothing wrong
        assert 400 <= status < 500
    assert service.client.get("/health/live").status_code == 200


@pytest.mark.parametrize("split", [False, True])
def test_a_wish_for_another_protocol_is_ignored(service: RunningService, split: bool) -> None:
    # What the HTTP client of Java sends with its first request.
    sent = score(
        Connection="Upgrade, HTTP2-Settings", Upgrade="h2c", HTTP2_Settings="AAEAAEAAAAIAAAABAAMA"
    )
    parts = [sent[:70], sent[70:-1], sent[-1:], ROWS[:5], ROWS[5:]] if split else [sent + ROWS]
    with connect(service.port) as connection:
        for _ in range(2):
            for part in parts:
                connection.sendall(part)
            answer = read_answer(connection)
            assert answer.status == 200
            assert len(json.loads(answer.body)["log_likelihood"]) == 1
            assert "upgrade" not in answer.headers


def test_what_came_before_is_answered_before_a_refusal(service: RunningService) -> None:
    with connect(service.port) as connection:
        connection.sendall((score() + ROWS) * 3 + b"\x00\r\n\r\n")
        assert [read_answer(connection).status for _ in range(4)] == [200, 200, 200, 400]
        assert read_to_end(connection) == b""


def test_a_client_that_sends_ahead_without_end_is_refused(service: RunningService) -> None:
    with connect(service.port) as connection:
        connection.sendall(head("GET", "/health/live") * 3000)
        statuses = set()
        while 429 not in statuses:
            statuses.add(read_answer(connection).status)
        assert statuses <= {200, 429}
        assert read_to_end(connection) == b""


def client(service: RunningService) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)


@pytest.mark.parametrize(
    ("path", "media_type", "size", "status"),
    [
        ("/score", JSON, LIMIT + 1, 413),
        ("/score", JSON, LIMIT + LIMIT // 2, 413),
        ("/score", "application/xml", LIMIT - 1, 415),
        ("/nowhere", JSON, LIMIT - 1, 404),
        ("/models", JSON, LIMIT - 1, 405),
    ],
)
def test_a_refusal_arrives_while_the_body_is_still_being_sent(
    small: RunningService, path: str, media_type: str, size: int, status: int
) -> None:
    for _ in range(10):  # the first bytes after the refusal would reset the connection
        asking = client(small)
        asking.request("POST", path, b" " * size, {"Content-Type": media_type})
        answer = asking.getresponse()
        assert answer.status == status
        assert json.loads(answer.read())["status"] == status
        asking.close()


def test_a_refused_body_without_a_length_is_thrown_away_too(small: RunningService) -> None:
    asking = client(small)
    chunks = (b" " * 2**16 for _ in range(40))  # 2.5 MiB
    asking.request("POST", "/score", chunks, {"Content-Type": JSON}, encode_chunked=True)
    assert asking.getresponse().status == 413
    asking.close()


def send_all(connection: socket.socket, size: int) -> None:
    """Send so many blanks."""
    for _ in range(0, size, 2**20):
        connection.sendall(b" " * 2**20)


def test_no_more_is_thrown_away_than_twice_the_limit(small: RunningService) -> None:
    with connect(small.port) as connection:
        connection.sendall(head(Content_Type=JSON, Content_Length=str(10**12)))
        assert read_answer(connection).status == 413
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            send_all(connection, 10**9)


def test_a_small_refused_body_leaves_the_connection_as_it_is(service: RunningService) -> None:
    with connect(service.port) as connection:
        connection.sendall(head(path="/nowhere", Content_Length="5"))
        answer = read_answer(connection)
        assert (answer.status, answer.headers.get("connection")) == (404, None)
        connection.sendall(b"12345" + score() + ROWS)
        assert read_answer(connection).status == 200


def ask_first(connection: socket.socket, request: bytes) -> Answer:
    connection.sendall(request)
    return read_answer(connection)


def test_who_asks_before_sending_is_told_to_go_on(service: RunningService) -> None:
    with connect(service.port) as connection:
        for _ in range(2):
            assert ask_first(connection, score(Expect="100-continue")).status == 100
            connection.sendall(ROWS)
            assert read_answer(connection).status == 200


def test_who_asks_before_sending_is_told_not_to(service: RunningService) -> None:
    with connect(service.port) as connection:
        answer = ask_first(connection, head(path="/x", Content_Length="5", Expect="100-continue"))
        assert answer.status == 404
        # Whether the body or another request comes next, nobody can say.
        assert answer.headers["connection"] == "close"
        assert read_to_end(connection) == b""


def test_who_asks_and_does_not_wait_is_answered_once(service: RunningService) -> None:
    answer = exchange(service.port, score(Expect="100-continue") + ROWS)
    assert answer.status == 200
