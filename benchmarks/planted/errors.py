"""One error a row, planted into held-out rows as they would come from a file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.conditionals.rules import Rule, find_rules
from benchmarks.held_out import Trial
from madeira.models.arrays import Bool, Int64
from madeira.models.columns.base import Column
from madeira.models.columns.categorical import Categorical
from madeira.models.columns.numeric import Numeric

__all__ = ["BLATANT", "KINDS", "Kind", "Planted", "plant"]

Kind = Literal[
    "unknown category", "typo", "sign", "outside the range",
    "times 10", "times 100", "swapped", "broken rule",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
BLATANT: tuple[Kind, ...] = ("unknown category", "typo", "sign", "outside the range")
"""What no training row has: every one of them leaves the values that were seen."""

NEW_WORD, NEW_STEP = "Zz", 7
OUTSIDE = 0.1, 0.5  # of the range of the training rows, beyond its ends

Generator = np.random.Generator
Objects = npt.NDArray[np.object_]
Values = Sequence[object]
Spoil = Callable[[Column, object, Values, Generator], object]
"""Gives a wrong value in the place of one; None where this column cannot have this error."""


@dataclass(frozen=True)
class Planted:
    """Rows with an error each.

    Attributes:
        kind: What the errors are.
        rows: Which held-out rows they were, shape `(planted,)`.
        table: The rows with their errors.
        wrong: Cells that are wrong; of a broken rule both, since either may be the wrong one;
            shape `(planted, variables)`.
    """

    kind: Kind
    rows: Int64
    table: pa.Table
    wrong: Bool


def plant(trial: Trial, kind: Kind, rows: Int64, generator: Generator) -> Planted:
    """Plant an error into a random column of each of some held-out rows.

    Args:
        trial: The rows, and the schema that says what is normal.
        kind: What the error is to be.
        rows: Which rows, shape `(chosen,)`; those that no column of can have it are left out.
        generator: Source of columns and values.
    """
    columns, table = trial.estimator.schema.columns, trial.held_table
    if kind == "broken rule":
        candidates, partners = _broken(trial, rows, generator)
    else:
        candidates = np.full((len(rows), len(columns)), None, dtype=object)
        partners = np.full(candidates.shape, -1)
        for variable, column in enumerate(columns):
            values = table[column.name].to_pylist()
            for place, row in enumerate(rows):
                if values[row] is not None:
                    wrong = _SPOILS[kind](column, values[row], values, generator)
                    candidates[place, variable] = wrong
    possible: Bool = candidates != np.array(None)
    chance = np.where(possible, generator.uniform(size=possible.shape), -1.0)
    some = np.flatnonzero(possible.any(axis=1))
    chosen = chance.argmax(axis=1)[some]
    wrong = np.zeros((len(some), len(columns)), dtype=bool)
    each = np.arange(len(some))
    wrong[each, chosen] = True
    partner = partners[some, chosen]
    wrong[each[partner >= 0], partner[partner >= 0]] = True
    spoiled = _spoiled(table.take(rows[some]), columns, chosen, candidates[some, chosen])
    return Planted(kind, rows[some], spoiled, wrong)


def _spoiled(
    table: pa.Table, columns: Sequence[Column], chosen: Int64, values: Objects
) -> pa.Table:
    """Put a value into the chosen column of each row."""
    for variable in np.unique(chosen):
        name = columns[variable].name
        cells = table[name].to_pylist()
        for row in np.flatnonzero(chosen == variable):
            cells[row] = values[row]
        kind = table.schema.field(name).type
        if pa.types.is_integer(kind):
            kind = pa.int64()
        elif pa.types.is_dictionary(kind):
            kind = kind.value_type
        table = table.set_column(table.column_names.index(name), name, pa.array(cells, kind))
    return table


def _broken(trial: Trial, rows: Int64, generator: Generator) -> tuple[Objects, Int64]:
    """Values of fixed columns that do not follow, and the columns that fix them."""
    columns = trial.estimator.schema.columns
    candidates = np.full((len(rows), len(columns)), None, dtype=object)
    partners = np.full(candidates.shape, -1)
    rules: list[Rule] = find_rules(trial.train)
    for index in generator.permutation(len(rules)):
        rule = rules[index]
        possible = np.unique(rule.follows)
        for place, row in enumerate(trial.held[rows]):
            true = rule.follows[rule.known == row[rule.fixing]]
            if len(true) and row[rule.fixed] == true[0]:
                code = generator.choice(possible[possible != true[0]])
                value = columns[rule.fixed].decode(np.array([code]))[0].as_py()
                candidates[place, rule.fixed] = value
                partners[place, rule.fixed] = rule.fixing
    return candidates, partners


def _unknown(column: Column, value: object, others: Values, generator: Generator) -> object:
    if not isinstance(column, Categorical):
        return None
    known = column.vocabulary.values
    if isinstance(value, str):
        return None if NEW_WORD in known else NEW_WORD
    numbers = [each for each in known if isinstance(each, int | float)]
    return max(numbers) + NEW_STEP if numbers and _is_number(value) else None


def _typo(column: Column, value: object, others: Values, generator: Generator) -> object:
    if not isinstance(column, Categorical) or not isinstance(value, str):
        return None
    place = int(generator.integers(max(1, len(value) - 1)))
    turned = value[:place] + value[place : place + 2][::-1] + value[place + 2 :]
    return None if turned in column.vocabulary.values else turned


def _sign(column: Column, value: object, others: Values, generator: Generator) -> object:
    if not isinstance(column, Numeric) or column.minimum < 0 or not _is_number(value):
        return None
    return -value if value > 0 else None


def _outside(column: Column, value: object, others: Values, generator: Generator) -> object:
    if not isinstance(column, Numeric) or not _is_number(value):
        return None
    beyond = generator.uniform(*OUTSIDE) * (column.maximum - column.minimum)
    upper = bool(generator.integers(2))
    outside = column.maximum + beyond if upper else column.minimum - beyond
    if isinstance(value, int):
        return int(np.ceil(outside) if upper else np.floor(outside))
    return outside


def _times(factor: int) -> Spoil:
    def spoil(column: Column, value: object, others: Values, generator: Generator) -> object:
        if not isinstance(column, Numeric) or not _is_number(value) or value == 0:
            return None
        return factor * value

    return spoil


def _swapped(column: Column, value: object, others: Values, generator: Generator) -> object:
    other = others[int(generator.integers(len(others)))]
    return None if other == value else other


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


_SPOILS: dict[Kind, Spoil] = {
    "unknown category": _unknown,
    "typo": _typo,
    "sign": _sign,
    "outside the range": _outside,
    "times 10": _times(10),
    "times 100": _times(100),
    "swapped": _swapped,
}
