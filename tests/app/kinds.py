"""A table with a column of every kind, and of every type that its values can have."""

import numpy as np
import pyarrow as pa

from madeira.models.schema.schema import Schema

__all__ = ["every_kind", "training_table"]

ROWS = 60


def training_table() -> pa.Table:
    """Return a column of every kind, and of every type that its values can have."""
    rng = np.random.default_rng(3)
    whole = rng.integers(0, 40, ROWS)
    days = pa.array(rng.integers(0, 9000, ROWS).astype(np.int32)).cast(pa.date32())
    words = rng.choice(["red", "green", "blue"], ROWS)
    return pa.table(
        {
            "text": pa.array(words),
            "large": pa.array(words, pa.large_string()),
            "view": pa.array(words).cast(pa.string_view()),
            "coded": pa.array(words).dictionary_encode(),
            "flag": pa.array(rng.random(ROWS) < 0.5),
            "zero_one": pa.array(rng.integers(0, 2, ROWS)),
            "few": pa.array(rng.integers(0, 4, ROWS)),
            "many": pa.array([f"word {number % 45}" for number in range(ROWS)]),
            "whole": pa.array(whole, pa.int64()),
            "small": pa.array(whole, pa.int8()),
            "unsigned": pa.array(whole, pa.uint64()),
            "float": pa.array(rng.normal(size=ROWS)),
            "single": pa.array(rng.normal(size=ROWS), pa.float32()),
            "half": pa.array(rng.normal(size=ROWS).astype(np.float16)),
            "decimal": pa.array(whole / 4).cast(pa.decimal128(9, 2)),
            "day": days,
            "clock": days.cast(pa.timestamp("s")),
            "zoned": days.cast(pa.timestamp("us")).cast(pa.timestamp("ns", "Europe/Lisbon")),
            "day_text": pa.array([f"{day:%d/%m/%Y}" for day in days.to_pylist()]),
            "price": pa.array([f"${value}.5" for value in whole.tolist()]),
        }
    )


def every_kind() -> Schema:
    """Return a schema of these columns."""
    return Schema.infer(
        training_table(),
        {
            "many": "factorised",
            "few": "categorical",
            "whole": "integer",
            "small": "integer",
            "unsigned": "integer",
            "single": "continuous",
            "half": "continuous",
            "price": "continuous",
        },
    )
