"""From a filled array back to the rows that were sent, with their gaps filled."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from madeira.app.codecs.json import json_values
from madeira.app.jobs import Array, ImputeResult
from madeira.models.columns.base import Column
from madeira.models.columns.schema import Schema

__all__ = ["filled_cells", "filled_rows"]

Row = dict[str, Any]


def filled_rows(sent: Sequence[Row], values: Array, drawn: Array, schema: Schema) -> list[Row]:
    """Puts what was drawn where something was missing, and nowhere else.

    Args:
        sent: The rows as they came, cells that the model does not know included.
        values: The same, encoded: `(rows, D)`, NaN where missing.
        drawn: `(rows, D)`, nothing missing.
        schema: The columns of the model.
    """
    rows = list(map(dict, sent))
    for place, column in enumerate(schema.columns):
        gaps = np.flatnonzero(np.isnan(values[:, place]))
        if len(gaps):
            cells = json_values(column.decode(drawn[gaps, place]))
            for row, cell in zip(gaps.tolist(), cells, strict=True):
                rows[row][column.name] = cell
    return rows


def filled_cells(values: Array, result: ImputeResult, schema: Schema, first_row: int) -> list[Row]:
    """An entry for each filled cell, by row and then by column.

    Args:
        values: `(rows, D)`, NaN where a cell was missing.
        result: What was drawn.
        schema: The columns of the model.
        first_row: Number of the first of the rows in the whole table.
    """
    entries: list[tuple[int, Row]] = []
    for place, column in enumerate(schema.columns):
        gaps = np.flatnonzero(np.isnan(values[:, place]))
        if not len(gaps):
            continue
        drawn = [json_values(column.decode(table[gaps, place])) for table in result.tables]
        uncertainty = _uncertainty(column, gaps, place, result)
        cells = zip(gaps.tolist(), zip(*drawn, strict=True), uncertainty, strict=True)
        for row, found, spread in cells:
            entry = {"row": first_row + row, "column": column.name}
            entry |= {"value": found[0]} if len(found) == 1 else {"values": found}
            entries.append((row, entry | spread))
    entries.sort(key=lambda entry: entry[0])  # stable: columns stay in their order
    return [entry for _, entry in entries]


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
