"""Column Shapes are those of SDMetrics, and read every sort of column."""

import datetime
import math

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from madeira.models.errors import TableError
from madeira.models.evaluation import column_shapes

BY_SDMETRICS = {  # 0.32.0, on the same two tables
    "size": 0.9492063492063492,
    "weight": 0.9492063492063492,
    "kind": 0.8285714285714285,
    "flag": 0.9888888888888889,
    "day": 0.8539682539682539,
}


def test_shapes_are_those_of_sdmetrics(real: pa.Table, synthetic: pa.Table) -> None:
    assert column_shapes(real, synthetic) == pytest.approx(BY_SDMETRICS, abs=1e-12)


def test_shape_of_numbers_is_kolmogorov_smirnov() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.normal(size=400).round(1), generator.normal(0.3, 1, 250).round(1)
    found = column_shapes(pa.table({"x": first}), pa.table({"x": second}))
    assert found["x"] == pytest.approx(1 - stats.ks_2samp(first, second).statistic)


def test_missing_values_are_left_out() -> None:
    whole = pa.table({"x": [1.0, 2.0, 3.0], "k": ["a", "b", "b"]})
    holes = pa.table({"x": [1.0, None, 2.0, math.nan, 3.0], "k": [None, "a", "b", "b", None]})
    assert column_shapes(whole, holes) == {"x": 1.0, "k": 1.0}
    empty = pa.table({"x": pa.nulls(2), "k": pa.nulls(2, pa.string())})
    assert all(map(math.isnan, column_shapes(whole, empty).values()))


def test_types_may_differ_where_values_do_not() -> None:
    day = datetime.date(2020, 5, 17)
    first = pa.table(
        {
            "n": pa.array([1, 2], pa.int8()),
            "k": pa.array(["a", "b"]).dictionary_encode(),
            "t": pa.array([day, day]),
            "c": pa.array([1, 0], pa.int32()),
        }
    )
    second = pa.table(
        {
            "c": pa.array([0.0, 1.0]),
            "n": pa.array([2.0, 1.0]),
            "k": pa.array(["b", "a"], pa.large_string()),
            "t": pa.array([day, day]).cast(pa.timestamp("ms")),
        }
    )
    assert column_shapes(first, second, categories={"c"}) == {"n": 1, "k": 1, "t": 1, "c": 1}


def test_a_code_counts_as_a_category_where_it_is_named() -> None:
    first, second = pa.table({"zip": [1, 2, 9, 9]}), pa.table({"zip": [2, 1, 9, 8]})
    assert column_shapes(first, second)["zip"] == 0.75
    assert column_shapes(first, second, {"zip"})["zip"] == 0.75
    far = pa.table({"zip": [1, 2, 3, 3]})
    assert column_shapes(first, far)["zip"] == 0.5
    assert column_shapes(first, far, ["zip"])["zip"] == 0.5
    assert column_shapes(pa.table({"zip": [1, 9]}), pa.table({"zip": [5, 5]}))["zip"] == 0.5
    assert column_shapes(pa.table({"zip": [1, 9]}), pa.table({"zip": [5, 5]}), ["zip"])["zip"] == 0


def test_tables_that_do_not_compare_name_the_column() -> None:
    with pytest.raises(TableError, match=r"'y'.*lacks this column"):
        column_shapes(pa.table({"y": [1]}), pa.table({"x": [1]}))
    with pytest.raises(TableError, match=r"'x'.*a number, text"):
        column_shapes(pa.table({"x": [1]}), pa.table({"x": ["1"]}))


def test_times_of_day_and_durations_are_compared_as_numbers() -> None:
    seconds = np.arange(0, 6000, 7)
    tables = [
        pa.table(
            {
                "clock": pa.array(seconds + shift, pa.int32()).cast(pa.time32("s")),
                "lag": pa.array(seconds + shift).cast(pa.duration("s")),
            }
        )
        for shift in (0, 1)
    ]
    assert min(column_shapes(*tables).values()) > 0.99
