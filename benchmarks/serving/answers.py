"""Answers of every server, compared with what the model itself says."""

import json
import math
from typing import Any

import pyarrow as pa

__all__ = ["is_right"]

TOLERANCE = 1e-3
RANK_TOLERANCE = 5e-3
"""Of a thousand reference rows, so many may change sides when sums are formed in other order."""


def is_right(body: bytes, expected: dict[str, list[float]]) -> bool:
    """Whether an answer says what the model says, `log_likelihood` and `anomaly_score` by row.

    Args:
        body: JSON, JSON of the Open Inference Protocol, or an Arrow stream.
        expected: Both of them, by name.
    """
    found = _columns(body)
    return all(
        len(found[name]) == len(values)
        and all(
            math.isclose(one, other, rel_tol=relative, abs_tol=tolerance)
            for one, other in zip(found[name], values, strict=True)
        )
        for name, relative, tolerance, values in (
            ("log_likelihood", TOLERANCE, TOLERANCE, expected["log_likelihood"]),
            ("anomaly_score", 0.0, RANK_TOLERANCE, expected["anomaly_score"]),
        )
    )


def _columns(body: bytes) -> dict[str, list[float]]:
    if not body.startswith(b"{"):
        table = pa.ipc.open_stream(body).read_all()
        return {name: table[name].to_pylist() for name in ("log_likelihood", "anomaly_score")}
    document: dict[str, Any] = json.loads(body)
    if "outputs" in document:
        return {output["name"]: output["data"] for output in document["outputs"]}
    return document
