"""Answers as JSON documents, written piece by piece."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from madeira.app.codecs.answers import Answer, FilledTable, Samples, Scores
from madeira.app.codecs.json.text import encode, encode_rows
from madeira.app.codecs.json_values import json_values
from madeira.app.codecs.unseen import as_documents
from madeira.app.jobs import SampleResult
from madeira.models.arrays import Float64, Int64

__all__ = ["JsonRowWriter", "write_filled", "write_scores"]

Row = dict[str, Any]


def _head(answer: Answer) -> dict[str, Any]:
    """Return the head of an answer: its model, and its warnings and seed if it has them."""
    key = answer.model
    head: dict[str, Any] = {"model": {"name": key.name, "version": key.version}}
    if answer.warnings:
        head["warnings"] = as_documents(answer.warnings)
    if answer.seed is not None:
        head["seed"] = answer.seed
    return head


def write_scores(answer: Scores) -> Iterator[bytes]:
    """Yield the scores; contributions, anomalies of cells and reasons where they are wanted."""
    arrays: dict[str, npt.NDArray[Any]] = {
        "log_likelihood": answer.log_likelihood,
        "anomaly_score": answer.anomaly_score,
        "is_anomaly": answer.is_anomaly,
    }
    pieces = answer.pieces()
    if len(pieces) == 1:
        document = {**_head(answer), **arrays}
        for name, numbers in answer.by_cell.items():
            document[name] = orjson.Fragment(b"[" + _by_column(answer, numbers) + b"]")
        if answer.reasons is not None:
            document["reasons"] = answer.reasons
        yield encode(document)
        return
    yield encode(_head(answer))[:-1]
    for name, array in arrays.items():
        yield b"," + encode(name) + b":["
        for rows in pieces:
            yield (b"," if rows.start else b"") + encode(array[rows])[1:-1]
        yield b"]"
    for name, numbers in answer.by_cell.items():
        yield b"," + encode(name) + b":["
        for rows in pieces:
            yield (b"," if rows.start else b"") + _by_column(answer, numbers[rows])
        yield b"]"
    if answer.reasons is not None:
        yield b',"reasons":['
        for rows in pieces:
            yield (b"," if rows.start else b"") + encode(answer.reasons[rows])[1:-1]
        yield b"]"
    yield b"}"


def _by_column(answer: Scores, numbers: Float64) -> bytes:
    columns = [pa.array(column) for column in numbers.T]
    return encode_rows(answer.schema.names, columns, len(numbers))


class JsonRowWriter:
    """`{"model", "seed", "rows"}`, with the likelihoods of all rows behind them; a `RowWriter`."""

    def __init__(self, answer: Samples) -> None:
        self._schema = answer.schema
        self._given = {k: encode(v) for k, v in answer.given.items() if v is not None}
        self._before = encode(_head(answer))[:-1] + b',"rows":['
        self._likelihoods: list[Float64] = []

    def write(self, result: SampleResult) -> bytes:
        """See `RowWriter`."""
        if result.log_likelihood is not None:
            self._likelihoods.append(result.log_likelihood)
        columns: list[Any] = [
            self._given[column.name]
            if column.name in self._given
            else column.decode(result.values[:, place])
            for place, column in enumerate(self._schema.columns)
        ]
        before, self._before = self._before, b","
        return before + encode_rows(self._schema.names, columns, len(result.values))

    def end(self) -> bytes:
        """See `RowWriter`."""
        if not self._likelihoods:
            return b"]}"
        return b'],"log_likelihood":' + encode(np.concatenate(self._likelihoods)) + b"}"


def write_filled(answer: FilledTable) -> Iterator[bytes]:
    """`{"model", "seed", "rows", "imputed"}`; with several draws `rows` is a list of tables."""
    several, pieces = answer.draws > 1, answer.pieces()
    yield encode(_head(answer))[:-1] + (b',"rows":[[' if several else b',"rows":[')
    for draw in range(answer.draws):
        if draw:
            yield b"],["
        for rows in pieces:
            yield (b"," if rows.start else b"") + encode(_rows(answer, rows, draw))[1:-1]
    yield b']],"imputed":[' if several else b'],"imputed":['
    separator = b""
    for rows in pieces:
        cells = _cells(answer, rows)
        if cells:
            yield separator + encode(cells)[1:-1]
            separator = b","
    yield b"]}"


def _rows(answer: FilledTable, rows: slice, draw: int) -> list[Row]:
    """Rows as they were sent, with drawn values where something was missing, and nowhere else."""
    found = list(map(dict, answer.table.objects(rows.start, rows.stop)))
    for place, name in enumerate(answer.schema.names):
        gaps = answer.gaps(place, rows)
        if len(gaps):
            cells = json_values(answer.drawn(place, gaps, draw))
            for row, cell in zip((gaps - rows.start).tolist(), cells, strict=True):
                found[row][name] = cell
    return found


def _cells(answer: FilledTable, rows: slice) -> list[Row]:
    """Return an entry for each filled cell, by row and then by column."""
    entries: list[tuple[int, Row]] = []
    for place, name in enumerate(answer.schema.names):
        gaps = answer.gaps(place, rows)
        if not len(gaps):
            continue
        drawn = [json_values(answer.drawn(place, gaps, draw)) for draw in range(answer.draws)]
        certainty = _certainty(answer, place, gaps)
        cells = zip(gaps.tolist(), zip(*drawn, strict=True), certainty, strict=True)
        for row, found, sure in cells:
            entry = {"row": row, "column": name}
            entry |= {"value": found[0]} if len(found) == 1 else {"values": found}
            entries.append((row, entry | sure))
    entries.sort(key=lambda entry: entry[0])  # stable: columns stay in their order
    return [entry for _, entry in entries]


def _certainty(answer: FilledTable, place: int, gaps: Int64) -> list[Row]:
    """For each filled cell `probability` or `interval`; several draws have no probability."""
    parts = {name: json_values(array) for name, array in answer.certainty(place, gaps).items()}
    if "probability" in parts:
        return [{} if one is None else {"probability": one} for one in parts["probability"]]
    return [{"interval": ends} for ends in zip(parts["low"], parts["high"], strict=True)]
