"""Rows as they are drawn, piece by piece, in either format."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from madeira.app.api.intake import head_entries, head_metadata
from madeira.app.codecs import json
from madeira.app.codecs.arrow import StreamWriter
from madeira.app.codecs.arrow_filled import free_name
from madeira.app.codecs.arrow_types import as_type
from madeira.app.codecs.cells import column_array
from madeira.app.codecs.unseen import CellWarning
from madeira.app.jobs import Array, SampleResult
from madeira.app.registry import ServedModel
from madeira.app.schemas.sample import SampleOptions
from madeira.models.columns.arrow_types import family

__all__ = ["ArrowRows", "DrawnRows", "JsonRows"]


class DrawnRows(Protocol):
    """Writes the rows of one request; given values come back as they were sent."""

    def write(self, result: SampleResult) -> bytes:
        """The next rows."""

    def end(self) -> bytes:
        """What stands behind the last of them."""


class JsonRows:
    """`{"model", "seed", "rows"}`, with the likelihoods of all rows behind them.

    Args:
        model: What draws.
        options: The options of the request.
        seed: Where the noise comes from.
        warnings: Of unseen categories among what is given.
    """

    def __init__(
        self,
        model: ServedModel,
        options: SampleOptions,
        seed: int,
        warnings: Sequence[CellWarning],
    ) -> None:
        self._schema = model.schema
        self._given = {k: json.encode(v) for k, v in options.given.items() if v is not None}
        head = {**head_entries(model, warnings), "seed": seed}
        self._before = json.encode(head)[:-1] + b',"rows":['
        self._likelihoods: list[Array] = []

    def write(self, result: SampleResult) -> bytes:
        """See `DrawnRows`."""
        if result.log_likelihood is not None:
            self._likelihoods.append(result.log_likelihood)
        columns: list[Any] = [
            self._given[column.name]
            if column.name in self._given
            else column.decode(result.values[:, place])
            for place, column in enumerate(self._schema.columns)
        ]
        before, self._before = self._before, b","
        return before + json.encode_rows(self._schema.names, columns, len(result.values))

    def end(self) -> bytes:
        """See `DrawnRows`."""
        if not self._likelihoods:
            return b"]}"
        return b'],"log_likelihood":' + json.encode(np.concatenate(self._likelihoods)) + b"}"


class ArrowRows:
    """A stream of record batches, with a column of likelihoods behind those of the model.

    Arguments are those of `JsonRows`.
    """

    def __init__(
        self,
        model: ServedModel,
        options: SampleOptions,
        seed: int,
        warnings: Sequence[CellWarning],
    ) -> None:
        self._columns = model.schema.columns
        self._metadata = {**head_metadata(model, warnings), "madeira.seed": str(seed)}
        self._given = {
            column.name: as_type(
                column.name,
                column_array(column.name, [options.given[column.name]], family(column.arrow_type)),
                column.arrow_type,
            )[0]
            for column in self._columns
            if options.given.get(column.name) is not None
        }
        self._writer: StreamWriter | None = None

    def write(self, result: SampleResult) -> bytes:
        """See `DrawnRows`."""
        columns = {
            column.name: pa.repeat(self._given[column.name], len(result.values))
            if column.name in self._given
            else column.decode(result.values[:, place])
            for place, column in enumerate(self._columns)
        }
        if result.log_likelihood is not None:
            columns[free_name("log_likelihood", columns)] = pa.array(result.log_likelihood)
        table = pa.table(columns)
        self._writer = self._writer or StreamWriter(table.schema, self._metadata)
        return self._writer.write(table)

    def end(self) -> bytes:
        """See `DrawnRows`."""
        return b"" if self._writer is None else self._writer.close()
