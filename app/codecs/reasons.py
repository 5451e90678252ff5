"""The reasons of anomalies, as answers have them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from madeira.app.codecs.json_values import json_values
from madeira.app.codecs.unseen import CellWarning
from madeira.models.arrays import Float64
from madeira.models.schema.schema import Schema

__all__ = ["Reason", "reasons_of"]

Reason = dict[str, Any]
"""`{"column", "value", "expected", "p"}`, JSON values."""


def reasons_of(
    schema: Schema, values: Float64, found: Float64, warnings: Sequence[CellWarning]
) -> list[list[Reason]]:
    """Return the reasons of each row, the most surprising first.

    Args:
        schema: The columns.
        values: Encoded rows, `(rows, D)`.
        found: What `find_reasons` gave for them.
        warnings: Of unseen categories, which have no code: their values as they were sent.
    """
    unseen = {(warning.row, warning.column): warning.value for warning in warnings}
    answer: list[list[Reason]] = [[] for _ in values]
    for row, place in np.argwhere(~np.isnan(found[:, :, 0])).tolist():
        variable, p, *codes = found[row, place].tolist()
        column = schema.columns[int(variable)]
        codes = [code for code in codes if not np.isnan(code)]
        value, *expected = json_values(
            column.decode(np.array([values[row, int(variable)], *codes]))
        )
        reason = {
            "column": column.name,
            "value": unseen.get((row, column.name), value),
            "expected": expected,
            "p": p,
        }
        answer[row].append(reason)
    return answer
