"""What every server is asked, and what the model itself says to it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from madeira.models import DensityEstimator
from madeira.models.inference.density import rarity

__all__ = ["ARROW", "JSON", "Questions", "arrow_bytes"]

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"
ONE_ROW_BODIES = 256
BULK_BODIES = 8
BULK_ROWS = 1000
HUNDRED = 100


class Questions:
    """Rows drawn from a model, as bodies in a folder, with its own answers beside them.

    Args:
        checkpoint: The model.
        folder: Where to write: `one-row`, `one-row-v2` of the Open Inference Protocol,
            `hundred-rows` and, as Arrow streams, `bulk`.

    Attributes:
        estimator: The model, in this process.
        bulk: The tables of 1000 rows.
    """

    def __init__(self, checkpoint: Path, folder: Path) -> None:
        self.estimator = DensityEstimator.load(checkpoint)
        self.folder = folder
        table = self.estimator.sample(ONE_ROW_BODIES, seed=1)
        name = checkpoint.parent.name
        rows = [_plain(row) for row in table.to_pylist()]
        bodies = [_encode({"model": name, "rows": [row]}) for row in rows]
        answers = self.answers(table)
        singly = [
            {name: [value[place]] for name, value in answers.items()} for place in range(len(rows))
        ]
        self._write("one-row", bodies, singly)
        self._write("one-row-v2", [_encode(_open_inference(row)) for row in rows], singly)
        many = self.estimator.sample(BULK_BODIES * BULK_ROWS, seed=2)
        self.bulk = [many.slice(place * BULK_ROWS, BULK_ROWS) for place in range(BULK_BODIES)]
        hundreds = [many.slice(HUNDRED * place, HUNDRED) for place in range(BULK_BODIES)]
        bodies = [_encode({"model": name, "rows": [*map(_plain, t.to_pylist())]}) for t in hundreds]
        self._write("hundred-rows", bodies, list(map(self.answers, hundreds)))
        self._write("bulk", list(map(arrow_bytes, self.bulk)), list(map(self.answers, self.bulk)))

    def answers(self, table: pa.Table) -> dict[str, list[float]]:
        """Return what the model says, called in this process."""
        log_likelihood, anomaly_score = self.score(table)
        return {"log_likelihood": log_likelihood.tolist(), "anomaly_score": anomaly_score.tolist()}

    def score(self, table: pa.Table) -> tuple[Any, Any]:
        """Return what `/score` computes of a table: two arrays `(rows,)`."""
        values = self.estimator.schema.encode(table)
        log_likelihood, log_tail = self.estimator.density.log_tails(values)
        return log_likelihood, rarity(log_tail)

    def many(self, rows: int) -> pa.Table:
        """Return a large table, the rows of the bulk bodies again and again."""
        table = pa.concat_tables(self.bulk)
        chosen = np.arange(rows) % len(table)
        return table.take(pa.array(chosen)).combine_chunks()

    def _write(
        self, name: str, bodies: Sequence[bytes], answers: Sequence[dict[str, list[float]]]
    ) -> None:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for place, body in enumerate(bodies):
            (folder / str(place)).write_bytes(body)
        (folder / "answers.json").write_text(json.dumps(answers))


def arrow_bytes(table: pa.Table) -> bytes:
    """Return a table as an Arrow stream of one batch."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _open_inference(row: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(row)
    return {"inputs": [{"name": "row", "shape": [1], "datatype": "BYTES", "data": [text]}]}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of what JSON holds: text, numbers and truth."""
    return {
        name: value if isinstance(value, str | int | float | None) else str(value)
        for name, value in row.items()
    }


def _encode(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()
