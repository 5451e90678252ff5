"""What an attacker sends: each a request, or many, that once cost the service far more than others.

Bodies are made once and sent again and again.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import pyarrow as pa

from benchmarks.abuse.sender import Sender
from benchmarks.serving.questions import ARROW, JSON

__all__ = ["BODY_LIMIT_BYTES", "Attack", "attacks"]

MIB = 2**20
BODY_LIMIT_BYTES = 64 * MIB
"""The service's own, by default."""

PIECE = b"x" * MIB
ROWS = 1_000_000


@dataclass(frozen=True)
class Attack:
    """One way to harm others.

    Attributes:
        name: What is done.
        once: Does it once.
        expected: Statuses that are right answers to it.
        parallel: How many at the same time.
    """

    name: str
    once: Callable[[Sender], None]
    expected: frozenset[str]
    parallel: int = 1


def attacks(model: str) -> list[Attack]:
    """All of them, on a model of which `body_mass_g` is a column."""
    impute, score = f"/impute?model={model}", f"/score?model={model}"
    refused = frozenset({"400", "413", "422"})
    busy = frozenset({"429", "503", "504"})
    nothing: frozenset[str] = frozenset()

    def posted(path: str, body: Callable[[], bytes], kind: str = JSON) -> Callable[[Sender], None]:
        return lambda sender: sender.send([_head(path, len(body()), kind), body()])

    return [
        Attack("a number of 64,000 digits", posted("/score", _digits), refused),
        Attack(
            "a million rows in 224 bytes to /impute",
            posted(impute, _null_column, ARROW),
            busy | {"200"},
        ),
        Attack(
            "contributions of a million rows in 648 bytes",
            posted(f"{score}&contributions=true", _compressed, ARROW),
            busy | {"200"},
        ),
        Attack("256 bodies that never come", _slow_bodies, frozenset({"408"})),
        Attack("2,000 idle connections", _idle, nothing),
        Attack("an Accept of 4 MB, 64 times", _many_accepts, frozenset({"431"})),
        Attack("64 MB of headers", _many_headers, frozenset({"431"})),
        Attack("a header without end", _endless_header, frozenset({"431"})),
        Attack("bodies of 50 MB that are no JSON", posted("/score", _no_json), refused | busy, 4),
        Attack("64 MB of empty rows", posted("/score", _empty_rows), refused | busy),
        Attack("a body one byte over the limit", posted("/score", _one_over), frozenset({"413"})),
        Attack("a length of 5,000 digits", _long_length, frozenset({"400", "413"})),
        Attack("a model's name of 60 MB", posted("/score", _long_name), refused | busy | {"404"}),
        Attack("500,000 unknown options", posted("/score", _unknown_options), refused | busy),
        Attack(
            "100,000 Arrow columns of one name", posted(score, _many_columns, ARROW), refused | busy
        ),
    ]


def _head(path: str, length: object, kind: str = JSON, more: str = "") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {length}\r\n{more}\r\n"
    ).encode()


@cache
def _digits() -> bytes:
    return json.dumps({"rows": [{"body_mass_g": "1" * 64_000 + "x"}]}).encode()


def _arrow(table: pa.Table, compression: str | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


@cache
def _null_column() -> bytes:
    return _arrow(pa.table({"body_mass_g": pa.nulls(ROWS)}))


@cache
def _compressed() -> bytes:
    numbers = pa.array([4000.0]).take(pa.array([0] * ROWS, pa.int8()))
    return _arrow(pa.table({"body_mass_g": numbers}), "zstd")


def _slow_bodies(sender: Sender) -> None:
    for _ in range(256):
        sender.connect().sendall(_head("/score", 1000) + b"{")
    sender.over.wait()


def _idle(sender: Sender) -> None:
    for _ in range(2000):
        sender.connect()
    sender.over.wait()


def _many_accepts(sender: Sender) -> None:
    for number in range(64):
        accept = f"Accept: {number}/" + "x" * (4 * MIB) + "\r\n"
        sender.send([_head("/score", 2, more=accept), b"{}"])


def _many_headers(sender: Sender) -> None:
    def headers() -> Iterator[bytes]:
        yield b"GET /models HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        for number in range(64):
            yield b"x%d: " % number + PIECE + b"\r\n"
        yield b"\r\n"

    sender.send(headers())


def _endless_header(sender: Sender) -> None:
    def header() -> Iterator[bytes]:
        yield b"GET /models HTTP/1.1\r\nHost: 127.0.0.1\r\nx: "
        while not sender.over.is_set():
            yield PIECE

    sender.send(header())


@cache
def _no_json() -> bytes:
    return b'{"rows": [' + b'{"body_mass_g": 4000},' * (50 * MIB // 22) + b"x"


@cache
def _empty_rows() -> bytes:
    return b'{"rows":[' + b"{}," * ((BODY_LIMIT_BYTES - 20) // 3) + b"{}]}"


@cache
def _one_over() -> bytes:
    return b" " * (BODY_LIMIT_BYTES + 1)


def _long_length(sender: Sender) -> None:
    sender.send([_head("/score", "1" * 5000), b"{}"])


@cache
def _long_name() -> bytes:
    return json.dumps({"model": "x" * (60 * MIB), "rows": []}).encode()


@cache
def _unknown_options() -> bytes:
    return json.dumps({f"option{number}": 1 for number in range(500_000)} | {"rows": []}).encode()


@cache
def _many_columns() -> bytes:
    count = 100_000
    return _arrow(pa.Table.from_arrays([pa.array([1.0])] * count, ["body_mass_g"] * count))
