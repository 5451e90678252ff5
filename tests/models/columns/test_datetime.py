"""Datetime columns: dates and time stamps, in seconds."""

import datetime as dt
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch

from madeira.models.columns import (
    Continuous,
    ContinuousDatetime,
    Datetime,
    Duration,
    Layout,
    Time,
)
from madeira.models.errors import SchemaError, TableError
from madeira.models.schema import Schema
from madeira.models.values.json_record import Record

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


def test_microseconds_come_back() -> None:
    ticks = np.random.default_rng(0).integers(1_600_000_000_000_000, 1_700_000_000_000_000, 500)
    array = pa.array(ticks).cast(pa.timestamp("us", tz="Europe/Berlin"))
    column = Datetime.fit("t", array)
    decoded = column.decode(column.encode(array))
    assert decoded.type == array.type
    assert decoded.cast(pa.int64()).to_pylist() == ticks.tolist()


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


def _days(zone: str | None, hours: int = 24) -> pa.Array:
    start = np.datetime64("2017-01-01", "us")
    clocks = pa.array(start + np.arange(0, 400 * 24, hours).astype("m8[h]"))
    return clocks if zone is None else pc.assume_timezone(clocks, zone, nonexistent="latest")


@pytest.mark.parametrize(
    ("array", "resolution"),
    [
        (_days(None), 86_400),
        (_days("UTC"), 86_400),
        (_days("Europe/Berlin"), 86_400),
        (_days("Asia/Kolkata"), 86_400),
        (_days("America/Sao_Paulo"), 3600),  # midnight is left out where the summer begins
        (_days("Europe/Berlin", 3), 3600),
        (_days(None, 168), 604_800),
        (pa.array(np.arange(50) * 900).cast(pa.timestamp("s")), 900),
        (pa.array(np.arange(50) * 31, pa.int32()).cast(pa.date32()), 31 * 86_400),
        (pa.array(np.arange(12) * 31, pa.int32()).cast(pa.date32()), 86_400),
        (pa.array([0, 7_200_000, 3_600_000]).cast(pa.timestamp("ms")), 3600),
    ],
)
def test_what_is_drawn_stands_on_the_resolution(array: pa.Array, resolution: float) -> None:
    column = Datetime.fit("t", array)
    assert column.describe()["resolution"] == resolution
    assert column.decode(column.encode(array)).equals(array)
    layout = Layout([column])
    marginal = torch.as_tensor(layout.initial_parameters(column.encode(array)[:, None]))
    noise = torch.rand(500, layout.noise, dtype=torch.float64)
    drawn = column.decode(layout.sample(marginal.expand(500, -1), noise).numpy()[:, 0])
    clocks = drawn.cast(pa.timestamp("us", getattr(array.type, "tz", None)))
    if clocks.type.tz:
        clocks = pc.local_timestamp(clocks)
    seconds = clocks.cast(pa.int64()).to_numpy() / 1e6
    assert not (seconds % min(resolution, 86_400)).any()
    entry = json.loads(json.dumps(column.to_json()))
    assert Datetime.from_json(Record("t", entry)) == column


def test_nanoseconds_come_back_exactly() -> None:
    ticks = 1_700_000_000_123_456_789 + np.arange(100) ** 5
    array = pa.array(ticks).cast(pa.timestamp("ns"))
    column = Datetime.fit("t", array)
    assert column.decode(column.encode(array)).equals(array)
    entry = json.loads(json.dumps(column.to_json()))
    assert Datetime.from_json(Record("t", entry)).grid == column.grid


def test_times_of_day_and_durations_come_back() -> None:
    clock = pa.array([8 * 3600, 9 * 3600 + 1800, None] * 20, pa.int32()).cast(pa.time32("s"))
    time = Time.fit("t", clock)
    assert time.decode(time.encode(clock)).equals(clock)
    np.testing.assert_array_equal(time.encode(pa.array(["08:00"])), time.encode(clock[:1]))
    assert time.describe()["maximum"] == "09:30:00"
    lag = pa.array([90 * 10**6, None, -60 * 10**6]).cast(pa.duration("us"))
    duration = Duration.fit("d", lag)
    assert duration.decode(duration.encode(lag)).equals(lag)
    np.testing.assert_array_equal(duration.encode(pa.array([90.0])), duration.encode(lag[:1]))
    for column in (time, duration):
        schema = Schema((column,))
        assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_schemas_without_a_resolution_are_read_as_before() -> None:
    array = pa.array([dt.date(1900, 1, 1)] * 9 + [dt.date(2020, 1, day) for day in range(1, 32)])
    old = ContinuousDatetime.fit("born", array)
    (column,) = Schema.from_json(json.loads(json.dumps(Schema((old,)).to_json()))).columns
    assert column == old
    assert column.decode(column.encode(array)).equals(array)
