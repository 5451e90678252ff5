"""From a filled array back to an Arrow table: gaps filled, and how sure each filled cell is."""

from collections.abc import Container, Iterator

import numpy as np
import pyarrow as pa

from madeira.app.codecs.arrow_types import as_type, drawn_as
from madeira.app.jobs import Array, ImputeResult
from madeira.models.columns.base import Column
from madeira.models.columns.schema import Schema

__all__ = ["filled_tables", "free_name"]


def filled_tables(
    sent: pa.Table, values: Array, result: ImputeResult, schema: Schema
) -> Iterator[pa.Table]:
    """One table a draw, all of one schema.

    The columns that were sent come first, then those of the model that were not. Behind them
    stand `draw`, counted from 0, where there are several draws, and `imputed`: a struct of one
    field for each column of the model, null where the cell was observed. A name that the table
    has itself gets an underscore in front.

    Args:
        sent: The table as it came.
        values: The same, encoded: `(rows, D)`, NaN where missing.
        result: What was drawn.
        schema: The columns of the model.
    """
    places = {name: place for place, name in enumerate(schema.names)}
    names = [*sent.column_names, *(name for name in places if name not in sent.column_names)]
    known = {
        name: sent.column(name).combine_chunks() if name in sent.column_names else None
        for name in names
    }
    for name, place in places.items():
        if known[name] is not None:
            known[name] = as_type(name, known[name], schema.columns[place].arrow_type)
    spread = pa.StructArray.from_arrays(
        [
            _uncertainty(column, ~np.isnan(values[:, place]), place, result)
            for place, column in enumerate(schema.columns)
        ],
        schema.names,
    )
    for number, drawn in enumerate(result.tables):
        columns = dict(known)
        for name, place in places.items():
            gaps = np.flatnonzero(np.isnan(values[:, place]))
            columns[name] = _filled(schema.columns[place], known[name], drawn[:, place], gaps)
        if len(result.tables) > 1:
            numbers = pa.repeat(pa.scalar(number, pa.int32()), len(values))
            columns[free_name("draw", columns)] = numbers
        columns[free_name("imputed", columns)] = spread
        yield pa.table(columns)


def free_name(name: str, taken: Container[str]) -> str:
    """A name that no column has: with as many underscores in front as it takes."""
    while name in taken:
        name = f"_{name}"
    return name


def _filled(column: Column, known: pa.Array | None, drawn: Array, gaps: np.ndarray) -> pa.Array:
    """A column with its gaps, rows of it, filled from (rows,) drawn codes."""
    if known is None or len(gaps) == len(known):
        return column.decode(drawn)
    if not len(gaps):
        return known
    filling = drawn_as(column.name, column.decode(drawn[gaps]), known.type)
    rows = np.arange(len(known))
    rows[gaps] = len(known) + np.arange(len(gaps))
    return pa.concat_arrays([known, filling]).take(pa.array(rows))


def _uncertainty(
    column: Column, observed: np.ndarray, place: int, result: ImputeResult
) -> pa.StructArray:
    """For each gap of a column the probability of its value, or the interval it lies in.

    With several draws there is no one value to have a probability: it is null then.
    """
    mask = pa.array(observed)
    if column.discrete:
        share = result.probability[:, place]
        if len(result.tables) > 1:
            share = np.full(len(share), np.nan)
        parts, names = [pa.array(share, from_pandas=True)], ["probability"]
    else:
        ends = (result.lower, result.upper)
        parts, names = [column.decode(end[:, place]) for end in ends], ["low", "high"]
    return pa.StructArray.from_arrays(parts, names, mask=mask)
