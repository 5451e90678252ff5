"""Print the way of one request through the files of the API process and of the worker.

`python -m tests.trace` starts `madeira serve` with one worker on the bundled checkpoints, asks
each question `TRIES` times over one connection, and prints the shortest way: what runs beside
requests (heartbeats, polls) adds calls now and then. `--summary` prints the counts alone.

A call is a function of `madeira` that is entered, or a generator or coroutine that is resumed;
comprehensions and compiled functions do not count. A crossing is a call of a function in another
file than the call before it.
"""

import argparse
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath

__all__ = ["Call", "main", "ways"]

TRIES = 9
SETTLE_S = 0.1
"""Seconds for the processes to see that recording begins, and to finish what an answer leaves."""
START_LIMIT_S = 300
WRITE_LIMIT_S = 30
PROCESSES = 2  # one that answers, one that computes

HALF = {"species": "Gentoo", "island": "Biscoe", "body_mass_g": 5000, "year": 2008}
QUESTIONS = {
    "/score, one row, 4 of 8 columns known": ("/score", {"model": "penguins", "rows": [HALF]}),
    "/sample, 3 rows, one column given": (
        "/sample",
        {"model": "penguins", "n": 3, "given": {"species": "Gentoo"}, "seed": 1},
    ),
    "/impute, one row, 4 of 8 columns known": ("/impute", {"model": "penguins", "rows": [HALF]}),
}

Call = tuple[str, str]
"""File below `madeira`, and name of the function."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the ways of all questions."""
    parser = argparse.ArgumentParser(prog="python -m tests.trace", description=__doc__)
    parser.add_argument("--summary", action="store_true", help="Print the counts alone.")
    summary = parser.parse_args(arguments).summary
    for title, found in ways().items():
        print(f"\n{title}")
        for process, calls in found.items():
            _print(process, calls, summary)


def ways() -> dict[str, dict[str, list[Call]]]:
    """Ask each question of a service.

    Returns:
        The calls, by question and by process.
    """
    with tempfile.TemporaryDirectory() as name, _serving(Path(name)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_LIMIT_S)
        found = {}
        for title, (path, body) in QUESTIONS.items():
            tries = [_ask(connection, Path(name), path, body) for _ in range(TRIES + 1)][1:]
            found[title] = {
                process: min((one[process] for one in tries), key=len) for process in tries[0]
            }
        connection.close()
        return found


@contextlib.contextmanager
def _serving(folder: Path) -> Iterator[int]:
    """Start a service whose processes record their calls in a folder.

    Yields:
        Its port.

    Raises:
        SystemExit: The service does not start.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    recorder = Path(__file__).parent / "recorder"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(recorder), os.environ.get("PYTHONPATH", os.getcwd())]),
        "TRACE_DIRECTORY": str(folder),
    }
    command = ["-m", "madeira", "serve", "--port", str(port), "--devices", "cpu"]
    log = folder / "log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, *command, "--api-processes", "1", "--spare-workers", "0"],
            env=environment,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        end = time.monotonic() + START_LIMIT_S
        while "Madeira has started" not in log.read_text():
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"the service did not start:\n{log.read_text()}")
            time.sleep(SETTLE_S)
        yield port
    finally:
        process.terminate()
        process.wait()


def _ask(
    connection: http.client.HTTPConnection, folder: Path, path: str, body: object
) -> dict[str, list[Call]]:
    """Send one request, and read its calls by process.

    Raises:
        SystemExit: The service refuses the request, or a process does not write its calls.
    """
    (folder / "recording").touch()
    time.sleep(SETTLE_S)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise SystemExit(f"{path} answers {answer.status}: {text.decode()}")
    time.sleep(SETTLE_S)
    (folder / "recording").unlink()
    end = time.monotonic() + WRITE_LIMIT_S
    while len(written := list(folder.glob("*.json"))) < PROCESSES:
        if time.monotonic() > end:
            raise SystemExit(f"{len(written)} of {PROCESSES} processes wrote their calls")
        time.sleep(SETTLE_S)
    found = {}
    for file in written:
        recorded = json.loads(file.read_text())
        process = "API process" if "serve" in recorded["command"].split() else "worker"
        found[process] = [(name, function) for name, function in recorded["calls"]]
        file.unlink()
    return dict(sorted(found.items()))


def _print(process: str, calls: Sequence[Call], summary: bool) -> None:
    """Print the counts of one process, then each file that it comes to and what is called there."""
    stays = [(file, [name for _, name in part]) for file, part in groupby(calls, lambda c: c[0])]
    rooms = [room for room, _ in groupby(str(PurePosixPath(file).parent) for file, _ in stays)]
    print(
        f"  {process}: {len({file for file, _ in stays})} files, {len(stays) - 1} crossings, "
        f"{len(calls)} calls; {len(set(rooms))} folders, {len(rooms) - 1} crossings between them"
    )
    if not summary:
        for number, (file, names) in enumerate(stays, start=1):
            counted = [(name, len(list(part))) for name, part in groupby(names)]
            words = [f"{name} x{count}" if count > 1 else name for name, count in counted]
            print(f"  {number:5}  {file:40} {', '.join(words)}")


if __name__ == "__main__":
    main()
