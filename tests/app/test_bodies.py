"""Headers and sizes of bodies: 413, 415 and 406, over a raw socket where it matters."""

import json
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.app.running import RunningService, assert_problem

LIMIT = 100_000


@pytest.fixture(scope="module")
def small(start: Callable[..., RunningService]) -> RunningService:
    return start(body_limit_bytes=LIMIT)


@pytest.mark.parametrize("path", ["/score", "/sample", "/impute"])
@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "text/csv; charset=latin-1",
        "application/x-www-form-urlencoded",
        "application/xml",
        "nonsense",
        "application/json; charset=latin-1",
    ],
)
def test_a_body_of_another_type_is_refused(
    service: RunningService, path: str, media_type: str
) -> None:
    answer = service.client.post(path, content=b"{}", headers={"content-type": media_type})
    problem = assert_problem(answer, 415)
    assert problem["type"] == "urn:madeira:problem:unsupported-media-type"


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", None],
)
def test_json_is_taken_however_it_is_announced(
    service: RunningService, media_type: str | None
) -> None:
    headers = {} if media_type is None else {"content-type": media_type}
    answer = service.client.post("/score", content=b'{"rows": []}', headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/json", 200),
        ("application/*", 200),
        ("text/html, application/json;q=0.5", 200),
        ("text/html,*/*;q=0.1", 200),
        ("application/json; charset=utf-8", 200),
        ("", 200),
        ("text/html", 406),
        ("application/xml, image/*", 406),
        ("application/json;q=0, image/png", 406),
        ("application/json;q=0.0", 406),
        ("*/*;q=0", 406),
    ],
)
def test_the_client_decides_what_it_accepts(
    service: RunningService, accept: str, status: int
) -> None:
    for method, path in (("POST", "/score"), ("GET", "/models"), ("GET", "/models/shop")):
        answer = service.client.request(
            method,
            path,
            content=b'{"rows": []}' if method == "POST" else None,
            headers={"accept": accept, "content-type": "application/json"},
        )
        assert answer.status_code == status
        if status != 200:
            assert_problem(answer, status)


def body_of(size: int) -> bytes:
    table = b'{"rows": [{"note": "'
    return table + b"x" * (size - len(table) - 4) + b'"}]}'


def test_the_limit_is_to_the_byte(small: RunningService) -> None:
    headers = {"content-type": "application/json"}
    assert small.client.post("/score", content=body_of(LIMIT), headers=headers).status_code == 200
    answer = small.client.post("/score", content=body_of(LIMIT + 1), headers=headers)
    problem = assert_problem(answer, 413)
    assert problem["type"] == "urn:madeira:problem:body-too-large"
    assert str(LIMIT) in problem["detail"]


def test_a_body_without_a_length_is_counted(small: RunningService) -> None:
    def chunks(total: int) -> Iterator[bytes]:
        body = body_of(total)
        for start in range(0, total, 1000):
            yield body[start : start + 1000]

    headers = {"content-type": "application/json"}
    answer = small.client.post("/score", content=chunks(LIMIT), headers=headers)
    assert answer.status_code == 200
    answer = small.client.post("/score", content=chunks(LIMIT + 1), headers=headers)
    assert_problem(answer, 413)


def answer_to(service: RunningService, head: str, body: bytes = b"") -> tuple[int, dict[str, str]]:
    """Status and headers of the answer to what is sent, with the sending side left open."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as raw:
        raw.sendall(head.replace("\n", "\r\n").encode() + b"\r\n" + body)
        received = b""
        while b"\r\n\r\n" not in received:
            part = raw.recv(65536)
            assert part, received
            received += part
    status, *lines = received.split(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers


def test_a_body_that_says_it_is_too_large_is_not_read(small: RunningService) -> None:
    status, headers = answer_to(
        small,
        f"POST /score HTTP/1.1\nHost: x\nContent-Type: application/json\n"
        f"Content-Length: {10**12}\n",
    )
    assert status == 413
    assert headers["connection"] == "close"


def test_a_client_that_asks_first_is_told_before_it_sends(small: RunningService) -> None:
    status, _ = answer_to(
        small,
        f"POST /score HTTP/1.1\nHost: x\nContent-Type: application/json\n"
        f"Content-Length: {LIMIT + 1}\nExpect: 100-continue\n",
    )
    assert status == 413


def test_an_endless_body_is_cut_off(small: RunningService) -> None:
    chunk = b"%x\r\n%s\r\n" % (LIMIT + 1, b" " * (LIMIT + 1))
    status, headers = answer_to(
        small,
        "POST /score HTTP/1.1\nHost: x\nContent-Type: application/json\n"
        "Transfer-Encoding: chunked\n",
        chunk,
    )
    assert status == 413
    assert headers["connection"] == "close"


def test_a_client_that_leaves_amid_its_body_harms_nobody(service: RunningService) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as raw:
            raw.sendall(
                b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b'Content-Length: 1000\r\n\r\n{"rows": ['
            )
    service.post("/score", {"rows": []})


def test_a_large_body_is_answered_as_a_small_one(service: RunningService) -> None:
    row = {"city": "Funchal", "income": 1000.5, "member": True}
    large = service.post("/score", {"rows": [row] * 3000})
    small = service.post("/score", {"rows": [row]})
    assert len(json.dumps({"rows": [row] * 3000})) > 64 * 2**10  # decoded in a thread
    assert large["log_likelihood"] == pytest.approx(small["log_likelihood"] * 3000, rel=1e-5)
