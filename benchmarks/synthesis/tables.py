"""The tables that are synthesised: what their columns are, and which rows are for what.

Every tool gets the same columns: text for categories, codes among them, and numbers, with their
nulls. To the peers a missing category is told as a category of its own, as in the published
comparisons.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

__all__ = [
    "TABLES",
    "Size",
    "Split",
    "TableSpec",
    "blank_absent",
    "load_split",
    "with_absence",
    "with_constants",
    "with_missing_category",
    "without_missing_category",
]

Size = Literal["capped", "full"]

MISSING = "(missing)"
ABSENT = " is missing"
TRAIN_SHARE = 0.8


@dataclass(frozen=True)
class TableSpec:
    """A table and how it is to be read.

    Attributes:
        name: Name of its parquet file.
        target: Column that the usefulness of synthetic rows is measured by.
        codes: Columns of numbers that are categories.
        dropped: Columns that are left away.
        full: Whether Madeira is measured on all its rows too.
    """

    name: str
    target: str
    codes: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    full: bool = False


@dataclass(frozen=True)
class Split:
    """Rows of a table to train on, and rows kept away from training."""

    train: pa.Table
    test: pa.Table


# Codes as in the published comparisons of the same tables (TabSyn, ICLR 2024). Job titles are
# free text: 4,411 of them in 10,000 rows.
TABLES = {
    spec.name: spec
    for spec in (
        TableSpec("adult_census", "income", full=True),
        TableSpec("bank_marketing_additional", "y", full=True),
        TableSpec(
            "credit_card_default",
            "default.payment.next.month",
            ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6", "default.payment.next.month"),
            full=True,
        ),
        TableSpec(
            "online_shoppers",
            "Revenue",
            ("OperatingSystems", "Browser", "Region", "TrafficType"),
            full=True,
        ),
        TableSpec("california_housing", "median_house_value"),
        TableSpec("diamonds", "price"),
        TableSpec("loans_full_schema", "interest_rate", ("term",), ("emp_title",)),
    )
}


def load_split(spec: TableSpec, folder: Path, cap_rows: int | None = None, seed: int = 0) -> Split:
    """Read a table and split it: by its column `split` if it has one, else 80 to 20.

    Args:
        spec: Which table.
        folder: Where the parquet files are.
        cap_rows: Most rows to train on; those beyond are left out by the seed.
        seed: Seed of the split and of what is left out.
    """
    table = pq.read_table(folder / f"{spec.name}.parquet").drop_columns(list(spec.dropped))
    generator = np.random.default_rng(seed)
    order = generator.permutation(table.num_rows)
    if "split" in table.column_names:
        is_train = pc.equal(table["split"].cast(pa.string()), "train").to_numpy()
        train, test = order[is_train[order]], order[~is_train[order]]
        table = table.drop_columns(["split"])
    else:
        border = round(TRAIN_SHARE * len(order))
        train, test = order[:border], order[border:]
    names = table.column_names
    table = pa.table([_plain(table[name], name in spec.codes) for name in names], names)
    return Split(table.take(train[:cap_rows]), table.take(test))


def with_absence(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """Add a column beside each of some columns that marks its missing values."""
    for name in names:
        says = pc.if_else(pc.is_null(table[name]), "yes", "no")
        table = table.append_column(name + ABSENT, says)
    return table


def blank_absent(table: pa.Table) -> pa.Table:
    """Undoes `with_absence`: no value where the column beside it says that it is missing."""
    for told in [name for name in table.column_names if name.endswith(ABSENT)]:
        name = told.removesuffix(ABSENT)
        kept = pc.if_else(pc.equal(table[told], "yes"), None, table[name])
        table = table.set_column(table.column_names.index(name), name, kept).drop_columns([told])
    return table


def with_missing_category(table: pa.Table) -> pa.Table:
    """Make missing texts a text of their own."""
    return _of_texts(table, lambda column: pc.fill_null(column, MISSING))


def without_missing_category(table: pa.Table) -> pa.Table:
    """Undoes `with_missing_category`."""
    return _of_texts(
        table,
        lambda column: pc.if_else(pc.equal(column, MISSING), pa.scalar(None, column.type), column),
    )


def _of_texts(table: pa.Table, change: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> pa.Table:
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(place, field.name, change(table[field.name]))
    return table


def with_constants(rows: pa.Table, train: pa.Table) -> pa.Table:
    """Give synthetic rows the columns of one value, which a model sets aside."""
    for name in [name for name in train.column_names if name not in rows.column_names]:
        values = pc.unique(train[name].drop_null())
        if len(values) == 1:
            rows = rows.append_column(name, pa.repeat(values[0], rows.num_rows))
    return rows


def _plain(column: pa.ChunkedArray, code: bool) -> pa.ChunkedArray:
    if isinstance(column.type, pa.DictionaryType):
        column = column.cast(column.type.value_type)
    if code or pa.types.is_string(column.type) or pa.types.is_boolean(column.type):
        return column.cast(pa.string())
    return column
