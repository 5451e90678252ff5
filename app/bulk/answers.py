"""What is asked of a block: its rows scored, or its gaps filled, and refused rows set aside."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from madeira.app.bulk.blocks import Block
from madeira.app.bulk.parts import Part
from madeira.app.bulk.texts import cleaned, typed
from madeira.app.codecs.json_values import json_values
from madeira.app.errors import BulkError
from madeira.models.errors import CellError, TableError
from madeira.models.estimate_names import Estimate
from madeira.models.tables.filled import fill_nulls

__all__ = ["Impute", "Model", "Score"]

MAX_REFUSED = 1000
"""Most rows of a block that are refused: of a table of which most rows do not fit, none is."""

AnswerT = TypeVar("AnswerT")


class Model(Protocol):
    """A model that answers, here or elsewhere; see `LocalModel`."""

    @property
    def columns(self) -> Sequence[Mapping[str, Any]]:
        """The columns of the model, as `Schema.describe` gives them."""

    @property
    def excluded(self) -> Sequence[str]:
        """Names of the columns that the model excludes."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells it from any other."""

    def unseen(self, table: pa.Table) -> Mapping[str, int]:
        """Count the cells whose category training has not seen, by column."""

    def score(self, table: pa.Table, contamination: float, *, reasons: bool) -> pa.Table:
        """Score rows."""

    def impute(
        self,
        table: pa.Table,
        start: int,
        *,
        draws: int,
        seed: int,
        estimate: Estimate,
        within_range: bool,
    ) -> Sequence[pa.Table]:
        """Fill the gaps of rows; one table a draw."""

    def sample(
        self,
        start: int,
        rows: int,
        *,
        given: Mapping[str, Any],
        seed: int,
        temperature: float,
        within_range: bool,
        nulls: bool | None,
    ) -> pa.Table:
        """Draw rows."""


@dataclass(frozen=True)
class _Answer:
    """What both questions share.

    Attributes:
        model: What answers.
        as_texts: Whether cells of text stay as they are in the file: the output is text too.
        skip: Whether rows that do not fit are set aside; else they are an error.
    """

    model: Model
    as_texts: bool
    skip: bool

    def _readable(self, block: Block) -> tuple[pa.Table, pa.Table]:
        """Return the rows as the output has them, and as the model takes them."""
        table = block.table
        if block.decimal_point is None:
            return table, table
        texts = cleaned(table, self.model.columns, block.decimal_point)
        return table, texts

    def _asked(
        self, block: Block, ask: Callable[[pa.Table], AnswerT]
    ) -> tuple[AnswerT, pa.Table, pa.Table, Sequence[Mapping[str, Any]]]:
        """Ask about the rows that fit.

        Args:
            block: The rows.
            ask: Takes columns of the model.

        Returns:
            The answer; the rows it is about as the output has them, and their columns of the model;
            the others, each with its place, the reason and its cells.

        Raises:
            TableError: A row does not fit, and none is to be set aside.
            BulkError: Too many do not fit.
        """
        rows, readable = self._readable(block)
        modelled = {column["name"] for column in self.model.columns}
        names = [name for name in readable.column_names if name in modelled]
        places = np.arange(rows.num_rows)
        refused: list[Mapping[str, Any]] = []
        while True:
            kept = readable.take(pa.array(places)) if refused else readable
            known = kept.select(names)
            try:
                answer = ask(known)
                break
            except TableError as error:
                bad = {cell.row: cell for cell in reversed(error.cells) if cell.row is not None}
                if not self.skip or len(bad) < len({cell.row for cell in error.cells}):
                    placed = _placed(error, block, places)
                    raise placed from None
                if len(refused) + len(bad) > MAX_REFUSED:
                    raise BulkError(
                        f"more than {MAX_REFUSED} of {rows.num_rows} rows of {block.file} do not "
                        f"fit the model, such as {_placed(error, block, places)}"
                    ) from None
                refused += [
                    _refusal(block, int(places[row]), cell) for row, cell in sorted(bad.items())
                ]
                places = np.delete(places, list(bad))
        if refused:
            rows = rows.take(pa.array(places))
        if not self.as_texts and block.decimal_point is not None:
            rows = typed(kept, self.model.columns)
        return answer, rows, known, refused


