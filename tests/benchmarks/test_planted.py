"""Planted errors are what they say, and detectors are measured by them."""

from dataclasses import asdict
from types import SimpleNamespace
from typing import cast

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.held_out import Trial
from benchmarks.planted.detectors import OURS, Scores, tree_scores
from benchmarks.planted.errors import KINDS, Kind, Planted, plant
from benchmarks.planted.measures import flagged, measure
from benchmarks.planted.page import measured
from benchmarks.planted.summary import Measured, summarise
from benchmarks.report import Report
from madeira.models import DensityEstimator, Schema

ROWS = 600


@pytest.fixture(scope="module")
def trial() -> Trial:
    """Towns with their land, a positive number that follows size, a number of either sign."""
    generator = np.random.default_rng(0)
    town, size = generator.integers(4, size=ROWS), generator.integers(2, size=ROWS)
    area = np.round(size * 100 + 50 + generator.normal(size=ROWS), 2)
    table = pa.table(
        {
            "town": np.array(["Bonn", "Paris", "Lyon", "Nice"])[town],
            "land": pa.array(np.array(["Germany", "France"])[(town > 0).astype(int)]),
            "size": np.array([36, 60])[size],
            "area": pa.array(area, mask=np.arange(ROWS) % 7 == 0),
            "change": np.round(generator.normal(size=ROWS), 1),
        }
    )
    kinds = {"town": "categorical", "land": "categorical", "size": "categorical"}
    schema = Schema.infer(table[:400], kinds)
    estimator = cast(DensityEstimator, SimpleNamespace(schema=schema))
    return Trial(
        "made", estimator, schema.encode(table[:400]), schema.encode(table[400:]), table[400:]
    )


def rows_of(trial: Trial, kind: Kind) -> Planted:
    """Errors of a kind in half of the held-out rows."""
    return plant(trial, kind, np.arange(100), np.random.default_rng(1))


@pytest.mark.parametrize("kind", KINDS)
def test_one_cell_a_row_is_wrong_and_no_other_has_changed(trial: Trial, kind: Kind) -> None:
    planted = rows_of(trial, kind)
    assert len(planted.rows) > 20
    assert (planted.wrong.sum(axis=1) == (2 if kind == "broken rule" else 1)).all()
    before = trial.held_table.take(planted.rows)
    for variable, name in enumerate(trial.estimator.schema.names):
        old, new = before[name].to_pylist(), planted.table[name].to_pylist()
        changed = np.array([a != b for a, b in zip(old, new, strict=True)])
        assert not (changed & ~planted.wrong[:, variable]).any()
    assert len(trial.estimator.schema.encode(planted.table)) == len(planted.rows)


def test_each_kind_of_error_is_what_it_says(trial: Trial) -> None:
    schema = trial.estimator.schema
    sizes = np.array([np.inf if c.unknown_code is None else c.unknown_code for c in schema.columns])
    for kind in ("unknown category", "typo"):
        planted = rows_of(trial, kind)
        codes = schema.encode(planted.table)
        assert (codes[planted.wrong] == np.broadcast_to(sizes, codes.shape)[planted.wrong]).all()
    area, change = (schema.names.index(name) for name in ("area", "change"))
    lost = rows_of(trial, "sign")
    assert lost.wrong[:, area].all()
    assert max(value for value in lost.table["area"].to_pylist()) < 0
    outside = rows_of(trial, "outside the range")
    for variable, name in ((area, "area"), (change, "change")):
        known = trial.train[:, variable]
        wrong = outside.wrong[:, variable]
        codes = schema.encode(outside.table)[wrong, variable]
        assert wrong.any(), name
        assert ((codes < np.nanmin(known)) | (codes > np.nanmax(known))).all()
    broken = rows_of(trial, "broken rule")
    towns, lands = broken.table["town"].to_pylist(), broken.table["land"].to_pylist()
    pairs = zip(towns, lands, strict=True)
    assert all((town == "Bonn") != (land == "Germany") for town, land in pairs)


def test_trees_find_what_contradicts_the_rest_and_name_the_cell(trial: Trial) -> None:
    planted = rows_of(trial, "broken rule")
    clean, spoiled = tree_scores(trial, [trial.held_table, planted.table], seed=0)
    found = measure(planted, clean, spoiled)
    assert found["auroc"] > 0.95
    assert found["named"] > 0.9


def test_ties_count_by_their_share() -> None:
    wrong = np.ones((2, 1), dtype=bool)
    planted = Planted("swapped", np.array([0, 1]), pa.table({}), wrong)
    clean = Scores(np.array([9.0, 9.0, 1.0, 1.0]))
    found = measure(planted, clean, Scores(np.array([1.0, 5.0]), np.zeros((2, 1))))
    assert found == {"auroc": 0.75, "precision": pytest.approx((1 + 1 / 3) / 2), "named": 1.0}
    assert flagged(np.array([0.995, 0.97, 0.5, 0.1])) == {
        "clean_rows": 4,
        "flagged_1": 0.25,
        "flagged_5": 0.5,
    }


def test_the_page_has_a_line_a_kind_and_says_what_is_met() -> None:
    found = {
        "typo": {OURS: {"auroc": 0.99, "precision": 0.9, "named": 0.8}},
        "swapped": {
            OURS: {"auroc": 0.7, "precision": 0.4, "named": 0.5},
            "k-NN": {"auroc": 0.6, "precision": 0.3},
            "ECOD": {"auroc": 0.5, "precision": 0.3},
        },
    }
    report = Report("planted", quick=True)
    shares = {"clean_rows": 40.0, "flagged_1": 0.05, "flagged_5": 0.05}
    summarise(report, "fast", [Measured("made", 700, shares, found)])
    results = {"cases": [asdict(each) for each in report.cases]}
    text = measured({**results, "hardware": {"cpu": "made"}, "date": "2026-01-01T00"})
    assert "| typo | 1 | 0.990 / 0.90 |" in text
    assert "| swapped, mean of 1 tables, beside k-NN | 0.7 | 0.6 | met |" in text
    assert "| typo, mean of 1 tables | 0.99 | 0.95 | met |" in text
    assert "| the wrong cell is named first, mean over all | 0.65 | 0.85 | missed |" in text
    assert "have not 0.5% to 2% of clean rows flagged, of 1 | 1 | 2 | met |" in text
