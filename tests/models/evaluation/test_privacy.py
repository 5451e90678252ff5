"""The closest-record share tells copies of training rows from rows that are only alike."""

import math

import numpy as np
import pyarrow as pa
import pytest

from madeira.models.evaluation import closest_distances, closest_record_share


def _people(rows: int, seed: int) -> pa.Table:
    generator = np.random.default_rng(seed)
    height = generator.normal(170, 10, rows)
    missing = generator.random(rows) < 0.1
    return pa.table(
        {
            "height": pa.array(height.round(1), mask=missing),
            "weight": (height - 100 + generator.normal(0, 8, rows)).round(1),
            "town": generator.choice(["Funchal", "Machico", "Calheta"], rows),
        }
    )


def test_fresh_rows_lie_as_near_to_the_one_as_to_the_other() -> None:
    share = closest_record_share(_people(4000, 0), _people(2000, 1), _people(1000, 2))
    assert share == pytest.approx(0.5, abs=0.03)


def test_copies_are_found_out() -> None:
    train, holdout = _people(1000, 1), _people(1000, 2)
    assert closest_record_share(train, train, holdout) > 0.95
    assert closest_record_share(holdout, train, holdout) < 0.05
    half = pa.concat_tables([train.slice(0, 300), _people(300, 3)])
    assert 0.7 < closest_record_share(half, train, holdout) < 0.8


def test_distance_adds_up_over_columns() -> None:
    reference = pa.table({"x": [0.0, 10.0], "k": ["a", "b"], "gone": [None, 3.0]})
    rows = pa.table(
        {
            "x": [0.0, 5.0, 10.0, None, 99.0],
            "k": ["a", "b", "a", "a", "b"],
            "gone": [None, 3.0, 3.0, None, 3.0],
        }
    )
    [found] = closest_distances(rows, [reference])
    assert found.tolist() == [0.0, 0.5, 1.0, 1.0, 0.0]


def test_distances_do_not_depend_on_how_they_are_cut() -> None:
    rows, reference = _people(70, 4), _people(30_000, 5)
    [together] = closest_distances(rows, [reference])
    apart = [closest_distances(rows.slice(i, 1), [reference])[0][0] for i in range(70)]
    assert together.tolist() == apart


def test_a_table_without_rows_gives_no_answer() -> None:
    rows = _people(10, 0)
    assert math.isnan(closest_record_share(rows, rows, rows.slice(0, 0)))
    assert closest_distances(rows, [rows.slice(0, 0)])[0].tolist() == [math.inf] * 10
