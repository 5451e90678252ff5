"""What one hostile caller does to another: `python -m benchmarks.abuse`.

The real service, as a user starts it. Each attack runs again and again while another caller asks
for one row fifty times a second. Told are the other caller's requests that were refused or not
answered, its 99th percentile beside what it is alone, what the memory of the service has grown by,
and answers to the attack itself that are not the right ones.
"""

import argparse
import contextlib
import math
import os
import resource
import tempfile
import time
from pathlib import Path

from benchmarks.abuse.attacks import Attack, attacks
from benchmarks.abuse.sender import Sender, attacking
from benchmarks.report import Report
from benchmarks.serving.asking import first_answer, whatever_comes
from benchmarks.serving.load import SILENT_S, Load, Outcome
from benchmarks.serving.questions import JSON, Questions
from benchmarks.serving.servers import ROOT, Server, madeira

__all__ = ["answered_wrongly", "main", "p99_ms", "refused"]

MODEL = "penguins"
RATE = 50.0
CONNECTIONS = 64
RATIO_LIMIT = 5.0
GROWTH_LIMIT_PERCENT = 10.0
SETTLE_S = 0.5
REST_SHARE, REST_LIMIT_S = 0.2, 60.0
ANSWER_WAIT = 6.0
"""For the first answer to an attack, in times of what it lasts."""
FILES = 4096


def main() -> None:
    """Run every attack and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a second each, within a minute")
    parser.add_argument("--only", default="", help="attacks whose names hold this")
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    report = Report("abuse", arguments.quick)
    with tempfile.TemporaryDirectory() as folder:
        questions = Questions(ROOT / "checkpoints" / MODEL / "1", Path(folder))
        with madeira(ROOT / "checkpoints", MODEL, "--log-level", "warning") as server:
            first_answer(server, questions.folder)
            seconds = 1.2 if arguments.quick else 10.0
            for attack in attacks(MODEL):
                if arguments.only in attack.name:
                    measure(report, server, questions.folder, attack, seconds)
    report.write()


def measure(report: Report, server: Server, folder: Path, attack: Attack, seconds: float) -> None:
    """One attack, beside one caller who means well."""
    _rest(server)
    alone = _ask(server, folder, seconds)
    before = server.memory_mib()
    with attacking(server.port, attack.once, attack.parallel) as sender:
        beside = _ask(server, folder, seconds)
        end = time.monotonic() + ANSWER_WAIT * seconds
        while attack.expected and not sender.statuses and time.monotonic() < end:
            time.sleep(SETTLE_S)
    _rest(server)
    after = server.memory_mib()
    statuses = {f"answers {status}": number for status, number in beside.statuses.items()}
    report.limit(f"{attack.name}: others refused", refused(beside), "requests", 0, **statuses)
    report.limit(
        f"{attack.name}: p99 of others, to that alone",
        p99_ms(beside) / p99_ms(alone),
        "x",
        RATIO_LIMIT,
        **{"beside, ms": p99_ms(beside), "alone, ms": p99_ms(alone)},
    )
    report.limit(
        f"{attack.name}: growth of memory",
        100 * (after / before - 1),
        "%",
        GROWTH_LIMIT_PERCENT,
        **{"before, MiB": before, "after, MiB": after},
    )
    told = {f"attack answered {status}": number for status, number in sender.statuses.items()}
    report.limit(
        f"{attack.name}: wrong answers to it",
        answered_wrongly(sender, attack),
        "answers",
        0,
        **told,
        **{"largest answer, KiB": sender.largest_answer / 1024},
    )


def refused(outcome: Outcome) -> int:
    """Return the number of requests that were refused, cut off, not sent, or answered wrongly."""
    others = sum(number for status, number in outcome.statuses.items() if status != "200")
    return others + outcome.cut + outcome.unsent + outcome.silent + outcome.wrong


def p99_ms(outcome: Outcome) -> float:
    """Return the 99th percentile; missing answers count with the time limit."""
    missing = outcome.silent or not outcome.p99_ms
    return max(outcome.p99_ms, 1000 * SILENT_S) if missing else outcome.p99_ms


def answered_wrongly(sender: Sender, attack: Attack) -> int:
    """Return the answers to the attack that were not expected."""
    return sum(
        number for status, number in sender.statuses.items() if status not in attack.expected
    )


def _rest(server: Server) -> None:
    """Wait until the service has nothing to do any more, a minute at most."""
    end, busy = time.monotonic() + REST_LIMIT_S, math.inf
    while busy > REST_SHARE * SETTLE_S and time.monotonic() < end:
        before = _processor_s(server)
        time.sleep(SETTLE_S)
        busy = _processor_s(server) - before


def _processor_s(server: Server) -> float:
    """Seconds that its processes have computed."""
    ticks = 0
    for pid in server.processes():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _ask(server: Server, folder: Path, seconds: float) -> Outcome:
    questions = str(folder / server.questions)
    load = Load(server.port, server.path, JSON, questions, CONNECTIONS, seconds, seconds / 4, RATE)
    return whatever_comes(load)


if __name__ == "__main__":
    main()
