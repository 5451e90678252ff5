"""What is measured: throughput, latency, bulk, latency beside bulk, and overload."""

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.report import Report
from benchmarks.serving.asking import ask_bulk, ask_hundred_rows, ask_one_row, in_turns, middle
from benchmarks.serving.questions import ARROW, Questions, arrow_bytes
from benchmarks.serving.servers import Server
from benchmarks.serving.tuning import Options

__all__ = [
    "measure_beside_large",
    "measure_bulk",
    "measure_latency",
    "measure_overload",
    "measure_throughput",
]

MANY_CONNECTIONS = 64
BULK_CONNECTIONS = 4
OVERLOAD = 5.0
OVERLOAD_CONNECTIONS = 900
REFUSAL_LIMIT_MS = 20.0
GROWTH_LIMIT_PERCENT = 2.0
SETTLED = 1 / 6
THROUGHPUT_TARGETS = {"LitServe": 5.0, "bare FastAPI": 1.6}
TAIL_TARGETS = {"LitServe": 5.0}


def measure_throughput(
    report: Report,
    questions: Questions,
    servers: Sequence[Server],
    options: dict[str, Options],
    seconds: float,
    turns: int,
) -> None:
    """One-row JSON on 64 connections; the service is the first of the servers."""
    ours, *others = servers
    outcomes = in_turns(servers, questions.folder, MANY_CONNECTIONS, seconds, turns)
    rates, tails = middle(outcomes, "per_s"), middle(outcomes, "p99_ms")
    case = f"one-row JSON, {MANY_CONNECTIONS} connections"
    for other in others:
        checked = sum(outcome.checked for outcome in outcomes[other.name])
        detail = {name: float(value) for name, value in options.get(other.name, {}).items()}
        report.exceed(
            f"{case}, requests a second",
            rates[ours.name],
            "1/s",
            other.name,
            rates[other.name],
            THROUGHPUT_TARGETS.get(other.name, 1.0),
            **detail,
            **_spread(outcomes[ours.name], "per_s"),
            **{"answers of the other checked": checked},
        )
        report.compare(
            f"{case}, p99",
            tails[ours.name],
            "ms",
            other.name,
            tails[other.name],
            TAIL_TARGETS.get(other.name),
            **_spread(outcomes[ours.name], "p99_ms"),
        )


def measure_latency(
    report: Report, questions: Questions, servers: Sequence[Server], seconds: float, turns: int
) -> None:
    """One-row JSON on one connection: the service, and the bare endpoint."""
    ours, other = servers
    outcomes = in_turns(servers, questions.folder, 1, seconds, turns)
    times = middle(outcomes, "p50_ms")
    report.compare(
        "one-row JSON, 1 connection, p50",
        times[ours.name],
        "ms",
        other.name,
        times[other.name],
        1 / 1.5,
        **_spread(outcomes[ours.name], "p50_ms"),
    )


def measure_bulk(
    report: Report,
    questions: Questions,
    server: Server,
    model: str,
    seconds: float,
    turns: int,
) -> None:
    """Arrow streams of 1000 rows on 4 connections, and the model in a loop in this process."""
    rows = len(questions.bulk[0])
    over_http, in_process = [], []
    for _ in range(turns):
        asked = ask_bulk(server, model, questions.folder, BULK_CONNECTIONS, seconds)
        over_http.append(asked.per_s * rows)
        begun, loops = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            questions.score(questions.bulk[loops % len(questions.bulk)])
            loops += 1
        in_process.append(loops * rows / (time.perf_counter() - begun))
    report.exceed(
        f"{rows}-row Arrow, {BULK_CONNECTIONS} connections",
        median(over_http),
        "rows/s",
        "in process",
        median(in_process),
        0.7,
    )


