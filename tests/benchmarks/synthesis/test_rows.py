"""Splits, absence, rows that are kept, and what is reported of them."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.report import Report
from benchmarks.synthesis.measures import measured, of_real_rows
from benchmarks.synthesis.rows import PEERS, Settings, draw
from benchmarks.synthesis.summary import REAL, Measured, markdown, summarise
from benchmarks.synthesis.tables import (
    Size,
    Split,
    TableSpec,
    blank_absent,
    load_split,
    with_absence,
    with_constants,
    with_missing_category,
    without_missing_category,
)

ROWS = 150
FAST = Settings("fast")


@pytest.fixture
def table() -> pa.Table:
    generator = np.random.default_rng(0)
    whole = generator.integers(0, 40, ROWS)
    fraction = np.where(generator.random(ROWS) < 0.3, np.nan, generator.normal(size=ROWS))
    return pa.table(
        {
            "whole": whole,
            "fraction": pa.array(fraction, from_pandas=True),
            "code": generator.integers(0, 3, ROWS),
            "label": pa.array([None, "a", "b"] * (ROWS // 3)).dictionary_encode(),
            "row": [f"{row}" for row in range(ROWS)],
        }
    )


@pytest.fixture
def folder(table: pa.Table, tmp_path: Path) -> Path:
    pq.write_table(table, tmp_path / "some.parquet")
    return tmp_path


@pytest.fixture
def split(folder: Path) -> Split:
    return load_split(TableSpec("some", "label", ("code",), ("row",)), folder)


def test_rows_are_to_train_on_or_kept_away_and_none_is_lost(folder: Path) -> None:
    split = load_split(TableSpec("some", "label"), folder)
    rows = [*split.train["row"].to_pylist(), *split.test["row"].to_pylist()]
    assert sorted(rows, key=int) == [str(row) for row in range(ROWS)]
    assert split.test.num_rows == ROWS // 5


def test_a_table_that_says_how_to_split_it_is_split_so(folder: Path, table: pa.Table) -> None:
    says = pa.array(["train"] * 100 + ["test"] * (ROWS - 100))
    pq.write_table(table.append_column("split", says), folder / "told.parquet")
    split = load_split(TableSpec("told", "label"), folder, cap_rows=60)
    assert {int(row) for row in split.test["row"].to_pylist()} == set(range(100, ROWS))
    assert max(int(row) for row in split.train["row"].to_pylist()) < 100
    assert split.train.num_rows == 60
    assert "split" not in split.train.column_names


def test_a_cap_takes_rows_of_those_to_train_on_and_leaves_the_others_as_they_are(
    folder: Path,
) -> None:
    spec = TableSpec("some", "label")
    whole, capped = load_split(spec, folder), load_split(spec, folder, cap_rows=50)
    assert capped.train.equals(whole.train.slice(0, 50))
    assert capped.test.equals(whole.test)


def test_codes_and_missing_categories_are_categories(split: Split) -> None:
    assert set(split.train["code"].to_pylist()) == {"0", "1", "2"}
    told = with_missing_category(split.train)
    assert set(told["label"].to_pylist()) == {"a", "b", "(missing)"}
    assert without_missing_category(told).equals(split.train)
    assert split.train["fraction"].null_count > 0
    assert "row" not in split.train.column_names


def test_absence_is_said_in_a_column_and_taken_back(split: Split) -> None:
    told = with_absence(split.train, ["fraction"])
    says = pc.equal(told["fraction is missing"], "yes")
    assert says.equals(pc.is_null(split.train["fraction"]))
    assert blank_absent(told).equals(split.train)
    filled = told.set_column(1, "fraction", pc.fill_null(told["fraction"], 7.0))
    assert blank_absent(filled).equals(split.train)


def test_what_is_constant_comes_back_with_its_gaps(split: Split) -> None:
    constant = pc.if_else(pc.is_null(split.train["fraction"]), None, 3)
    train = split.train.append_column("constant", constant)
    drawn = with_absence(train, ["constant"]).drop_columns(["constant"])
    assert blank_absent(with_constants(drawn, train)).equals(train)
    assert with_constants(train, train).equals(train)


def test_madeira_draws_as_many_rows_of_the_same_types_and_gaps(
    split: Split, tmp_path: Path
) -> None:
    drawn = draw("madeira", split, tmp_path / "kept" / "rows.parquet", FAST)
    assert drawn.table.schema.equals(split.train.schema, check_metadata=False)
    assert drawn.table.num_rows == split.train.num_rows
    assert 0 < drawn.table["fraction"].null_count < drawn.table.num_rows
    assert set(drawn.table["label"].to_pylist()) == {"a", "b", None}
    assert pc.min(drawn.table["whole"]).as_py() >= pc.min(split.train["whole"]).as_py()


def test_what_is_kept_is_not_drawn_again(split: Split, tmp_path: Path) -> None:
    kept = tmp_path / "rows.parquet"
    fractions = pc.add(split.train["whole"].cast(pa.float64()), 0.3)
    pq.write_table(split.train.set_column(0, "whole", fractions), kept)
    kept.with_suffix(".json").write_text(json.dumps({"fit_s": 1.5, "sample_s": 0.5}))
    drawn = draw("ctgan", split, kept, FAST)
    assert drawn.table.equals(split.train), "fractions of whole numbers are rounded"
    assert (drawn.fit_s, drawn.sample_s) == (1.5, 0.5)


def test_rows_get_all_measures_and_those_are_kept(split: Split, tmp_path: Path) -> None:
    kept = tmp_path / "measures.json"
    numbers = Split(split.train.drop(["label"]), split.test.drop(["label"]))
    found = measured(numbers.train, numbers, "whole", kept)
    assert found["shapes"] == found["trends"] == 1
    assert found["useful"] == found["useful_real"]
    assert measured(numbers.test, numbers, "whole", kept) == found
    again = measured(numbers.test, numbers, "whole", tmp_path / "others.json")
    assert again["closest_share"] < 0.1, "rows kept away lie nearest to themselves"
    real = of_real_rows(numbers)
    assert (real["shapes_real"], real["trends_real"]) == (again["shapes"], again["trends"])


def measured_run(tool: str, table: str, size: Size, score: float, share: float) -> Measured:
    names = ("two_sample", *REAL, *REAL.values(), "fit_s", "sample_s")
    measures = dict.fromkeys(names, score) | {"closest_share": share}
    return Measured(size, table, tool, {"capped": 100, "full": 200}[size], measures)


def test_targets_are_met_or_missed_by_the_means() -> None:
    found = [
        measured_run("madeira", "one", "full", 0.99, 0.52),
        measured_run("madeira", "two", "full", 0.97, 0.45),
        measured_run("madeira", "one", "capped", 0.7, 0.5),
        measured_run("ctgan", "one", "capped", 0.6, 0.5),
        measured_run("ctgan", "two", "capped", 0.9, 0.5),
        measured_run("tvae", "one", "capped", 0.8, 0.5),
    ]
    report = Report("synthesis", quick=True)
    summarise(report, found)
    cases = {case.case: case for case in report.cases}
    assert len(cases) == len(report.cases)
    two_sample = cases["two-sample score, mean of 2 full tables"]
    assert two_sample.value == pytest.approx(0.98)
    assert two_sample.met
    against = cases["two-sample score, mean of 1 tables, against ctgan"]
    assert (against.value, against.against_value, against.met) == (0.7, 0.6, True)
    assert cases["Column Shapes, mean of 1 tables, against tvae"].met is False
    closest = cases["closest-record share: furthest from a half"]
    assert closest.value == pytest.approx(0.05)
    assert closest.met is False


def test_the_table_for_documents_has_a_line_for_each_tool() -> None:
    found = [measured_run(tool, "one", "capped", 0.5, 0.5) for tool in PEERS]
    lines = markdown(found).splitlines()
    assert len(lines) == 2 + len(PEERS)
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
