"""The load generator: a process of its own that asks, takes times, and afterwards checks answers.

    python -m benchmarks.serving.load < LOAD.json

One thread over epoll and plain sockets: a request costs it some tens of microseconds, far less
than it costs any of the servers. Times are counted from when a request was due, so that a server
that stalls is charged for those that queued behind it.
"""

import json
import random
import re
import select
import socket
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.serving.answers import is_right

__all__ = ["SILENT_S", "Load", "Outcome", "main", "run"]

KEEP_EVERY = 7
KEEP_BYTES = 32 * 2**20
RECEIVE_BYTES = 2**18
NAP_S = 0.001
SILENT_S = 5.0
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Load:
    """What to ask, and how.

    Attributes:
        port: Where, on the loopback interface.
        path: Target of the request, the query included.
        content_type: Of the bodies.
        folder: Where the bodies are, `0`, `1`, ..., and `answers.json`, what the model says.
        connections: Connections; each has one request under way. At most so many where a rate
            is given.
        seconds: How long to measure.
        warm_up_s: How long to ask before.
        rate: Requests a second to offer, at random times, whatever comes back; None asks anew as
            soon as an answer is there.
        seed: Of those times.
    """

    port: int
    path: str
    content_type: str
    folder: str
    connections: int
    seconds: float
    warm_up_s: float = 1.0
    rate: float | None = None
    seed: int = 0


@dataclass
class Outcome:
    """What came back.

    Attributes:
        offered: Requests that were due in the time measured.
        statuses: Answers in that time, by status.
        cut: Connections that ended without an answer.
        unsent: Requests that were due and had no connection left.
        per_s: Good answers a second.
        p50_ms: Median time to a good answer, from when it was due.
        p99_ms: The 99th percentile of it.
        refused_p99_ms: The 99th percentile of the time to a 429, those that got no answer at all
            counted with how long they have waited; 0 where there were neither.
        silent: Requests that got no answer for five seconds or more.
        late_p99_ms: How late the generator itself sent, 99th percentile.
        checked: Answers compared with the model's own.
        wrong: Those that differ.
    """

    offered: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    cut: int = 0
    unsent: int = 0
    per_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    refused_p99_ms: float = 0.0
    silent: int = 0
    late_p99_ms: float = 0.0
    checked: int = 0
    wrong: int = 0


@dataclass(slots=True, eq=False)
class _Connection:
    socket: socket.socket
    place: int = 0
    due: float = 0.0
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    received: bytes = b""
    length: int = 0