def measure_beside_large(
    report: Report, questions: Questions, server: Server, model: str, rows: int, seconds: float
) -> None:
    """One-row p99 alone, and while a large request is being computed."""
    alone = ask_one_row(server, questions.folder, 1, seconds / 3)
    body = arrow_bytes(questions.many(rows))
    with _asking_again_and_again(server, model, body) as done:
        beside = ask_one_row(server, questions.folder, 1, seconds)
        finished = len(done)
    report.compare(
        f"one-row p99, while {rows} rows are scored",
        beside.p99_ms,
        "ms",
        "alone",
        alone.p99_ms,
        0.2,
        **{"p50 beside, ms": beside.p50_ms, "p50 alone, ms": alone.p50_ms},
        **{"large requests finished": finished, "size of one, MiB": len(body) / 2**20},
    )


def measure_overload(
    report: Report, questions: Questions, server: Server, seconds: float, peak_seconds: float
) -> None:
    """Five times as many requests as can be answered, whatever comes back.

    They are of a hundred rows: of single rows, the generator beside the service could not offer
    five times what that answers.
    """
    peak = ask_hundred_rows(server, questions.folder, MANY_CONNECTIONS, peak_seconds).per_s
    with _weighing(server) as weights:
        outcome = ask_hundred_rows(
            server, questions.folder, OVERLOAD_CONNECTIONS, seconds, OVERLOAD * peak
        )
    case = f"100-row JSON, {OVERLOAD:g} times the peak offered for {seconds:g} s"
    counts = {f"answers {status}": number for status, number in outcome.statuses.items()}
    report.exceed(
        f"{case}, goodput",
        outcome.per_s,
        "1/s",
        "peak",
        peak,
        0.9,
        **counts,
        **{
            "offered, 1/s": outcome.offered / seconds,
            "due without a free connection": outcome.unsent,
            "without any answer": outcome.silent,
            "connections cut": outcome.cut,
            "p99 of the answered, ms": outcome.p99_ms,
            "generator late, p99 ms": outcome.late_p99_ms,
        },
    )
    name = f"{case}, refusals, p99"
    if outcome.refused_p99_ms:
        report.limit(name, outcome.refused_p99_ms, "ms", REFUSAL_LIMIT_MS)
    else:
        report.record(name, 0.0, "ms", note="nothing was refused")
    settled = max(1, round(len(weights) * SETTLED))
    before, after = median(weights[settled : 2 * settled]), median(weights[-settled:])
    growth = 100 * (after / before - 1)
    report.limit(
        f"{case}, growth of memory",
        growth,
        "%",
        GROWTH_LIMIT_PERCENT,
        **{"resident memory of all processes, MiB": after},
    )


def _spread(outcomes: Sequence[object], measure: str) -> dict[str, str]:
    values = [getattr(outcome, measure) for outcome in outcomes]
    return {"lowest and highest turn": f"{min(values):.4g} to {max(values):.4g}"}


@contextlib.contextmanager
def _asking_again_and_again(server: Server, model: str, body: bytes) -> Iterator[list[float]]:
    """Send large requests one after the other.

    Yields:
        The times at which they were done.

    Raises:
        SystemExit: A request failed.
    """
    done: list[float] = []
    failed: list[str] = []
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.connect()
    over = threading.Event()

    def ask() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            while not over.is_set():
                connection.request("POST", f"/score?model={model}", body, {"Content-Type": ARROW})
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != http.client.OK:
                    failed.append(content[:500].decode(errors="replace"))
                    return
                done.append(time.perf_counter())

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        with contextlib.suppress(OSError):
            connection.sock.shutdown(2)
        thread.join()
        connection.close()
    if failed:
        raise SystemExit(f"the large request was refused: {failed[0]}")


@contextlib.contextmanager
def _weighing(server: Server) -> Iterator[list[float]]:
    """Record the memory of a server, twice a second."""
    weights: list[float] = []
    over = threading.Event()

    def weigh() -> None:
        while not over.wait(0.5):
            weights.append(server.memory_mib())

    thread = threading.Thread(target=weigh)
    thread.start()
    try:
        yield weights
    finally:
        over.set()
        thread.join()
