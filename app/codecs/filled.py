"""From a filled array back to the rows that were sent, with their gaps filled."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.codecs.json import json_values
from app.jobs import Array, ImputeResult
from models.columns.base import Column
from models.columns.schema import Schema

__all__ = ["fill"]

Row = dict[str, Any]


def fill(
    sent: Sequence[Row], values: Array, result: ImputeResult, schema: Schema
) -> tuple[list[list[Row]], list[Row]]:
    """Puts what was drawn where something was missing, and nowhere else.

    Only filled cells are touched, one by one: each of them is an entry of the answer.

    Args:
        sent: The rows as they came, cells that the model does not know included.
        values: The same, encoded: `(rows, D)`, NaN where missing.
        result: What was drawn.
        schema: The columns of the model.

    Returns:
        One table a draw, and an entry for each filled cell, by row and then by column.
    """
    tables: list[list[Row]] = [list(map(dict, sent)) for _ in result.tables]
    entries: list[tuple[int, Row]] = []
    for place, column in enumerate(schema.columns):
        gaps = np.flatnonzero(np.isnan(values[:, place]))
        if not len(gaps):
            continue
        rows = gaps.tolist()
        drawn = [json_values(column.decode(table[gaps, place])) for table in result.tables]
        for table, filled in zip(tables, drawn, strict=True):
            for row, cell in zip(rows, filled, strict=True):
                table[row][column.name] = cell
        uncertainty = _uncertainty(column, gaps, place, result)
        for row, cells, spread in zip(rows, zip(*drawn, strict=True), uncertainty, strict=True):
            entry = {"row": row, "column": column.name}
            entry |= {"value": cells[0]} if len(tables) == 1 else {"values": cells}
            entries.append((row, entry | spread))
    entries.sort(key=lambda entry: entry[0])  # stable: columns stay in their order
    return tables, [entry for _, entry in entries]


def _uncertainty(column: Column, gaps: np.ndarray, place: int, result: ImputeResult) -> list[Row]:
    """For each gap of a column the probability of its value, or the interval it lies in.

    With several draws there is no one value to have a probability.
    """
    if column.discrete:
        if len(result.tables) > 1:
            return [{} for _ in gaps]
        return [{"probability": share} for share in result.probability[gaps, place].tolist()]
    lower = json_values(column.decode(result.lower[gaps, place]))
    upper = json_values(column.decode(result.upper[gaps, place]))
    return [{"interval": ends} for ends in zip(lower, upper, strict=True)]
