"""The client of the service for programs that use asyncio."""

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import pyarrow as pa

from madeira.app.client.attempts import Attempts
from madeira.app.client.questions import Conversation, Questions
from madeira.app.client.wire import Asked, raise_problem
from madeira.app.errors import DeadlineError, UnreachableError
from madeira.models.arrays import Float64
from madeira.models.estimate_names import Estimate
from madeira.models.tables.form import Data

__all__ = ["AsyncClient"]

AnswerT = TypeVar("AnswerT")


class AsyncClient:
    """`Client` for asyncio: every method is a coroutine.

    Connections are kept and used again. A request whose connection fails, or that is answered
    408, 429 or 5xx, is tried again.

    Args:
        url: Of the service, such as `http://127.0.0.1:8000`.
        api_key: Sent as `Authorization: Bearer`, where the service asks for one.
        model: Name of the model; None for the default of the service.
        version: That must answer; None for the one that is served.
        timeout_s: Seconds that one request may take, attempts and all; the service drops what is
            not computed by then. A large table is several requests.
        retries: Most attempts after the first.
        on_progress: Told how many rows of a table are answered, and how many there are.
        transport: What sends instead of the network, for tests.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        *,
        model: str | None = None,
        version: str | None = None,
        timeout_s: float = 60.0,
        retries: int = 2,
        on_progress: Callable[[int, int], None] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._questions = Questions(model, version, on_progress)
        self._timeout_s, self._retries = timeout_s, retries
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def models(self) -> list[dict[str, Any]]:
        """Return what the service says of the models that it serves."""
        return await self._run(self._questions.models())

    async def describe(self) -> dict[str, Any]:
        """Return what the service says of this model: its columns, metrics and card."""
        return await self._run(self._questions.described())

    async def log_prob(self, table: Data) -> Float64:
        """Log-likelihood of the observed values of each row; see `DensityEstimator.log_prob`."""
        return await self._run(self._questions.numbers(table, "log_likelihood"))

    async def anomaly_score(self, table: Data) -> Float64:
        """How rare rows as surprising are; see `DensityEstimator.anomaly_score`."""
        return await self._run(self._questions.numbers(table, "anomaly_score"))

    async def cell_anomaly(self, table: Data) -> Float64:
        """How rare each value is given its row; see `DensityEstimator.cell_anomaly`."""
        return await self._run(self._questions.by_cell(table, "cell_anomaly"))

    async def contributions(self, table: Data) -> Float64:
        """Surprise of each cell; see `DensityEstimator.contributions`."""
        return await self._run(self._questions.by_cell(table, "contributions"))

    async def score(
        self, table: Data, *, reasons: bool = False, contamination: float = 0.01
    ) -> Data:
        """Return all scores of rows at once.

        Args:
            table: Rows, in any form that `DensityEstimator` takes.
            reasons: Whether the values are wanted that make a row an anomaly.
            contamination: Share of real rows that count as anomalies.

        Returns:
            `log_likelihood`, `anomaly_score` and `is_anomaly` in the form of the rows, an Arrow
            table for an array.
        """
        options = {"reasons": reasons, "contamination": contamination}
        return await self._run(self._questions.scores(table, options))

    async def sample(
        self,
        n: int,
        given: Mapping[str, Any] | None = None,
        seed: int | None = None,
        temperature: float = 1.0,
        within_range: bool = True,
        nulls: bool | None = None,
    ) -> pa.Table:
        """Draw synthetic rows; see `DensityEstimator.sample`.

        Args:
            n: Number of rows.
            given: Values that every row is to have.
            seed: Seed of the draw.
            temperature: Above 1 draws rarer values, below 1 more typical ones.
            within_range: Draw numbers and instants between the ends seen in training; False for all
                of their support.
            nulls: Whether cells are missing as in the training rows; by default where nothing is
                given.
        """
        options = {"seed": seed, "temperature": temperature, "within_range": within_range}
        if nulls is not None:
            options["nulls"] = nulls
        return await self._run(self._questions.sample(n, given, options))

    async def impute(
        self,
        table: Data,
        draws: int = 1,
        seed: int | None = None,
        estimate: Estimate = "draw",
        within_range: bool = False,
        fill_all: bool = False,
    ) -> Data:
        """Fill the missing values of rows; see `DensityEstimator.impute`.

        Args:
            table: Rows, in any form that `DensityEstimator` takes.
            draws: Number of fillings.
            seed: Seed of the draws; of a table of more than 10,000 rows other draws come than from
                the estimator.
            estimate: `draw`, `mean`, `median` or `mode`.
            within_range: Draw numbers and instants between the ends seen in training.
            fill_all: Fill nulls that are a value of their column too.
        """
        options = {"estimate": estimate, "within_range": within_range, "fill_all": fill_all}
        return await self._run(self._questions.impute(table, draws, seed, options))

    async def _run(self, conversation: Conversation[AnswerT]) -> AnswerT:
        try:
            asked = next(conversation)
            while True:
                asked = conversation.send(await self._answer(asked))
        except StopIteration as done:
            answer: AnswerT = done.value
            return answer

    async def _answer(self, asked: Asked) -> bytes:
        """Send a request until it succeeds, or need not be tried again.

        Raises:
            DeadlineError: The time is over.
            UnreachableError: The service cannot be reached.
        """
        attempts = Attempts(self._retries, self._timeout_s)
        while True:
            left = attempts.left_s()
            request = self._http.build_request(
                asked.method,
                asked.path,
                params=asked.query,
                content=asked.content,
                headers={**asked.headers, "X-Deadline-Ms": str(int(left * 1000) + 1)},
                timeout=left,
            )
            try:
                answer = await self._http.send(request)
            except httpx.TransportError as error:
                pause = attempts.pause_s(None, {})
                if pause is None:
                    if isinstance(error, httpx.ReadTimeout):
                        raise DeadlineError(self._timeout_s) from error
                    raise UnreachableError(f"{self._http.base_url}: {error!r}") from error
            else:
                if answer.is_success:
                    return answer.content
                pause = attempts.pause_s(answer.status_code, answer.headers)
                if pause is None:
                    raise_problem(answer.status_code, answer.headers, answer.content, asked.start)
            await asyncio.sleep(pause)
