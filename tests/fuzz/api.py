"""Fuzzes the running service with schemathesis: `make fuzz-api`, `python -m tests.fuzz.api`.

Every check of schemathesis is on: no fault of the service, no status and no body that is not
described, nothing accepted that is not described, nothing described that is refused. It goes on,
round after round with another seed, until there have been as many cases as wanted, and fails at
the first round that finds something.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from madeira.app.settings import Settings
from tests.app.running import running
from tests.fuzz.described import CASES, described

__all__ = ["BUNDLED", "Round", "fuzz", "fuzzed_settings", "main"]

BUNDLED = Path(__file__).resolve().parents[2] / "checkpoints" / "penguins"

_NOT_CHECKED = {
    # Which columns there are, the whole description cannot say.
    "whole": ["positive_data_acceptance", "negative_data_rejection"],
    # That each row has as many values as there are columns, no schema can say.
    "columns": ["negative_data_rejection"],
}
_GENERATED = re.compile(r"(\d+) generated")


@dataclass(frozen=True)
class Round:
    """What one run of schemathesis came to.

    Attributes:
        case: Which description it was given.
        cases: How many requests it made up.
        passed: Whether it found nothing.
        report: What it said.
    """

    case: str
    cases: int
    passed: bool
    report: str


def fuzz(url: str, case: str, examples: int, seed: int) -> Round:
    """One run against a service that serves the model `penguins`.

    Args:
        url: Of the service.
        case: Which description, of `CASES`.
        examples: Most random requests for each operation.
        seed: Where they come from.
    """
    document = httpx.get(f"{url}/openapi.json").json()
    model = httpx.get(f"{url}/models/penguins").json()
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "openapi.json"
        file.write_text(json.dumps(described(case, document, model)))
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(file), "--url", url),
            *("--checks", "all", "--phases", "examples,coverage,fuzzing"),
            *("--max-examples", str(examples), "--seed", str(seed), "--continue-on-failure"),
            *("--suppress-health-check", "all", "--generation-database", "none", "--no-color"),
        ]
        for check in _NOT_CHECKED.get(case, ()):
            command += ["--exclude-checks", check]
        done = subprocess.run(command, capture_output=True, text=True, cwd=directory, check=False)
    report = done.stdout + done.stderr
    made = _GENERATED.search(report)
    return Round(case, int(made[1]) if made else 0, done.returncode == 0, report)


def fuzzed_settings(checkpoints: Path) -> Settings:
    """Return the settings of a service that is fuzzed: one may ask for all that it allows."""
    return Settings.read(
        checkpoints=checkpoints, threads=1, sample_limit_rows=50, draws_limit=3, log_level="warning"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzzes a service of its own until there have been enough cases.

    Returns:
        The exit status: 1 where something was found.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="at least so many")
    parser.add_argument("--examples", type=int, default=200, help="an operation and round")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        shutil.copytree(BUNDLED, Path(directory) / "penguins")
        made, seed = 0, asked.seed
        with running(fuzzed_settings(Path(directory))) as service:
            while made < asked.cases:
                for case in CASES:
                    found = fuzz(f"http://127.0.0.1:{service.port}", case, asked.examples, seed)
                    made += found.cases
                    print(f"{case}, seed {seed}: {found.cases} cases, {made} in all", flush=True)
                    if not found.passed or not found.cases:
                        print(found.report)
                        return 1
                seed += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
