"""Rows of every kind: encoded, decoded and encoded again they are the same; so are drawn ones."""

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from madeira.models.columns import Layout
from madeira.models.schema import Schema
from tests.models.columns.awkward import AWKWARD

DAY = st.dates(dt.date(1, 1, 3), dt.date(9999, 12, 29))
CLOCK = st.datetimes(dt.datetime(1, 1, 3), dt.datetime(9999, 12, 29))
FINE_CLOCK = st.datetimes(dt.datetime(1850, 1, 1), dt.datetime(2100, 1, 1))  # < 2^53 microseconds
CELLS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.bool_(): st.booleans(),
    pa.int8(): st.integers(-128, 127),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float32(): st.floats(-(2.0**90), 2.0**90, width=32, allow_subnormal=False),
    pa.float64(): st.floats(-1e200, 1e200).filter(
        lambda number: number == 0 or abs(number) > 1e-90
    ),
    pa.decimal128(5, 2): st.decimals(-999, 999, places=2),
    pa.decimal128(38, 10): st.decimals(10**18, 10**18 + 10**5, places=10),
    pa.string(): st.text(max_size=3) | st.sampled_from(["1/6/00", "$1,200.50", "20240131", "0:30"]),
    pa.date32(): DAY,
    pa.timestamp("s"): CLOCK.map(lambda clock: clock.replace(microsecond=0)),
    pa.timestamp("us"): FINE_CLOCK,
    pa.timestamp("us", "Europe/Berlin"): FINE_CLOCK,
    pa.time32("s"): st.times().map(lambda clock: clock.replace(microsecond=0)),
    pa.time64("us"): st.times(),
    pa.duration("us"): st.timedeltas(dt.timedelta(-(10**5)), dt.timedelta(10**5)),
}


def check_draws(schema: Schema, codes: np.ndarray, rows: int) -> None:
    """Draw rows from the marginals: what comes out is read, has a likelihood, and is the same."""
    layout = Layout(schema.columns)
    marginals = torch.as_tensor(layout.initial_parameters(codes)).expand(rows, -1)
    noise = torch.rand(rows, layout.noise, dtype=torch.float64)
    for within_range in (False, True):
        drawn = schema.decode(layout.sample(marginals, noise, within_range=within_range).numpy())
        again = schema.encode(drawn)
        assert layout.log_prob(marginals, torch.as_tensor(again)).isfinite().all()
        assert schema.decode(again).equals(drawn)


@settings(max_examples=150)
@given(st.data())
def test_any_column_comes_back(data: st.DataObject) -> None:
    arrow_type = data.draw(st.sampled_from(list(CELLS)))
    few = data.draw(st.lists(CELLS[arrow_type], min_size=1, max_size=20))
    cells = data.draw(st.lists(st.sampled_from([*few, None]), min_size=2, max_size=60))
    if arrow_type == pa.timestamp("us", "Europe/Berlin"):
        cells = [cell and cell.replace(tzinfo=dt.UTC) for cell in cells]
    table = pa.table(
        {
            "x": pa.array(cells, arrow_type),
            "k": [0.5, 1.5] * (len(cells) // 2) + [2.5] * (len(cells) % 2),
        }
    )
    schema = Schema.infer(table)
    codes = schema.encode(table)
    decoded = schema.decode(codes)
    np.testing.assert_array_equal(schema.encode(decoded), codes)
    if "x" in schema.names and arrow_type != pa.string():
        came, went = table["x"].combine_chunks(), decoded["x"].combine_chunks()
        assert went.type == came.type
        if pa.types.is_floating(arrow_type):
            came = pa.array(came.to_numpy(zero_copy_only=False) + 0.0, from_pandas=True)
        assert went.equals(came)
    if schema.columns:
        check_draws(schema, codes, 20)


def test_a_table_of_every_kind_is_drawn_and_read_again() -> None:
    table = pa.table({name: array for name, array, _, _ in AWKWARD})
    schema = Schema.infer(table)
    check_draws(schema, schema.encode(table), 200)
    assert isinstance(schema.decode(schema.encode(table))["money"][1].as_py(), Decimal)
