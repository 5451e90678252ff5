"""What is drawn comes back in the types, at the resolution and, if asked, in the range of old."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch

from madeira.models.columns import Layout
from madeira.models.schema import Schema

ROWS = 400
GENERATOR = np.random.default_rng(0)
CENTS = GENERATOR.lognormal(3, 1, ROWS).round(2)
WORDS = GENERATOR.choice(["north", "south", "east", "west"], ROWS)
DAYS = [dt.date(2021, 1, 1) + dt.timedelta(int(days)) for days in GENERATOR.integers(0, 900, ROWS)]
INSTANTS = (GENERATOR.random(ROWS) * 1e8 + 1.5e9).astype("M8[s]")

TABLE = pa.table(
    {
        "cents": pa.array(CENTS),
        "cents32": pa.array(CENTS.astype(np.float32)),
        "int8": pa.array(GENERATOR.integers(-100, 120, ROWS), pa.int8()),
        "uint64": pa.array(GENERATOR.integers(0, 10_000, ROWS), pa.uint64()),
        "decimal": pa.array([Decimal(f"{value:.2f}") for value in CENTS], pa.decimal128(9, 2)),
        "real": pa.array(GENERATOR.normal(size=ROWS)),
        "date32": pa.array(DAYS, pa.date32()),
        "zoned": pa.array(INSTANTS.astype("M8[us]")).cast(pa.timestamp("us", "Europe/Berlin")),
        "local": pa.array(INSTANTS.astype("M8[ms]")),
        "dictionary": pa.array(WORDS).dictionary_encode(),
        "dictionary_of_numbers": pa.array(GENERATOR.integers(0, 30, ROWS)).dictionary_encode(),
        "large_string": pa.array(WORDS, pa.large_string()),
        "many": pa.array([f"code {code}" for code in GENERATOR.integers(0, 150, ROWS)]),
        "bool": pa.array(GENERATOR.random(ROWS) < 0.3),
    }
)


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema.infer(TABLE, {"many": "factorised"})


@pytest.fixture(scope="module", params=[False, True], ids=["free", "within_range"])
def drawn(schema: Schema, request: pytest.FixtureRequest) -> tuple[pa.Table, bool]:
    layout = Layout(schema.columns)
    marginals = torch.as_tensor(layout.initial_parameters(schema.encode(TABLE)))
    rows = 2000
    noise = torch.rand(rows, layout.noise, generator=torch.Generator().manual_seed(1)).double()
    codes = layout.sample(marginals.expand(rows, -1), noise, within_range=request.param)
    return schema.decode(codes.numpy()), request.param


def test_types_come_back(drawn: tuple[pa.Table, bool]) -> None:
    table, _ = drawn
    for name in TABLE.column_names:
        assert table[name].type == TABLE[name].type, name
        assert not table[name].null_count


def test_numbers_keep_their_decimals(drawn: tuple[pa.Table, bool]) -> None:
    table, _ = drawn
    cents = table["cents"].to_numpy()
    np.testing.assert_array_equal(cents, cents.round(2))
    single = table["cents32"].to_numpy()
    np.testing.assert_array_equal(single, single.astype(np.float64).round(2).astype(np.float32))


def test_categories_are_those_of_training(drawn: tuple[pa.Table, bool]) -> None:
    table, _ = drawn
    for name in ("dictionary", "dictionary_of_numbers", "large_string", "many", "bool"):
        assert set(table[name].to_pylist()) <= set(TABLE[name].to_pylist())


def test_amounts_stay_within_the_range_if_asked(
    schema: Schema, drawn: tuple[pa.Table, bool]
) -> None:
    table, within_range = drawn
    beyond = 0
    for column in schema.columns:
        if column.discrete:
            continue
        learned, seen = (pc.min_max(each[column.name]).as_py() for each in (TABLE, table))
        inside = learned["min"] <= seen["min"] and seen["max"] <= learned["max"]
        assert inside or not within_range, column.name
        beyond += not inside
    assert beyond > 0 or within_range
