"""Datetime columns: dates and time stamps, in seconds."""

import datetime as dt
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from madeira.models.columns import Continuous, Datetime, Layout
from madeira.models.errors import SchemaError, TableError
from madeira.models.schema import Schema

DAYS = [dt.date(2020, 2, 29), None, dt.date(1890, 1, 1)]


@pytest.mark.parametrize(
    ("values", "arrow_type"),
    [
        (DAYS, pa.date32()),
        (DAYS, pa.date64()),
        ([dt.datetime(2020, 2, 29, 1, 2, 3), None, dt.datetime(1999, 1, 1)], pa.timestamp("s")),
        ([dt.datetime(2020, 2, 29, 1, 2, 3, 4000), None], pa.timestamp("ms", tz="Asia/Tokyo")),
    ],
    ids=str,
)
def test_instants_come_back_exactly(values: list[Any], arrow_type: pa.DataType) -> None:
    array = pa.array(values, arrow_type)
    column = Datetime.fit("t", array)
    decoded = column.decode(column.encode(array))
    assert decoded.type == arrow_type
    assert decoded.equals(array)


def test_microseconds_come_back_to_within_one() -> None:
    ticks = np.random.default_rng(0).integers(1_600_000_000_000_000, 1_700_000_000_000_000, 500)
    array = pa.array(ticks).cast(pa.timestamp("us", tz="Europe/Berlin"))
    column = Datetime.fit("t", array)
    decoded = column.decode(column.encode(array))
    assert decoded.type == array.type
    assert np.abs(decoded.cast(pa.int64()).to_numpy() - ticks).max() <= 1


def test_the_file_speaks_of_days_and_reads_back() -> None:
    array = pa.array([dt.date(1900, 1, 1)] * 9 + [dt.date(2020, 1, day) for day in range(1, 32)])
    column = Datetime.fit("born", array)
    entry = column.to_json()
    assert (entry["kind"], entry["atoms"]) == ("datetime", ["1900-01-01"])
    assert entry["maximum"] == "2020-01-31"
    schema = Schema((column,))
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    entry["atoms"] = ["soon"]
    with pytest.raises(SchemaError, match=r"'born', atoms\[0\]: 'value' must be a date"):
        Schema.from_json({"format_version": 1, "columns": [entry], "left_out": []})


def test_description_gives_range_unit_and_type() -> None:
    days = Datetime.fit("d", pa.array([dt.date(2020, 1, 1), dt.date(2020, 1, 3)])).describe()
    assert (days["kind"], days["type"], days["unit"]) == ("datetime", "date32[day]", "s")
    assert (days["minimum"], days["example"]) == ("2020-01-01", "2020-01-03")


def test_instants_and_numbers_are_evaluated_together() -> None:
    columns = [
        Continuous.fit("x", pa.array([0.5, 1.5])),
        Datetime.fit("t", pa.array([0, 100]).cast(pa.timestamp("s"))),
    ]
    layout = Layout(columns)
    assert layout.variable_of_output.tolist() == [0] * 24 + [1] * 24
    draws = layout.sample(torch.zeros(9, 48), torch.rand(9, 4, dtype=torch.float64)).numpy()
    assert columns[1].decode(draws[:, 1]).type == pa.timestamp("s")


def test_what_holds_no_instants_is_refused() -> None:
    with pytest.raises(SchemaError, match="'n' cannot be datetime: its type is int64"):
        Datetime.fit("n", pa.array([1, 2]))
    column = Datetime.fit("t", pa.array([0, 100]).cast(pa.timestamp("s")))
    with pytest.raises(TableError, match="row 1, column 't': expected a date or a time stamp"):
        column.encode(pa.array(["2020-01-01", "soon"]))
