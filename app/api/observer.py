"""Tells the metrics what the pool and the registry do."""

import asyncio
import logging
from typing import Any

import numpy as np

from app.batching import Pool
from app.batching.ticket import Entry
from app.errors import RequestError
from app.jobs import Array, ModelKey, ScoreJob
from app.metrics import Metrics
from app.registry import ServedModel

__all__ = ["Observer"]

log = logging.getLogger(__name__)

CHUNK_ROWS = 256


class Observer:
    """Between those who do something and the metrics.

    Args:
        metrics: Where everything is counted.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._tasks: set[asyncio.Task[None]] = set()
        self._own: set[int] = set()

    def computed(self, entry: Entry, header: dict[str, Any]) -> None:
        """A job has been computed."""
        if id(entry.job) in self._own:
            return  # nobody asked for it
        seconds = header["seconds"]
        waited = asyncio.get_running_loop().time() - entry.came - seconds
        kind = type(entry.job).__name__.removesuffix("Job").lower()
        rows = len(entry.job.values)
        self._metrics.computed(kind, entry.job.model, rows, waited, seconds, header["batch"])

    def served(self, model: ServedModel, pool: Pool) -> None:
        """A version has been taken into service: its reference rows are scored beside requests."""
        self._metrics.loaded(model.key)
        if len(model.reference):
            task = asyncio.create_task(self._refer(model.key, model.reference, pool))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _refer(self, key: ModelKey, reference: Array, pool: Pool) -> None:
        parts = []
        for start in range(0, len(reference), CHUNK_ROWS):
            job = ScoreJob(key, reference[start : start + CHUNK_ROWS], False)
            self._own.add(id(job))
            try:
                parts.append((await pool.run(job)).log_likelihood)
            except RequestError as error:
                log.warning("no reference likelihoods of %s: %s", key.name, error)
                return
            finally:
                self._own.discard(id(job))
        self._metrics.refer(key, np.concatenate(parts))

    def close(self) -> None:
        """Gives up what is not done."""
        for task in self._tasks:
            task.cancel()
