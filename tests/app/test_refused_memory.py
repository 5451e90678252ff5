"""After a refusal the memory is what it was before, without the help of the garbage collector."""

import gc
import http.client
import tracemalloc
from collections.abc import Iterator

import orjson
import pyarrow as pa
import pytest

from tests.app.running import RunningService
from tests.app.streams import ARROW, stream

JSON = "application/json"
SIZE = 3_000_000
TIMES = 4
LEFT = 5_000_000
"""Bytes that may stay: less than two bodies, the last of which a thread may still be freeing."""

MANY = [{"city": "Funchal", "income": 1.5}] * (SIZE // 40)
TABLE = pa.table({"income": pa.array(range(SIZE // 8), pa.float64())})

REFUSED: dict[str, tuple[str, bytes, dict[str, str], int]] = {
    "not JSON": ("/score", b'{"rows":[' + b'{"city":"x"},' * (SIZE // 13) + b"!", {}, 400),
    "not JSON, small": ("/score", b'{"rows":"' + b"x" * SIZE, {}, 400),
    "not Arrow": ("/score", b"x" * SIZE, {"content-type": ARROW}, 400),
    "broken Arrow": ("/score", stream(TABLE)[: SIZE // 2], {"content-type": ARROW}, 400),
    "unknown model": ("/score", orjson.dumps({"model": "no", "rows": MANY}), {}, 404),
    "unknown model, Arrow": ("/score?model=no", stream(TABLE), {"content-type": ARROW}, 404),
    "not acceptable": ("/score", orjson.dumps({"rows": MANY}), {"accept": "text/html"}, 406),
    "wrong type": ("/score", b"x" * SIZE, {"content-type": "application/xml"}, 415),
    "no CSV": ("/score", b"x" * SIZE, {"content-type": "text/csv"}, 400),
    "not an object": ("/score", orjson.dumps(["x" * SIZE]), {}, 422),
    "unknown option": ("/score", orjson.dumps({"rows": [], "y": "x" * 900_000}), {}, 422),
    "wrong option": ("/score", orjson.dumps({"rows": [], "seed": "x" * 900_000}), {}, 422),
    "wrong cell": ("/score", orjson.dumps({"rows": [*MANY, {"income": "x"}]}), {}, 422),
    "wrong instant": ("/score", orjson.dumps({"rows": [*MANY, {"joined": "x"}]}), {}, 422),
    "long cell": ("/score", orjson.dumps({"rows": [{"income": "x" * 900_000}]}), {}, 422),
    "unknown column": ("/impute", orjson.dumps({"rows": [*MANY, {"town": "x"}]}), {}, 422),
    "unknown column, Arrow": (
        "/score",
        stream(pa.table({"town": TABLE["income"]})),
        {"content-type": ARROW},
        422,
    ),
    "wrong type of column": (
        "/impute",
        stream(pa.table({"joined": TABLE["income"]})),
        {"content-type": ARROW},
        422,
    ),
    "a bad deadline": ("/score", orjson.dumps({"rows": MANY}), {"x-deadline-ms": "x"}, 422),
}


@pytest.fixture(scope="module")
def traced() -> Iterator[None]:
    """Memory is counted, and the garbage collector does nothing."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


def refuse(service: RunningService, kind: str) -> None:
    path, body, headers, status = REFUSED[kind]
    address = service.client.base_url
    connection = http.client.HTTPConnection(address.host, address.port or 80, timeout=300)
    try:
        connection.request("POST", path, body, {"content-type": JSON, **headers})
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    assert answer.status == status, content


@pytest.mark.parametrize("kind", REFUSED)
def test_nothing_of_a_refused_body_stays(service: RunningService, traced: None, kind: str) -> None:
    refuse(service, kind)
    before, arrow = tracemalloc.get_traced_memory()[0], pa.total_allocated_bytes()
    for _ in range(TIMES):
        refuse(service, kind)
    assert tracemalloc.get_traced_memory()[0] - before < LEFT
    assert pa.total_allocated_bytes() - arrow < LEFT
