"""Questions whose answers are known, asked on many connections, and what came of them."""

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pyarrow as pa

from benchmarks.chaos.service import CHECKPOINTS, Running
from madeira.models import DensityEstimator

__all__ = ["CONNECTIONS", "MODEL", "Questions", "Tally", "load"]

MODEL = "penguins"
ROWS = 200
CONNECTIONS = 16
TOLERANCE = 1e-3


@dataclass
class Tally:
    """What came of the requests of one trial.

    Attributes:
        right: Answered, and as the model itself answers.
        wrong: Answered otherwise.
        refused: Status of each answer that was an error, and how many had it.
        cut: Connections that ended without an answer.
    """

    right: int = 0
    wrong: int = 0
    refused: dict[int, int] = field(default_factory=dict)
    cut: int = 0

    @property
    def failed(self) -> int:
        """Requests that got no good answer."""
        return self.wrong + self.cut + sum(self.refused.values())

    def summary(self) -> dict[str, float | str]:
        """Return the counts, to be written down."""
        refused = ", ".join(f"{count} of {status}" for status, count in self.refused.items())
        return {
            "answered": self.right,
            "wrong": self.wrong,
            "refused": refused or "none",
            "cut": self.cut,
        }


class Questions:
    """Rows of the model, and what it says of them."""

    def __init__(self) -> None:
        version = max((CHECKPOINTS / MODEL).iterdir(), key=lambda path: path.name).name
        estimator = DensityEstimator.load(CHECKPOINTS / MODEL / version)
        table = estimator.sample(ROWS, seed=1)
        self.rows: list[dict[str, Any]] = table.to_pylist()
        for number, row in enumerate(self.rows):
            for name in list(row)[: number % 4]:
                row[name] = None
        sent = pa.Table.from_pylist(self.rows, schema=table.schema)
        self.answers = estimator.log_prob(sent).tolist()

    async def ask(self, client: httpx.AsyncClient, tally: Tally) -> None:
        """Ask one question and record the answer."""
        place = random.randrange(ROWS)
        body = {"model": MODEL, "rows": [self.rows[place]]}
        try:
            answer = await client.post("/score", json=body)
        except httpx.TransportError:
            tally.cut += 1
            return
        if answer.status_code != 200:
            tally.refused[answer.status_code] = tally.refused.get(answer.status_code, 0) + 1
            return
        (found,) = answer.json()["log_likelihood"]
        expected = self.answers[place]
        if math.isclose(found, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            tally.right += 1
        else:
            tally.wrong += 1


async def load(
    running: Running, questions: Questions, tally: Tally, until: Callable[[], bool]
) -> None:
    """Ask on many connections until it is stopped."""

    async def caller() -> None:
        async with httpx.AsyncClient(base_url=running.url, timeout=120) as client:
            while not until():
                await questions.ask(client, tally)

    await asyncio.gather(*(caller() for _ in range(CONNECTIONS)))
