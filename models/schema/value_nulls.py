"""Nulls that are a value: no joint income of a single applicant, no deck of a house without one.

Where another column decides which cells are null, nothing was lost: there is no value. A null is
then one more outcome of its column. A column that is null together with others decides nothing: a
page of a form that was skipped looks the same.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from madeira.models.arrays import Bool, Int64
from madeira.models.columns.base import Column
from madeira.models.columns.binary import Binary
from madeira.models.columns.categorical import Categorical
from madeira.models.columns.numeric import Numeric
from madeira.models.echo import quoted

__all__ = ["decided_nulls", "with_null_value"]

MIN_SHARE = 0.995
"""Share of the rows in which the deciding column must be right."""

MIN_ROWS = 10
"""Rows with a null, and rows without, that must speak for it."""

MAX_STATES = 50
"""Values of a deciding column; of one with more, its most frequent value against all others."""

MIN_ROWS_A_STATE = 5
MAX_PAIRS = 100_000
MAX_ROWS = 100_000


@dataclass(frozen=True)
class _Deciding:
    """A column that may decide: the state of each row, -1 where null, and what each state is."""

    name: str
    states: Int64
    values: tuple[object, ...]


def decided_nulls(table: pa.Table, names: Collection[str]) -> dict[str, str]:
    """Find the columns whose nulls another column decides.

    Args:
        table: Training rows.
        names: Columns that are modelled.

    Returns:
        A sentence that says what decides, by name of the column.
    """
    table = table.slice(0, MAX_ROWS)
    patterns: dict[bytes, list[str]] = {}
    nulls: dict[bytes, Bool] = {}
    for name in names:
        null = np.asarray(pc.is_null(table[name]))
        if MIN_ROWS <= np.count_nonzero(null) <= len(null) - MIN_ROWS:
            key = np.packbits(null).tobytes()
            patterns.setdefault(key, []).append(name)
            nulls[key] = null
    if not patterns:
        return {}
    found: dict[str, str] = {}
    for one in _deciding(table, list(names)[: MAX_PAIRS // len(patterns)]):
        for key, columns in patterns.items():
            states = _null_states(one, nulls[key])
            if states is not None:
                said = _sentence(one, states)
                found |= {name: said for name in columns if name not in found and name != one.name}
    return found


def with_null_value(column: Column, array: pa.ChunkedArray) -> Column | None:
    """Return the column with null as one of its values; None where the kind has no such value.

    Args:
        column: As it was learned from `array`.
        array: Training values, (rows,).
    """
    if isinstance(column, Binary):
        column = Categorical.fit(column.name, array)
    if isinstance(column, Numeric):
        return replace(column, null_outcome=True, one_hot=True)
    return replace(column, null_outcome=True) if type(column) is Categorical else None


def _deciding(table: pa.Table, names: Collection[str]) -> Iterator[_Deciding]:
    """Yield the columns that have few values, or one value that stands out."""
    for name in names:
        column = table[name].combine_chunks()
        encoded = column if pa.types.is_dictionary(column.type) else _encoded(column)
        if encoded is None:
            continue
        places = encoded.indices.cast(pa.int64())  # which may be unsigned
        states = pc.fill_null(places, -1).to_numpy(zero_copy_only=False)
        values = encoded.dictionary.to_pylist()
        counts = np.bincount(states[states >= 0], minlength=len(values))
        if len(values) > MAX_STATES:
            top = int(counts.argmax())
            states = np.where(states < 0, -1, (states != top).astype(np.int64))
            values = [values[top], None]
        elif np.count_nonzero(states >= 0) < MIN_ROWS_A_STATE * len(values):
            continue
        if len(values) > 1:
            yield _Deciding(name, states, tuple(values))


def _encoded(column: pa.Array) -> pa.DictionaryArray | None:
    """Return the distinct values of a column and their places; None of a type that has none."""
    try:
        return column.dictionary_encode()
    except pa.ArrowNotImplementedError:
        return None


def _null_states(one: _Deciding, null: Bool) -> Bool | None:
    """Which states say that a cell is null; None where they do not decide it."""
    known = one.states >= 0
    rows = np.bincount(one.states[known], minlength=len(one.values))
    nulls = np.bincount(one.states[known & null], minlength=len(one.values))
    right = np.maximum(nulls, rows - nulls).sum()
    if known.sum() < MIN_SHARE * len(null) or right < MIN_SHARE * known.sum():
        return None
    says = 2 * nulls > rows
    enough = min(nulls[says].sum(), (rows - nulls)[~says].sum()) >= MIN_ROWS
    return np.asarray(says) if enough else None


def _sentence(one: _Deciding, says: Bool) -> str:
    """Say where the cells are null."""
    fewer = says if says.sum() <= (~says).sum() else ~says
    negated = fewer is not says
    shown = [value for value, wanted in zip(one.values, fewer, strict=True) if wanted][:3]
    if None in shown:  # all but the most frequent value
        shown, negated = [value for value in one.values if value is not None], not negated
    more = ", ..." if fewer.sum() > len(shown) else ""
    listed = ", ".join(quoted(value) for value in shown) + more
    return f"null is a value: where {one.name} is {'not ' if negated else ''}{listed}"
