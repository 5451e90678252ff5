"""Column Pair Trends are those of SDMetrics; associations lie where they should."""

import math

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from scipy.stats.contingency import association

from madeira.models.evaluation import associations, column_pair_trends

BY_SDMETRICS = {  # 0.32.0, on the same two tables, without its thresholds
    ("size", "weight"): 0.9980952616493748,
    ("size", "kind"): 0.7444444444444445,
    ("size", "flag"): 0.9015873015873016,
    ("size", "day"): 0.9993580464137146,
    ("weight", "kind"): 0.7365079365079366,
    ("weight", "flag"): 0.8793650793650793,
    ("weight", "day"): 0.9999437519811875,
    ("kind", "flag"): 0.8285714285714285,
    ("kind", "day"): 0.6952380952380952,
    ("flag", "day"): 0.9380952380952381,
}


def test_trends_are_those_of_sdmetrics(real: pa.Table, synthetic: pa.Table) -> None:
    assert column_pair_trends(real, synthetic) == pytest.approx(BY_SDMETRICS, abs=1e-12)


def test_correlation_takes_the_rows_that_have_both_values() -> None:
    generator = np.random.default_rng(1)
    numbers = generator.normal(size=(300, 2)) @ np.array([[1.0, 0.6], [0.0, 1.0]]) + 1e6
    numbers[generator.random((300, 2)) < 0.3] = np.nan
    both = numbers[~np.isnan(numbers).any(axis=1)]
    table = pa.table({"x": numbers[:, 0], "y": numbers[:, 1]})
    expected = stats.pearsonr(both[:, 0], both[:, 1]).statistic
    assert associations(table).values[0, 1] == pytest.approx(expected, abs=1e-9)
    opposite = pa.table({"x": numbers[:, 0], "y": -numbers[:, 1]})
    assert column_pair_trends(table, opposite)["x", "y"] == pytest.approx(1 - expected)


def test_pairs_without_a_correlation_are_not_defined() -> None:
    table = pa.table({"x": [1.0, 2.0, 3.0], "one": [5.0] * 3, "none": pa.nulls(3, pa.float64())})
    assert all(map(math.isnan, column_pair_trends(table, table).values()))
    mixed = pa.table({"kind": ["a", "b", "b"], "one": [5.0] * 3, "none": pa.nulls(3)})
    trends = column_pair_trends(mixed, mixed)
    assert math.isnan(trends.pop(("one", "none")))
    assert set(trends.values()) == {1.0}


def test_missing_is_a_category_and_a_cell_of_its_own() -> None:
    first = pa.table({"x": [0.0, 1.0, None, None], "k": ["a", "a", None, "a"]})
    second = pa.table({"x": [0.0, 1.0, 1.0, 1.0], "k": ["a", "a", None, "a"]})
    assert column_pair_trends(first, second)["x", "k"] == 0.5


def test_cramers_v_agrees_with_the_uncorrected_one_on_many_rows() -> None:
    generator = np.random.default_rng(2)
    first = generator.integers(0, 3, 200_000)
    second = np.where(generator.random(first.size) < 0.4, first, generator.integers(0, 3, 200_000))
    counts = np.histogram2d(first, second, bins=3)[0]
    table = pa.table({"a": first.astype(str), "b": second.astype(str)})
    expected = association(counts.astype(int), method="cramer")
    assert associations(table).values[0, 1] == pytest.approx(expected, abs=1e-3)


def test_unrelated_columns_are_not_associated_however_many_values_they_have() -> None:
    generator = np.random.default_rng(3)
    table = pa.table({name: generator.integers(0, 30, 300).astype(str) for name in "ab"})
    assert associations(table).values[0, 1] < 0.1


def test_robust_trends_are_not_moved_by_an_extreme_value_or_by_gaps() -> None:
    place = np.arange(1000)
    table = pa.table({"x": place % 97, "k": (place % 97 > 40).astype(str)})
    extreme = table.set_column(0, "x", pa.array(np.where(place == 5, 10**6, place % 97)))
    holes = table.set_column(1, "k", pa.array(table["k"].to_numpy(), mask=place % 2 == 0))
    assert column_pair_trends(table, extreme)["x", "k"] < 0.7
    assert column_pair_trends(table, extreme, by_deciles=True)["x", "k"] > 0.99
    assert column_pair_trends(table, holes)["x", "k"] < 0.6
    assert column_pair_trends(table, holes, by_deciles=True)["x", "k"] > 0.95
    assert associations(extreme, like=table).values[0, 1] > 0.9


@pytest.mark.parametrize("rows", [0, 1])
def test_tables_of_hardly_a_row_have_answers(rows: int, real: pa.Table) -> None:
    few = real.slice(0, rows)
    assert np.isnan(associations(few).values).all()
    assert len(column_pair_trends(real, few)) == 10
    assert column_pair_trends(real.select(["kind"]), few.select(["kind"])) == {}
