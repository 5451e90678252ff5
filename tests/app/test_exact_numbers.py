"""Numbers of more digits than floats have: each row is read by itself, to the last digit."""

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from madeira.app.codecs.csv.writer import CsvWriter
from madeira.app.codecs.json.table import JsonTable, encode_table
from madeira.models.schema import Schema

FIRST = 2**63
NUMBERS = pa.array([FIRST + 3 * place for place in range(40)] * 2, pa.uint64())
PRICES = pa.array(
    [Decimal(2**70 + place * place) / 1000 for place in range(80)], pa.decimal128(38, 18)
)
CODES = Schema.infer(pa.table({"p": NUMBERS}))
AMOUNTS = Schema.infer(pa.table({"p": NUMBERS}), {"p": "integer"})
DECIMALS = Schema.infer(pa.table({"p": PRICES}))


def encode(schema: Schema, *cells: Any) -> list[float]:
    table = JsonTable(None, ["p"], [[cell] for cell in cells])
    return list(encode_table(table, schema)[:, 0].tolist())


@pytest.mark.parametrize("beside", [None, 0.5, -7, 1, FIRST + 10**15, "12", "0.25", 1e30], ids=repr)
@pytest.mark.parametrize("schema", [CODES, AMOUNTS], ids=["codes", "amounts"])
def test_a_row_is_read_the_same_whatever_stands_beside_it(schema: Schema, beside: object) -> None:
    expected = schema.columns[0].encode(NUMBERS[5:7])
    assert len(set(expected)) == 2
    cells = [FIRST + 15, beside, str(FIRST + 18)]
    assert encode(schema, *cells)[::2] == expected.tolist()
    assert encode(schema, *(cells * 50))[:3:2] == expected.tolist()


def test_codes_that_are_near_are_unseen() -> None:
    unseen = CODES.columns[0].unknown_code
    assert encode(CODES, FIRST + 16, 9.223372036854774e18, 7.5) == [unseen] * 3


def test_decimals_keep_all_digits_as_text() -> None:
    (column,) = DECIMALS.columns
    codes = column.encode(PRICES)
    assert column.decode(codes).equals(PRICES)
    assert len(np.unique(codes)) == len(PRICES)
    assert encode(DECIMALS, *map(str, PRICES.to_pylist())) == codes.tolist()


def test_csv_has_the_digits_of_decimals_and_the_seconds_of_durations() -> None:
    table = pa.table(
        {
            "price": pa.array([Decimal("9996.80"), Decimal("-0.05"), None], pa.decimal128(12, 2)),
            "wide": PRICES[:3],
            "lag": pa.array([4_846_000_000, -1, None]).cast(pa.duration("us")),
            "clock": pa.array([30_600, 0, None], pa.int32()).cast(pa.time32("s")),
        }
    )
    wide = [format(price, "f") for price in PRICES[:3].to_pylist()]
    assert CsvWriter(header=False).write(table).decode().split("\n") == [
        f"9996.80,{wide[0]},4846,08:30:00",
        f"-0.05,{wide[1]},-0.000001,00:00:00",
        f",{wide[2]},,",
        "",
    ]
