"""Metrics and spans of what the engine and the registry do."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from madeira.app.engine import Engine
from madeira.app.engine.request import QueuedJob
from madeira.app.errors import RequestError
from madeira.app.jobs import ModelKey, SampleJob
from madeira.app.logs import RequestNote
from madeira.app.metrics import Metrics
from madeira.app.registry import Registry, ServedModel
from madeira.models.inference.noise import draw_noise, noise_generator

__all__ = ["EngineMetrics"]

log = logging.getLogger(__name__)

CHUNK_ROWS, REFERENCE_CHUNKS = 250, 4


class EngineMetrics:
    """Translates events of engine and registry into metrics and trace spans.

    Args:
        metrics: Where everything is counted.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._referring: dict[ModelKey, asyncio.Task[None]] = {}
        self._own: set[int] = set()
        self._parts: tuple[Registry, Engine] | None = None

    def begin(self, registry: Registry, engine: Engine) -> None:
        """Draw rows of each model that is served from now on, and measure their likelihoods.

        Args:
            registry: The models.
            engine: The engine that draws them.
        """
        self._parts = registry, engine

    def computed(self, entries: Sequence[QueuedJob], header: dict[str, Any]) -> None:
        """Count jobs of one kind and model that were computed in one batch.

        Args:
            entries: The jobs.
            header: Header of the frame with the results.
        """
        asked = [entry for entry in entries if id(entry.job) not in self._own]
        if not asked:
            return
        seconds = header["seconds"]
        began = asyncio.get_running_loop().time() - seconds
        waited = [max(began - entry.queued_at, 0.0) for entry in asked]
        job = asked[0].job
        kind = type(job).__name__.removesuffix("Job").lower()
        rows = sum(len(entry.job.values) for entry in asked)
        self._metrics.computed(kind, job.model, rows, waited, seconds, header["batch"])
        for entry, wait in zip(asked, waited, strict=True):
            note = entry.request.context
            if isinstance(note, RequestNote) and note.span is not None:
                ended = time.time_ns()
                started = ended - int(1e9 * seconds)
                known = {
                    "madeira.rows": len(entry.job.values),
                    "madeira.batch_rows": header["batch"],
                }
                note.span.stage("wait", started - int(1e9 * wait), started, {})
                note.span.stage("compute", started, ended, known)

    def served(self, model: ServedModel) -> None:
        """Count a version that is served now, and draw rows of it beside requests."""
        self._metrics.tried(model.key, loaded=True)
        if self._parts is not None:
            task = asyncio.create_task(self._refer(model, *self._parts))
            self._referring[model.key] = task
            task.add_done_callback(lambda _: self._referring.pop(model.key, None))

    def failed(self, key: ModelKey, reason: str) -> None:
        """Count a version that failed to load.

        Args:
            key: The version.
            reason: The reason, which is in the log.
        """
        self._metrics.tried(key, loaded=False)

    def retired(self, key: ModelKey) -> None:
        """Forget a version that is no longer served."""
        task = self._referring.get(key)
        if task is not None:
            task.cancel()
        self._metrics.forget(key)

    async def _refer(self, model: ServedModel, registry: Registry, engine: Engine) -> None:
        try:
            with await registry.lease(model, engine) as key:
                await self._draw_reference(key, model, engine)
        except RequestError as error:
            log.warning("no reference likelihoods of %s: %s", model.key.name, error)

    async def _draw_reference(self, key: ModelKey, model: ServedModel, engine: Engine) -> None:
        generator, parts = noise_generator(0), []
        nothing = np.full((CHUNK_ROWS, len(model.schema.columns)), np.nan)
        for _ in range(REFERENCE_CHUNKS):
            noise = draw_noise(CHUNK_ROWS, model.noise_width, generator)
            job = SampleJob(key, nothing, noise, 1.0, log_likelihood=True)
            self._own.add(id(job))
            try:
                nats = (await engine.run(job)).log_likelihood
            finally:
                self._own.discard(id(job))
            if nats is not None:
                parts.append(nats)
        self._metrics.refer(key, np.concatenate(parts))

    def close(self) -> None:
        """Cancel the drawing of reference rows."""
        for task in list(self._referring.values()):
            task.cancel()