class _Generator:
    """All connections of a load, and what came over them."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._messages = _messages(load)
        self._poll = select.epoll()
        self._open: dict[int, _Connection] = {}
        self._idle: list[_Connection] = []
        self._asked = 0
        self._kept_bytes = 0
        self._begin, self._end = 0.0, 0.0
        self._times: dict[bytes, list[float]] = {}
        self._late: list[float] = []
        self.kept: list[tuple[int, bytes]] = []
        self.outcome = Outcome()

    def run(self) -> None:
        """Ask until the load ends."""
        load, now = self._load, time.perf_counter()
        self._begin = now + load.warm_up_s
        self._end = self._begin + load.seconds
        if load.rate is None:
            for _ in range(load.connections):
                self._ask(self._connect(), time.perf_counter())
        chance, due = random.Random(load.seed), now
        while (now := time.perf_counter()) < self._end:
            if load.rate is not None:
                while due <= now:
                    self._offer(due)
                    due += chance.expovariate(load.rate)
            for descriptor, _ in self._poll.poll(NAP_S if load.rate else self._end - now):
                self._turn(self._open[descriptor])
        self._summarise()

    def _connect(self) -> _Connection:
        made = socket.create_connection(("127.0.0.1", self._load.port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setblocking(False)
        connection = _Connection(made)
        self._open[made.fileno()] = connection
        self._poll.register(made.fileno(), select.EPOLLIN)
        return connection

    def _offer(self, due: float) -> None:
        """Ask on a connection that is free, or on a new one."""
        counts = self._begin <= due < self._end
        self.outcome.offered += counts
        if self._idle:
            connection = self._idle.pop()
        elif len(self._open) < self._load.connections:
            connection = self._connect()
        else:
            self.outcome.unsent += counts
            return
        if counts:
            self._late.append(time.perf_counter() - due)
        self._ask(connection, due)

    def _ask(self, connection: _Connection, due: float) -> None:
        connection.place = self._asked % len(self._messages)
        self._asked += 1
        connection.due, connection.received, connection.length = due, b"", 0
        connection.unsent = memoryview(self._messages[connection.place])
        self._send(connection)

    def _send(self, connection: _Connection) -> None:
        try:
            sent = connection.socket.send(connection.unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._cut(connection)
            return
        had = len(connection.unsent)
        connection.unsent = connection.unsent[sent:]
        if sent < had:
            self._poll.modify(connection.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _turn(self, connection: _Connection) -> None:
        """Continue with a connection that has an event.

        Raises:
            ValueError: An answer has no length.
        """
        if connection.unsent:
            self._send(connection)
            if connection.unsent or connection.socket.fileno() < 0:
                return
            self._poll.modify(connection.socket.fileno(), select.EPOLLIN)
        try:
            received = connection.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._cut(connection)
            return
        connection.received += received
        if not connection.length:
            head = connection.received.find(b"\r\n\r\n")
            if head < 0:
                return
            found = LENGTH.search(connection.received, 0, head)
            if found is None:
                raise ValueError("an answer without a length")
            connection.length = head + 4 + int(found.group(1))
        if len(connection.received) >= connection.length:
            self._answered(connection)

    def _answered(self, connection: _Connection) -> None:
        now = time.perf_counter()
        status = connection.received[9:12]
        if connection.due >= self._begin and now < self._end:
            times = self._times.setdefault(status, [])
            times.append(now - connection.due)
            if len(times) % KEEP_EVERY == 1 and status == b"200":
                self._keep(connection)
        if self._load.rate is None:
            self._ask(connection, now)
        else:
            self._idle.append(connection)

    def _keep(self, connection: _Connection) -> None:
        if self._kept_bytes < KEEP_BYTES:
            body = connection.received[connection.received.find(b"\r\n\r\n") + 4 :]
            self._kept_bytes += len(body)
            self.kept.append((connection.place, body))

    def _cut(self, connection: _Connection) -> None:
        waited = connection not in self._idle
        del self._open[connection.socket.fileno()]
        connection.socket.close()
        if not waited:
            self._idle.remove(connection)
            return
        self.outcome.cut += 1
        if self._load.rate is None:
            self._ask(self._connect(), time.perf_counter())

    def _summarise(self) -> None:
        outcome, good = self.outcome, self._times.get(b"200", [])
        outcome.statuses = {status.decode(): len(each) for status, each in self._times.items()}
        outcome.per_s = len(good) / self._load.seconds
        outcome.p50_ms, outcome.p99_ms = _quantile_ms(good, 0.5), _quantile_ms(good, 0.99)
        idle, now = set(map(id, self._idle)), time.perf_counter()
        ages = [now - each.due for each in self._open.values() if id(each) not in idle]
        silent = [age for age in ages if age >= SILENT_S]
        outcome.silent = len(silent)
        outcome.refused_p99_ms = _quantile_ms([*self._times.get(b"429", []), *silent], 0.99)
        outcome.late_p99_ms = _quantile_ms(self._late, 0.99)
        if self._load.rate is None:
            outcome.offered = sum(outcome.statuses.values())
        for connection in self._open.values():
            connection.socket.close()


def run(load: Load) -> Outcome:
    """Put a load on a server, and check its answers."""
    generator = _Generator(load)
    generator.run()
    answers = json.loads((Path(load.folder) / "answers.json").read_text())
    statuses = Counter(is_right(body, answers[place]) for place, body in generator.kept)
    generator.outcome.checked, generator.outcome.wrong = len(generator.kept), statuses[False]
    return generator.outcome


def _messages(load: Load) -> list[bytes]:
    """Return the requests, as bytes."""
    messages = []
    count = len(json.loads((Path(load.folder) / "answers.json").read_text()))
    for place in range(count):
        body = (Path(load.folder) / str(place)).read_bytes()
        head = (
            f"POST {load.path} HTTP/1.1\r\nHost: 127.0.0.1:{load.port}\r\n"
            f"Content-Type: {load.content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        messages.append(head.encode() + body)
    return messages


def _quantile_ms(times: list[float], level: float) -> float:
    """Smallest time that at least so many are not above; 0 where there are none."""
    ordered = sorted(times)
    return 1000 * ordered[min(len(ordered) - 1, int(level * len(ordered)))] if ordered else 0.0


def main() -> None:
    """Read a load, and write its result."""
    print(json.dumps(asdict(run(Load(**json.load(sys.stdin))))))


if __name__ == "__main__":
    main()
