"""The three questions, each from a call to its answer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from madeira.app.codecs.answers import FilledTable, Samples, Scores
from madeira.app.engine import AdmittedRequest, Engine, Work, joined_result, results
from madeira.app.errors import DeadlineError
from madeira.app.jobs import ResultT, SampleResult
from madeira.app.logs import current
from madeira.app.metrics import Metrics
from madeira.app.offload import offload_traced
from madeira.app.plane.call import Call
from madeira.app.plane.impute import Imputing
from madeira.app.plane.memory import MemoryLimit
from madeira.app.plane.sample import Sampling
from madeira.app.plane.score import Scoring
from madeira.app.registry import Lease, Registry, ServedModel
from madeira.app.settings import Settings

__all__ = ["DataPlane", "Drawing"]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A sample that is drawn as it is read.

    Attributes:
        answer: The head of the answer.
        results: The rows, part by part; every error of the request is raised by the first.
        row_bytes: Roughly how large one row is.
        streamed: Whether there are several parts, each to be sent as soon as it is there.
    """

    answer: Samples
    results: AsyncIterator[SampleResult]
    row_bytes: int
    streamed: bool


@dataclass(frozen=True, slots=True)
class DataPlane:
    """Answers calls, whichever transport they came over.

    Attributes:
        settings: As read at start-up.
        registry: The models.
        engine: Where jobs are computed.
        metrics: Where requests are counted.
        memory: What large requests take together.
    """

    settings: Settings
    registry: Registry
    engine: Engine
    metrics: Metrics
    memory: MemoryLimit

    async def score(self, call: Call) -> Scores:
        """Score the rows of a table.

        Raises:
            RequestError: The request is wrong, not admitted, or cannot be computed.
        """
        asked = await offload_traced(
            len(call.content), Scoring.read, call, self.registry, self.settings
        )
        work = asked.work(self.settings.compute_chunk_rows)
        result = await self._result(call, asked.model, work)
        self.metrics.scored(asked.model.key, result.log_likelihood)
        return asked.answer(result)

    async def impute(self, call: Call) -> FilledTable:
        """Fill the gaps of a table.

        Raises:
            RequestError: The request is wrong, not admitted, or cannot be computed.
        """
        asked = await offload_traced(
            len(call.content), Imputing.read, call, self.registry, self.settings
        )
        work = asked.work(self.settings.compute_chunk_rows)
        return asked.answer(await self._result(call, asked.model, work))

    async def sample(self, call: Call) -> Drawing:
        """Read a request for new rows, which are drawn as they are taken from the answer.

        Raises:
            RequestError: The request is wrong.
        """
        asked = await offload_traced(
            len(call.content), Sampling.read, call, self.registry, self.settings
        )
        work = asked.work(self.settings.stream_chunk_rows)
        streamed = work.rows > work.most_rows
        rows = self._results(call, asked.model, work, streamed=streamed)
        return Drawing(asked.answer(), rows, work.row_bytes, streamed)

    async def _result(self, call: Call, model: ServedModel, work: Work[ResultT]) -> ResultT:
        """Compute the work of a call; workers keep the model until that is done."""
        with await self._lease(model, work), self._admit(call, work) as admitted:
            return await joined_result(self.engine, work, admitted)

    async def _results(
        self, call: Call, model: ServedModel, work: Work[ResultT], *, streamed: bool
    ) -> AsyncIterator[ResultT]:
        """Yield the results of a call part by part; workers keep the model until the last."""
        with await self._lease(model, work), self._admit(call, work) as admitted:
            async for part in results(self.engine, work, admitted, streamed=streamed):
                yield part

    async def _lease(self, model: ServedModel, work: Work[Any]) -> Lease:
        lease = await self.registry.lease(model, self.engine)
        note = current.get()
        if note is not None:
            note.rows, note.model, note.version = work.rows, model.key.name, model.key.version
        return lease

    def _admit(self, call: Call, work: Work[Any]) -> AdmittedRequest:
        longest = self.settings.deadline_s
        seconds = longest if call.deadline_s is None else min(call.deadline_s, longest)
        left = call.started_at + seconds - asyncio.get_running_loop().time()
        if left <= 0:
            raise DeadlineError(seconds)
        cost = self.engine.waiting_cost(work)
        large, disconnected = cost < work.cost, call.disconnected
        admitted = self.engine.admit(cost, large=large, wait_for_disconnect=disconnected)
        admitted.set_deadline(left, partial(DeadlineError, seconds), seconds)
        admitted.context = current.get()
        return admitted
