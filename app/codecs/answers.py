"""Answers as they are computed, independent of the format in which they are sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from madeira.app.codecs.reasons import Reason
from madeira.app.codecs.request_tables import RequestTable
from madeira.app.codecs.unseen import CellWarning
from madeira.app.jobs import ImputeResult, ModelKey
from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.schema.schema import Schema

__all__ = ["Answer", "FilledTable", "Samples", "Scores"]

SCORES_A_PIECE = 8192
FILLED_ROWS_A_PIECE = 1024
"""Rows that are written at once, in some milliseconds."""

BYTES_A_SCORE = 20
BYTES_A_FILLED_CELL = 60
BYTES_A_REASON = 120
"""About what they take as text."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What every answer says.

    Attributes:
        model: The version that computed it.
        schema: The columns of the model.
        warnings: Of unseen categories in the request.
        seed: Where its noise came from; None where there was none.
    """

    model: ModelKey
    schema: Schema
    warnings: Sequence[CellWarning]
    seed: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Scores(Answer):
    """How likely the rows of a table are.

    Attributes:
        log_likelihood: `(rows,)` nats.
        anomaly_score: `(rows,)` in [0, 1].
        is_anomaly: `(rows,)`.
        contributions: `(rows, D)` nats, NaN where missing; None where not wanted.
        cell_anomaly: `(rows, D)` in [0, 1], NaN where missing; None where not wanted.
        reasons: Of each row; None where not wanted.
    """

    log_likelihood: Float64
    anomaly_score: Float64
    is_anomaly: Bool
    contributions: Float64 | None
    cell_anomaly: Float64 | None = None
    reasons: Sequence[Sequence[Reason]] | None = None

    @property
    def by_cell(self) -> dict[str, Float64]:
        """Those of `contributions` and `cell_anomaly` that are wanted, `(rows, D)` each."""
        both = {"contributions": self.contributions, "cell_anomaly": self.cell_anomaly}
        return {name: numbers for name, numbers in both.items() if numbers is not None}

    @property
    def size_bytes(self) -> int:
        """Roughly how long it is as text."""
        width = 3 + len(self.by_cell) * len(self.schema.columns)
        reasons = sum(map(len, self.reasons or ()))
        return len(self.log_likelihood) * width * BYTES_A_SCORE + reasons * BYTES_A_REASON

    def pieces(self) -> list[slice]:
        """Return the rows in pieces that are written at once; without rows, one empty piece."""
        return _pieces(len(self.log_likelihood), SCORES_A_PIECE)


@dataclass(frozen=True, slots=True, eq=False)
class Samples(Answer):
    """Rows that are drawn, and written as they are drawn: this is the head of them.

    Attributes:
        given: The values that all rows have, by name of column, as they were sent.
        rows: How many there will be.
    """

    given: Mapping[str, Any]
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class FilledTable(Answer):
    """A table without gaps, and how sure each filled cell is.

    Attributes:
        table: The table as it was sent.
        values: The same, encoded: `(rows, D)`, NaN where a cell was missing.
        result: The draws.
        sent_bytes: Size of the body that the table came in.
    """

    table: RequestTable
    values: Float64
    result: ImputeResult
    sent_bytes: int

    @property
    def draws(self) -> int:
        """How many filled tables there are."""
        return len(self.result.tables)

    @property
    def size_bytes(self) -> int:
        """Roughly how long it is as text."""
        missing = np.count_nonzero(np.isnan(self.values))
        cells = len(self.values) + self.draws * int(missing)
        return self.sent_bytes * self.draws + cells * BYTES_A_FILLED_CELL

    def pieces(self) -> list[slice]:
        """Return the rows in pieces that are written at once; without rows, one empty piece."""
        return _pieces(len(self.values), FILLED_ROWS_A_PIECE)

    def gaps(self, place: int, rows: slice) -> Int64:
        """Return the rows of a piece in which a column was missing, numbered within the table.

        Args:
            place: Of the column in the schema.
            rows: The piece.
        """
        return np.flatnonzero(np.isnan(self.values[rows, place])) + (rows.start or 0)

    def drawn(self, place: int, gaps: Int64, draw: int) -> pa.Array:
        """Return the values, `(gaps,)`, that fill the gaps of a column in one of the tables.

        Args:
            place: Index of the column in the schema.
            gaps: Rows of the gaps.
            draw: Index of the table.
        """
        values: Float64 = self.result.tables[draw, gaps, place]
        return self.schema.columns[place].decode(values)

    def certainty(self, place: int, gaps: Int64) -> dict[str, pa.Array]:
        """Return how sure the values are that fill a column.

        Args:
            place: Of the column in the schema.
            gaps: The rows that were filled.

        Returns:
            `probability`, `(gaps,)`, of the value of a discrete column, null where several draws
            have no one value; `low` and `high`, `(gaps,)`, of any other column.
        """
        column, result = self.schema.columns[place], self.result
        if column.discrete:
            share = result.probability[gaps, place]
            if self.draws > 1:
                share = np.full(len(share), np.nan)
            return {"probability": pa.array(share, from_pandas=True)}
        ends = {"low": result.lower, "high": result.upper}
        return {name: column.decode(end[gaps, place]) for name, end in ends.items()}


def _pieces(rows: int, most: int) -> list[slice]:
    return [slice(start, min(start + most, rows)) for start in range(0, max(rows, 1), most)]
