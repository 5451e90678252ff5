"""Codes that happen to be numbers are told from amounts by held-out rows."""

import numpy as np
import pyarrow as pa
import pytest

from madeira.models.schema import Schema
from madeira.models.schema.code_numbers import codes_gain
from madeira.models.schema.overrides import verdicts

ROWS = 500
GENERATOR = np.random.default_rng(0)
NUMBERS = GENERATOR.integers(1, 21, ROWS)
EFFECTS = 2 * GENERATOR.normal(size=21)


def table(effect: np.ndarray) -> pa.Table:
    noise = GENERATOR.normal(size=(2, ROWS))
    return pa.table(
        {
            "number": NUMBERS,
            "size": effect[NUMBERS] + noise[0],
            "bought": effect[NUMBERS] + noise[1] > 0,
        }
    )


def test_numbers_whose_neighbours_are_not_alike_are_codes() -> None:
    gain, error = codes_gain("number", table(EFFECTS))
    assert gain > error > 0
    (verdict, *_) = verdicts(table(EFFECTS)).values()
    assert verdict.kind == "categorical"
    assert "20 numbers that are codes: held-out rows are likelier by" in verdict.reason
    assert Schema.infer(table(EFFECTS)).columns[0].kind == "categorical"


@pytest.mark.parametrize("effect", [np.linspace(-2, 2, 21), np.sqrt(np.arange(21.0)) - 2])
def test_numbers_whose_neighbours_are_alike_are_amounts(effect: np.ndarray) -> None:
    assert codes_gain("number", table(effect))[0] < 0
    assert Schema.infer(table(effect)).columns[0].kind == "integer"


def test_other_columns_may_hold_anything() -> None:
    odd = table(EFFECTS).append_column("nothing", pa.nulls(ROWS))
    odd = odd.append_column("null", pa.nulls(ROWS, pa.float64()))
    odd = odd.append_column("list", pa.array([[1]] * ROWS))
    odd = odd.append_column("many", pa.array([str(row) for row in range(ROWS)]))
    assert codes_gain("number", odd) == codes_gain("number", odd.select([0, 1, 2]))
    assert codes_gain("number", odd.select(["number"])) == (0, 0)