@dataclass(frozen=True)
class Score(_Answer):
    """Scores beside the columns that were there.

    Attributes:
        contamination: Share of real rows that count as anomalies.
        reasons: Whether the reasons of anomalies are wanted.
    """

    contamination: float
    reasons: bool

    def __call__(self, block: Block) -> Part:
        """Answer a block."""
        scores, rows, known, refused = self._asked(
            block,
            lambda table: self.model.score(table, self.contamination, reasons=self.reasons),
        )
        for name in scores.column_names:
            rows = rows.append_column(_free_name(name, rows.column_names), scores.column(name))
        anomalies = int(pc.sum(scores.column("is_anomaly")).as_py() or 0)
        return Part(rows, refused, {"anomalies": anomalies}, self.model.unseen(known))


@dataclass(frozen=True)
class Impute(_Answer):
    """Rows without gaps, everything else as it was.

    Attributes:
        draws: How many filled tables; with several a column `draw` tells them apart.
        seed: Of the noise of all rows.
        estimate: What fills a gap.
        within_range: Whether numbers are drawn between the ends seen in training.
    """

    draws: int
    seed: int
    estimate: Estimate
    within_range: bool

    def __call__(self, block: Block) -> Part:
        """Answer a block."""
        draws, rows, known, refused = self._asked(
            block,
            lambda table: self.model.impute(
                table,
                block.start,
                draws=self.draws,
                seed=self.seed,
                estimate=self.estimate,
                within_range=self.within_range,
            ),
        )
        if self.as_texts and block.decimal_point is not None:
            filled = [_texts(rows, known, one, block.decimal_point) for one in draws]
        else:
            filled = [fill_nulls(rows, one) for one in draws]
        if self.draws > 1:
            name = _free_name("draw", rows.column_names)
            filled = [
                one.append_column(name, pa.repeat(pa.scalar(place, pa.int32()), one.num_rows))
                for place, one in enumerate(filled)
            ]
        counts: Counter[str] = Counter()
        for name in draws[0].column_names:
            there = name in known.column_names
            counts["filled"] += known.column(name).null_count if there else known.num_rows
        joined = pa.concat_tables(filled, promote_options="permissive")
        return Part(joined, refused, counts, self.model.unseen(known))


def _texts(rows: pa.Table, known: pa.Table, filled: pa.Table, decimal_point: str) -> pa.Table:
    """Return rows of text with their gaps filled; what was observed is as it was in the file.

    Args:
        rows: The rows as they were.
        known: The same, null in the gaps.
        filled: The columns of the model without gaps.
        decimal_point: `.` or `,`.
    """
    for name in filled.column_names:
        column = filled.column(name)
        texts = column.cast(pa.string())
        if decimal_point != "." and pa.types.is_floating(column.type):
            texts = pc.replace_substring(texts, ".", decimal_point)
        if name not in rows.column_names:
            rows = rows.append_column(name, texts)
            continue
        merged = pc.if_else(known.column(name).is_null(), texts, rows.column(name))
        rows = rows.set_column(rows.column_names.index(name), name, merged)
    return rows


def _free_name(name: str, taken: Sequence[str]) -> str:
    """Return a name that no column has: with as many underscores in front as it takes."""
    while name in taken:
        name = f"_{name}"
    return name


def _placed(error: TableError, block: Block, places: "np.ndarray[Any, Any]") -> TableError:
    """Return the error with the rows counted in their file."""
    cells = [
        cell
        if cell.row is None
        else CellError(block.file_start + int(places[cell.row]), cell.column, cell.message)
        for cell in error.cells
    ]
    return TableError(cells)


def _refusal(block: Block, row: int, cell: CellError) -> Mapping[str, Any]:
    """Return what is told of a refused row."""
    one = block.table.slice(row, 1)
    return {
        "file": block.file,
        "row": block.file_start + row,
        "column": cell.column,
        "message": cell.message,
        "cells": {name: json_values(one.column(name))[0] for name in one.column_names},
    }
