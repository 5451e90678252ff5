"""What each method of a client sends, and what it makes of the answers.

Every method is one generator here, of requests to bodies of answers; the clients differ only in how
they send. Tables are sent in chunks, so that no request is over the limits of the service.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa

from madeira.app.client.wire import STREAM, Asked, read_json, read_table, stream_of
from madeira.models.arrays import Float64
from madeira.models.errors import ConfigError, RowsTypeError
from madeira.models.tables.arrays import ArrayForm
from madeira.models.tables.form import Data
from madeira.models.tables.rows import Rows, rows_of

__all__ = ["Conversation", "Questions", "chunk_seed"]

MAX_CHUNK_ROWS: Final = 10_000
MAX_CHUNK_BYTES: Final = 16 * 2**20
MAX_CHUNK_COST: Final = 5_000_000
"""Bounds of one request, well below the limits that a service has by default."""

AnswerT = TypeVar("AnswerT")
Conversation = Generator[Asked, bytes, AnswerT]


@dataclass(frozen=True)
class Questions:
    """The questions about one model.

    Attributes:
        model: Its name; None for the default of the service.
        version: That must answer; None for the one that is served.
        on_progress: Told how many rows of a table are answered, and how many there are.
    """

    model: str | None
    version: str | None
    on_progress: Callable[[int, int], None] | None

    def models(self) -> Conversation[list[dict[str, Any]]]:
        """Ask which models are served."""
        found: list[dict[str, Any]] = read_json((yield Asked("/models")))["models"]
        return found

    def described(self) -> Conversation[dict[str, Any]]:
        """Ask for the description of the model.

        Raises:
            ConfigError: None was named, and the service has no default.
        """
        name = self.model
        if name is None:
            served = yield from self.models()
            name = next((one["name"] for one in served if one["default"]), None)
            if name is None:
                names = ", ".join(one["name"] for one in served) or "none"
                raise ConfigError(f"the service has no default model: name one of {names}")
        found: dict[str, Any] = read_json((yield Asked(f"/models/{name}")))
        return found

    def numbers(self, table: Data, name: str) -> Conversation[Float64]:
        """Ask for one number a row."""
        rows = yield from self._rows(table)
        scores = yield from self._scores(rows, {})
        numbers: Float64 = scores.column(name).to_numpy()
        return numbers

    def by_cell(self, table: Data, name: str) -> Conversation[Float64]:
        """Ask for one number a cell, (rows, columns of the model)."""
        rows = yield from self._rows(table)
        scores = yield from self._scores(rows, {name: True})
        columns = scores.column(name).combine_chunks().flatten()
        return np.stack([column.to_numpy(zero_copy_only=False) for column in columns], axis=1)

    def scores(self, table: Data, options: Mapping[str, Any]) -> Conversation[Data]:
        """Ask for all scores, in the form of the table."""
        rows = yield from self._rows(table)
        scores = yield from self._scores(rows, options)
        return scores if isinstance(rows.form, ArrayForm) else rows.form.fresh(scores)

    def sample(
        self, n: int, given: Mapping[str, Any] | None, options: Mapping[str, Any]
    ) -> Conversation[pa.Table]:
        """Ask for new rows.

        Raises:
            RowsTypeError: `given` is no dict.
        """
        if given is not None and not isinstance(given, Mapping):
            raise RowsTypeError(
                "given is expected to be a dict from column to value, such as "
                f"{{'species': 'cat'}}; this is of type {type(given).__name__}"
            )
        if n == 0:  # the service takes no request for nothing, and its columns are those of a row
            return (yield from self.sample(1, given, options)).slice(0, 0)
        row = {name: [value] for name, value in (given or {}).items()}
        content = stream_of(rows_of(row).table) if row else b""
        answer = yield self._asked("/sample", {"n": n, **options}, content)
        return read_table(answer).replace_schema_metadata(None)

    def impute(
        self, table: Data, draws: int, seed: int | None, options: Mapping[str, Any]
    ) -> Conversation[Data]:
        """Ask for filled rows.

        Raises:
            ConfigError: There are fewer than one draw.
        """
        if draws < 1:
            raise ConfigError(f"draws must be at least 1, not {draws}")
        rows = yield from self._rows(table)
        parts: list[list[pa.Table]] = [[] for _ in range(draws)]
        chunks = self._chunks(rows.table, 1 + rows.table.num_columns * draws)
        for number, (start, part) in enumerate(chunks):
            wanted = {"draws": draws, "seed": chunk_seed(seed, number), **options}
            answer = read_table((yield self._asked("/impute", wanted, stream_of(part), start)))
            # The columns behind the filled ones say which draw it is, and how sure it is.
            filled = answer.select(answer.column_names[: -2 if draws > 1 else -1])
            for draw, one in enumerate(parts):
                one.append(filled.slice(draw * part.num_rows, part.num_rows))
            self._told(start + part.num_rows, rows.table.num_rows)
        tables = [
            pa.concat_tables(one, promote_options="permissive").replace_schema_metadata(None)
            for one in parts
        ]
        results = [rows.filled(one) for one in tables]
        return results[0] if draws == 1 else results

    def _scores(self, rows: Rows, options: Mapping[str, Any]) -> Conversation[pa.Table]:
        parts = []
        by_cell = any(options.get(name) for name in ("contributions", "cell_anomaly", "reasons"))
        cost = 1 + by_cell * max(1, rows.table.num_columns)
        for start, part in self._chunks(rows.table, cost):
            answer = yield self._asked("/score", options, stream_of(part), start)
            parts.append(read_table(answer).replace_schema_metadata(None))
            self._told(start + part.num_rows, rows.table.num_rows)
        return pa.concat_tables(parts)

    def _rows(self, table: Data) -> Conversation[Rows]:
        """Take rows in; an array has no names, so that the service is asked for them."""
        if not isinstance(table, np.ndarray):
            return rows_of(table)
        described = yield from self.described()
        return rows_of(table, [column["name"] for column in described["columns"]])

    def _asked(
        self, path: str, options: Mapping[str, Any], content: bytes, start: int = 0
    ) -> Asked:
        headers = {"Accept": STREAM} | ({"Content-Type": STREAM} if content else {})
        named = {"model": self.model, "version": self.version}
        return Asked(path, {**named, **options}, content, headers, start)

    @staticmethod
    def _chunks(table: pa.Table, row_cost: int) -> Sequence[tuple[int, pa.Table]]:
        """Cut a table, and say where each part begins; one without rows is one part."""
        row_bytes = max(1, table.nbytes // max(1, table.num_rows))
        size = min(MAX_CHUNK_ROWS, MAX_CHUNK_BYTES // row_bytes, MAX_CHUNK_COST // row_cost)
        size = max(1, size)
        return [
            (start, table.slice(start, size)) for start in range(0, max(1, table.num_rows), size)
        ]

    def _told(self, done: int, rows: int) -> None:
        if self.on_progress is not None:
            self.on_progress(done, rows)


def chunk_seed(seed: int | None, number: int) -> int | None:
    """Return the seed of a chunk: chunks of one seed would all have the same noise.

    Args:
        seed: Of the whole; None for an unpredictable one.
        number: Of the chunk; the first has the seed of the whole.
    """
    if seed is None or number == 0:
        return seed
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0] >> 1)
