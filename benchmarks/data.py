"""Where the benchmark data is."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["data_folder", "mixed_tables", "read_mixed"]


def data_folder(kind: str) -> Path:
    """Return the folder of one kind of data under `MADEIRA_DATA`, by default `../shared/data`.

    Args:
        kind: `tabular`, `anomaly` or `binary`.

    Raises:
        SystemExit: It is not there; says what to set.
    """
    folder = Path(os.environ.get("MADEIRA_DATA", "../shared/data")) / kind
    if not folder.is_dir():
        raise SystemExit(
            f"no benchmark data at {folder}: set MADEIRA_DATA to the folder that holds {kind}/"
        )
    return folder


def mixed_tables() -> list[str]:
    """Names of the mixed tables, the smallest file first."""
    files = sorted(data_folder("tabular").glob("*.parquet"), key=lambda path: path.stat().st_size)
    return [path.stem for path in files]


def read_mixed(name: str, most_rows: int | None = None, seed: int = 0) -> pa.Table:
    """Rows of a mixed table in random order, without the column that says how to split it.

    Args:
        name: One of `mixed_tables`.
        most_rows: Rows at most.
        seed: Seed of the order.
    """
    table = pq.read_table(data_folder("tabular") / f"{name}.parquet")
    if "split" in table.column_names:
        table = table.drop_columns(["split"])
    order = np.random.default_rng(seed).permutation(table.num_rows)
    return table.take(order[:most_rows])
