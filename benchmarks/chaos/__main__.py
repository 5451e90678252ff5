"""What the service does when it is badly treated: `python -m benchmarks.chaos`, or `make chaos`.

The real service, as its own processes, under load over real sockets. Every answer is compared
with what the model gives in this process. Counts, not times: `--quick` does each for seconds.

`--soak SECONDS` runs nothing but load for so long, and says how much memory it took.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.chaos.load import CONNECTIONS, MODEL, Questions, Tally, load
from benchmarks.chaos.service import CHECKPOINTS, serving
from benchmarks.report import Report

__all__ = ["main"]

IDLE_CONNECTIONS = 100


async def killing(
    questions: Questions, seconds: float, named: str, every_s: float, *flags: str
) -> tuple[Tally, int]:
    """Load, while one process after the other is killed."""
    tally, kills = Tally(), 0
    async with serving(*flags) as running:
        end = time.monotonic() + seconds
        asking = asyncio.create_task(
            load(running, questions, tally, lambda: time.monotonic() > end)
        )
        while time.monotonic() < end:
            await asyncio.sleep(every_s)
            victims = running.descendants(named)
            if victims:
                os.kill(random.choice(victims), signal.SIGKILL)
                kills += 1
        await asking
    return tally, kills


async def short_of_descriptors(questions: Questions) -> Tally:
    """Kill a worker where idle connections have taken all descriptors.

    Asked once a second, until there is an answer or a minute is over.
    """
    tally = Tally()
    async with serving("--devices", "cpu", "--spare-workers", "0", descriptors=64) as running:
        host, port = running.url.removeprefix("http://").split(":")
        idle = [await asyncio.open_connection(host, int(port)) for _ in range(IDLE_CONNECTIONS)]
        for victim in running.descendants("madeira.app.workers.process"):
            os.kill(victim, signal.SIGKILL)
        for _ in range(60):
            async with httpx.AsyncClient(base_url=running.url, timeout=60) as client:
                await questions.ask(client, tally)
            if tally.right:
                break
            await asyncio.sleep(1.0)
        for _, writer in idle:
            writer.close()
    return tally


async def stopping(questions: Questions, times: int) -> tuple[Tally, int]:
    """SIGTERM under load, so many times; also counts the exits that were not 0."""
    total, failures = Tally(), 0
    for _ in range(times):
        tally = Tally()
        async with serving("--devices", "cpu") as running:
            stopped = asyncio.Event()
            asking = asyncio.create_task(load(running, questions, tally, stopped.is_set))
            await asyncio.sleep(1.0)
            stopped.set()  # what is asked by now is to be answered; nobody asks again
            running.process.send_signal(signal.SIGTERM)
            await asking
            failures += await running.process.wait() != 0
        total.right, total.wrong = total.right + tally.right, total.wrong + tally.wrong
        total.cut += tally.cut
        for status, count in tally.refused.items():
            total.refused[status] = total.refused.get(status, 0) + count
    return total, failures


async def swapping(questions: Questions, seconds: float) -> tuple[Tally, int]:
    """Load, while a new version takes the place of the old one every second.

    The versions are copies of one model, so that every answer can be compared.
    """
    tally, swaps = Tally(), 0
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        model = directory / MODEL
        shutil.copytree(CHECKPOINTS / MODEL, model)
        newest = max(model.iterdir(), key=lambda path: int(path.name))
        number = int(newest.name)
        flags = ("--devices", "cpu", "--reload-interval-s", "0")
        async with serving(*flags, checkpoints=directory) as running:
            end = time.monotonic() + seconds
            asking = asyncio.create_task(
                load(running, questions, tally, lambda: time.monotonic() > end)
            )
            async with httpx.AsyncClient(base_url=running.url, timeout=120) as client:
                while time.monotonic() < end:
                    number += 1
                    version = str(number)
                    beside = model / f".{version}"
                    await asyncio.to_thread(shutil.copytree, newest, beside)
                    beside.rename(model / version)
                    answer = await client.post(f"/models/{MODEL}/reload")
                    swaps += answer.is_success and answer.json()["version"] == version
                    await asyncio.sleep(1.0)
            await asking
    return tally, swaps


async def mistreated(questions: Questions, requests: int) -> Tally:
    """Send requests of which a third are malformed and a third leave early; tally the rest."""
    tally, left = Tally(), iter(range(requests))
    async with serving("--devices", "cpu") as running:
        host, port = running.url.removeprefix("http://").split(":")
        body = json.dumps({"model": MODEL, "rows": [questions.rows[0]]}).encode()
        head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += b"Content-Length: %d\r\n\r\n" % len(body)

        async def caller() -> None:
            async with httpx.AsyncClient(base_url=running.url, timeout=120) as client:
                for number in left:
                    if number % 3 == 0:
                        bad = random.choice([b"{", b'{"rows": [{"sex": 5}]}', b"\xff", b"[]"])
                        await client.post("/score", content=bad)
                    elif number % 3 == 1:
                        _, writer = await asyncio.open_connection(host, int(port))
                        writer.write((head + body)[: random.randrange(1, len(head + body) + 1)])
                        writer.close()
                    else:
                        await questions.ask(client, tally)

        await asyncio.gather(*(caller() for _ in range(CONNECTIONS)))
    return tally


async def soak(questions: Questions, seconds: float, report: Report) -> None:
    """Nothing but load; memory after warm-up, and at the end."""
    tally = Tally()
    async with serving("--devices", "cpu") as running:
        begun = time.monotonic()
        asking = asyncio.create_task(
            load(running, questions, tally, lambda: time.monotonic() > begun + seconds)
        )
        await asyncio.sleep(seconds / 6)
        warm = running.memory_mib()
        await asking
        growth = running.memory_mib() / warm - 1
    report.limit("memory growth after warm-up", 100 * growth, "%", 2, **tally.summary())


async def trials(report: Report, quick: bool) -> None:
    """All of them."""
    questions = Questions()
    seconds = 10.0 if quick else 60.0
    tally, kills = await killing(
        questions, seconds, "madeira.app.workers.process", 2.0, "--devices", "cpu:2"
    )
    report.limit(
        "failed while workers are killed",
        tally.failed,
        "requests",
        0,
        kills=kills,
        **tally.summary(),
    )
    tally, kills = await killing(
        questions,
        seconds,
        "madeira.app.workers.process",
        8.0,
        "--devices",
        "cpu",
        "--spare-workers",
        "1",
    )
    report.limit(
        "failed while a worker or its spare is killed",
        tally.failed,
        "requests",
        0,
        kills=kills,
        **tally.summary(),
    )
    tally = await short_of_descriptors(questions)
    report.limit(
        "without an answer where descriptors are short",
        int(not tally.right),
        "services",
        0,
        **tally.summary(),
    )
    tally, kills = await killing(
        questions, seconds, "madeira.app.server.api_process", 5.0, "--api-processes", "2"
    )
    # Connections of a killed process end; whoever asks again is answered.
    report.limit(
        "wrong or refused while API processes are killed",
        tally.failed - tally.cut,
        "requests",
        0,
        kills=kills,
        **tally.summary(),
    )
    # Who comes while the service drains is refused with a 503, and knows it.
    times = 3 if quick else 20
    tally, failures = await stopping(questions, times)
    report.limit(
        "unanswered on SIGTERM",
        tally.wrong + tally.cut,
        "requests",
        0,
        times=times,
        exits_not_0=failures,
        **tally.summary(),
    )
    tally, swaps = await swapping(questions, seconds)
    report.limit(
        "failed while versions are swapped",
        tally.failed,
        "requests",
        0,
        swaps=swaps,
        **tally.summary(),
    )
    requests = 900 if quick else 10_000
    tally = await mistreated(questions, requests)
    report.limit(
        "failed beside bad requests",
        tally.failed,
        "requests",
        0,
        requests=requests,
        **tally.summary(),
    )


def main() -> None:
    """Run the trials, or the soak."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--soak", type=float, metavar="SECONDS")
    arguments = parser.parse_args()
    random.seed(1)
    if arguments.soak is not None:
        report = Report("soak", arguments.quick)
        asyncio.run(soak(Questions(), arguments.soak, report))
    else:
        report = Report("chaos", arguments.quick)
        asyncio.run(trials(report, arguments.quick))
    report.write()


if __name__ == "__main__":
    main()
