"""The dialect of JSON that MLflow, SageMaker, Vertex AI and KServe (version 1) share.

`{"instances" | "dataframe_split" | "dataframe_records" | "inputs", "params" | "parameters"}` is
answered by `{"predictions": [...]}`, one object a row.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from madeira.app.codecs.format import Body
from madeira.app.codecs.json.format import JsonBody
from madeira.app.codecs.json.text import MEDIA_TYPE, decode
from madeira.app.codecs.ndjson.writer import LinesWriter
from madeira.app.codecs.table_format import TableAnswers
from madeira.app.errors import InvalidInputError

__all__ = ["JOB", "PREDICTIONS", "PredictionsFormat"]

JOB = "job"
"""Which of the three questions is meant: `score`, `sample` or `impute`."""


class PredictionsFormat(TableAnswers):
    """One JSON object, with options in `params`, answered by a list of `predictions`."""

    media_type = MEDIA_TYPE
    short = "json"
    name = "JSON"
    description = "A JSON object."
    memory_factor = 4
    is_text = True

    def parse(self, content: bytes, row_limit: int, limit_bytes: int) -> Body:
        """See `Format`."""
        document = decode(content, row_limit)
        options = dict(_params_of(document))
        options.pop(JOB, None)
        table = {key: value for key, value in document.items() if key not in _PARAMS}
        return JsonBody({**table, **options}, row_limit)

    def job(self, content: bytes) -> str | None:
        """Return the job that a body names; None where it names none."""
        if f'"{JOB}"'.encode() not in content:
            return None
        params = _params_of(decode(content, len(content)))
        job = params.get(JOB)
        return None if job is None else str(job)

    def end_line(self, tag: str) -> bytes:
        """See `Format`; a list that breaks off is no JSON."""
        return b""

    def writer(
        self, schema: pa.Schema, metadata: Mapping[str, str], rows: int
    ) -> "_PredictionsWriter":
        """See `TableAnswers`."""
        return _PredictionsWriter()


_PARAMS = ("params", "parameters")

PREDICTIONS = PredictionsFormat()


def _params_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options of a body; raises InvalidInputError for what is no object."""
    given = [document[key] for key in _PARAMS if document.get(key) is not None]
    if len(given) > 1:
        raise InvalidInputError("Send `params` or `parameters`, not both.")
    params = given[0] if given else {}
    if not isinstance(params, dict):
        raise InvalidInputError("`params` must be an object of options.")
    return params


class _PredictionsWriter:
    """Writes a table as a list of objects."""

    def __init__(self) -> None:
        self._lines = LinesWriter()
        self._before = b'{"predictions":['

    def write(self, table: pa.Table) -> bytes:
        """Write the next rows."""
        rows = self._lines.write(table)[:-1].replace(b"\n", b",")  # no line break is within JSON
        before = self._before if rows or self._before != b"," else b""
        if rows:
            self._before = b","
        elif before:
            self._before = b""
        return before + rows

    def close(self) -> bytes:
        """End the list."""
        return b"]}"
