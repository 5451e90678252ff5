"""Two tables that differ, of every sort of column, without randomness."""

import numpy as np
import pyarrow as pa
import pytest

__all__ = ["real", "synthetic"]


def _table(rows: int, twist: int) -> pa.Table:
    place = np.arange(rows)
    size = np.sqrt(place * (3 + twist)) + place % 5
    weight = size * 2 + (place * 7) % 11
    kind = np.array(["a", "b", "c", "d"])[(place * (1 + twist) // 3) % 4]
    return pa.table(
        {
            "size": size,
            "weight": weight,
            "kind": kind,
            "flag": (size > 12) ^ (place % 7 == twist),
            "day": pa.array((place * 86_400 * (2 + twist)).astype("datetime64[s]")),
        }
    )


@pytest.fixture
def real() -> pa.Table:
    return _table(90, 0)


@pytest.fixture
def synthetic() -> pa.Table:
    return _table(70, 1)
