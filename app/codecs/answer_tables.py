"""Answers as Arrow tables, for the formats whose answers are tables."""

import json
from collections.abc import Container, Iterator

import numpy as np
import orjson
import pyarrow as pa

from madeira.app.codecs.answers import Answer, FilledTable, Samples, Scores
from madeira.app.codecs.arrow_types import as_type, drawn_as
from madeira.app.codecs.json.table import column_array
from madeira.app.codecs.json.text import AS_JSON
from madeira.app.codecs.reasons import Reason
from madeira.app.codecs.unseen import as_documents
from madeira.app.jobs import SampleResult
from madeira.models.values.arrow_types import family

__all__ = ["SampleTables", "filled_tables", "headers_of", "metadata_of", "score_tables"]

MAX_HEADER = 4000
"""Most characters of warnings in a header: clients and proxies have bounds of their own."""

_REASONS = pa.list_(
    pa.struct(
        [
            pa.field("column", pa.string()),
            pa.field("value", pa.string(), metadata=AS_JSON),
            pa.field("expected", pa.string(), metadata=AS_JSON),
            pa.field("p", pa.float64()),
        ]
    )
)


def metadata_of(answer: Answer) -> dict[str, str]:
    """Return what an answer says beside its columns, by name."""
    entries = {"madeira.model": answer.model.name, "madeira.version": answer.model.version}
    if answer.warnings:
        entries["madeira.warnings"] = orjson.dumps(as_documents(answer.warnings)).decode()
    if answer.seed is not None:
        entries["madeira.seed"] = str(answer.seed)
    return entries


def headers_of(answer: Answer) -> dict[str, str]:
    """Return the same as HTTP headers, in ASCII, with as many of the warnings as fit."""
    entries = {"X-Madeira-Model": answer.model.name, "X-Madeira-Version": answer.model.version}
    entries = {name: json.dumps(value)[1:-1] for name, value in entries.items()}
    if answer.warnings:
        documents = as_documents(answer.warnings)
        while len(text := json.dumps(documents)) > MAX_HEADER:
            documents.pop()
        entries["X-Madeira-Warnings"] = text
    if answer.seed is not None:
        entries["X-Madeira-Seed"] = str(answer.seed)
    return entries


def score_tables(answer: Scores) -> Iterator[pa.Table]:
    """Yield scores, one table a piece, all of one schema."""
    for rows in answer.pieces():
        columns = {
            "log_likelihood": answer.log_likelihood[rows],
            "anomaly_score": answer.anomaly_score[rows],
            "is_anomaly": answer.is_anomaly[rows],
        }
        for name, numbers in answer.by_cell.items():
            cells = [
                pa.array(column, from_pandas=True) for column in numbers[rows].T
            ]  # NaN is null
            columns[name] = pa.StructArray.from_arrays(cells, answer.schema.names)
        if answer.reasons is not None:
            as_text = [[_reason_as_text(one) for one in each] for each in answer.reasons[rows]]
            columns["reasons"] = pa.array(as_text, _REASONS)
        yield pa.table(columns)


def _reason_as_text(reason: Reason) -> Reason:
    """Return a reason whose values are JSON text: columns differ in their types."""
    value, expected = (orjson.dumps(reason[name]).decode() for name in ("value", "expected"))
    return reason | {"value": value, "expected": expected}


class SampleTables:
    """The rows of a sample, with a column of likelihoods behind those of the model."""

    def __init__(self, answer: Samples) -> None:
        self._columns = answer.schema.columns
        self._given = {
            column.name: as_type(
                column.name,
                column_array(column.name, [answer.given[column.name]], family(column.arrow_type)),
                column.arrow_type,
            )[0]
            for column in self._columns
            if answer.given.get(column.name) is not None
        }

    def table(self, result: SampleResult) -> pa.Table:
        """Return some of the rows, with the given values as they were sent."""
        columns = {
            column.name: pa.repeat(self._given[column.name], len(result.values))
            if column.name in self._given
            else column.decode(result.values[:, place])
            for place, column in enumerate(self._columns)
        }
        if result.log_likelihood is not None:
            columns[_free_name("log_likelihood", columns)] = pa.array(result.log_likelihood)
        return pa.table(columns)


def filled_tables(answer: FilledTable) -> Iterator[pa.Table]:
    """Yield a filled table, one table a draw, all of one schema.

    The columns that were sent come first, then those of the model that were not. Behind them
    stand `draw`, counted from 0, where there are several draws, and `imputed`: a struct of one
    field for each column of the model, null where the cell was observed. A name that the table
    has itself gets an underscore in front.
    """
    schema, sent = answer.schema, answer.table.arrow(answer.schema)
    places = {name: place for place, name in enumerate(schema.names)}
    names = [*sent.column_names, *(name for name in places if name not in sent.column_names)]
    known = {
        name: sent.column(name).combine_chunks() if name in sent.column_names else None
        for name in names
    }
    for name, place in places.items():
        if known[name] is not None:
            known[name] = as_type(name, known[name], schema.columns[place].arrow_type)
    whole = slice(0, len(answer.values))
    gaps = [answer.gaps(place, whole) for place in range(len(places))]
    certainty = pa.StructArray.from_arrays(
        [_certainty(answer, place, gaps[place]) for place in places.values()], schema.names
    )
    for draw in range(answer.draws):
        columns = dict(known)
        for name, place in places.items():
            columns[name] = _filled(answer, place, gaps[place], draw, known[name])
        if answer.draws > 1:
            numbers = pa.repeat(pa.scalar(draw, pa.int32()), whole.stop)
            columns[_free_name("draw", columns)] = numbers
        columns[_free_name("imputed", columns)] = certainty
        yield pa.table(columns)


def _free_name(name: str, taken: Container[str]) -> str:
    """Return a name that no column has: with as many underscores in front as it takes."""
    while name in taken:
        name = f"_{name}"
    return name


def _filled(
    answer: FilledTable, place: int, gaps: np.ndarray, draw: int, known: pa.Array | None
) -> pa.Array:
    """Return a column, (rows,), with its gaps filled; `known` has the values of the request."""
    if known is None or len(gaps) == len(known):
        return answer.drawn(place, gaps, draw)
    if not len(gaps):
        return known
    name = answer.schema.names[place]
    filling = drawn_as(name, answer.drawn(place, gaps, draw), known.type)
    rows = np.arange(len(known))
    rows[gaps] = len(known) + np.arange(len(gaps))
    return pa.concat_arrays([known, filling]).take(pa.array(rows))


def _certainty(answer: FilledTable, place: int, gaps: np.ndarray) -> pa.Array:
    """How sure the values of a column are, (rows,): structs, null where the cell was observed."""
    parts = answer.certainty(place, gaps)
    found = pa.StructArray.from_arrays(list(parts.values()), list(parts))
    places = np.zeros(len(answer.values), np.int64)
    places[gaps] = np.arange(len(gaps))
    observed = np.ones(len(places), bool)
    observed[gaps] = False
    return found.take(pa.array(places, mask=observed))
