"""Rows go in as people hold them, and come out in the same form."""

import datetime as dt
import decimal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv, feather

from madeira.models import (
    ConfigError,
    DensityEstimator,
    ModelsError,
    RowsTypeError,
    Schema,
    TableError,
    TableFileError,
)
from madeira.models.arrays import Float64
from madeira.models.tables.rows import rows_of
from tests.models.tables.conftest import SMALL

ROWS = 120


@pytest.fixture(scope="module")
def table() -> pa.Table:
    generator = np.random.default_rng(0)
    size = generator.normal(100, 15, ROWS).round(1)
    kind = np.where(size > 100, "large", "small").astype(object)
    return pa.table(
        {
            "size": pa.array(size, mask=generator.random(ROWS) < 0.1),
            "kind": pa.array(kind, mask=generator.random(ROWS) < 0.1),
            "count": pa.array(generator.poisson(30, ROWS), mask=generator.random(ROWS) < 0.1),
        }
    )


@pytest.fixture(scope="module")
def nats(table: pa.Table) -> Float64:
    return DensityEstimator(config=SMALL).fit(table).log_prob(table)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def from_duckdb(table: pa.Table) -> duckdb.DuckDBPyRelation:
    return duckdb.from_arrow(table)


FORMS: dict[str, Callable[[pa.Table], Any]] = {
    "arrow": lambda table: table,
    "pandas": lambda table: table.to_pandas(),
    "polars": pl.from_arrow,
    "polars lazy": lambda table: pl.DataFrame(table).lazy(),
    "duckdb": from_duckdb,
    "dict": lambda table: table.to_pydict(),
    "records": lambda table: table.to_pylist(),
    "arrays": lambda table: {
        name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names
    },
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_every_form_is_answered_alike_and_comes_back(
    table: pa.Table, nats: Float64, form: Callable[[pa.Table], Any]
) -> None:
    given = form(table)
    estimator = DensityEstimator(config=SMALL).fit(given, validation=form(table.slice(0, 50)))
    estimator.fit(given)
    found = estimator.log_prob(given)
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, nats, rtol=1e-6)
    assert type(estimator.anomaly_score(given)) is np.ndarray
    assert estimator.contributions(given).shape == (ROWS, 3)
    filled, drawn = estimator.impute(given, seed=1), estimator.sample(7, seed=1, nulls=False)
    first, second = estimator.impute(given, draws=2, seed=1)
    for rows, count in ((filled, ROWS), (first, ROWS), (second, ROWS), (drawn, 7)):
        assert type(rows) is type(given)
        back = rows_of(rows).table
        assert back.num_rows == count
        assert back.column_names == table.column_names
        assert all(column.null_count == 0 for column in back.columns)
    back = rows_of(filled).table
    for name in table.column_names:
        known = table[name].is_valid()
        assert back[name].filter(known).to_pylist() == table[name].filter(known).to_pylist()
    assert all(type(chunk) is type(given) for chunk in estimator.stream(5, chunk_rows=2))


def test_a_relation_is_still_there_when_its_source_is_gone(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute(
        "create table birds as select (i % 7)::double as wing, "
        "case when i % 7 > 3 then 'gull' else 'auk' end as name from range(100) t(i)"
    )
    estimator = DensityEstimator(config=SMALL).fit(connection.table("birds"))
    drawn = estimator.sample(4, given={"name": "auk"}, seed=0)
    assert isinstance(drawn, duckdb.DuckDBPyRelation)
    assert {name for (name,) in drawn.project("name").fetchall()} == {"auk"}
    assert drawn.columns == ["wing", "name"]


def test_pandas_keeps_index_labels_and_types() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "whole": pd.array(generator.poisson(20, ROWS), dtype="Int64"),
            "level": pd.Categorical(
                generator.choice(["low", "high"], ROWS), ["low", "high", "never"], ordered=True
            ),
            "flag": generator.choice([True, False], ROWS).astype(object),
            5: generator.normal(size=ROWS).astype(np.float32),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(ROWS) % 90, unit="D"),
            "date": [dt.date(2024, 1, 1 + row % 28) for row in range(ROWS)],
            "price": [decimal.Decimal(int(row)) / 4 for row in generator.integers(1, 99, ROWS)],
            "town": pd.array(generator.choice(["Porto", "Faro"], ROWS), dtype="string"),
            "arrow": pd.array(generator.choice(["a", "b"], ROWS), dtype="string[pyarrow]"),
        },
        index=pd.MultiIndex.from_product([["x", "y"], range(ROWS // 2)]),
    )
    for place, label in enumerate(frame.columns):
        frame.iloc[place + 3 : place + 9, frame.columns.get_loc(label)] = None
    given = frame.copy()
    estimator = DensityEstimator(config=SMALL).fit(frame)
    filled = estimator.impute(frame, seed=0)
    pd.testing.assert_frame_equal(frame, given)  # what came in is as it was
    pd.testing.assert_index_equal(filled.index, frame.index)
    pd.testing.assert_series_equal(filled.dtypes, frame.dtypes)
    assert filled.notna().all(axis=None)
    pd.testing.assert_frame_equal(filled.where(frame.notna()), frame.where(frame.notna()))
    drawn = estimator.sample(10, seed=0)
    pd.testing.assert_series_equal(drawn.dtypes, frame.dtypes)
    assert drawn.index.tolist() == list(range(10))


def test_pandas_is_given_columns_that_it_lacks_and_categories_it_does_not_know() -> None:
    frame = pd.DataFrame(
        {"level": pd.Categorical(["low", "high"] * 50), "x": np.arange(100) % 7 / 2}
    )
    estimator = DensityEstimator(config=SMALL).fit(frame)
    filled = estimator.impute(frame[["x"]].set_axis(range(7, 107)), seed=0)
    assert filled.columns.tolist() == ["x", "level"]
    assert filled["level"].dtype == frame["level"].dtype
    assert filled.index.tolist() == list(range(7, 107))
    narrow = pd.DataFrame({"level": pd.Categorical(["low", None] * 20), "x": [0.5] * 40})
    assert estimator.impute(narrow, seed=0).notna().all(axis=None)
    drawn = estimator.sample(5, given={"level": "higher"})
    assert drawn["level"].tolist() == ["higher"] * 5


def test_a_column_of_pandas_that_misses_altogether_has_the_type_of_training() -> None:
    frame = pd.DataFrame({"n": [1, 2, 3, 4] * 25, "t": ["a", "b"] * 50})
    estimator = DensityEstimator(config=SMALL).fit(frame)
    filled = estimator.impute(pd.DataFrame({"n": [None] * 3, "t": [None, None, None]}), seed=0)
    pd.testing.assert_series_equal(filled.dtypes, frame.dtypes)


def test_polars_keeps_categories_and_types() -> None:
    frame = pl.DataFrame(
        {
            "level": pl.Series(["low", None, "high", "low"] * 30, dtype=pl.Categorical),
            "enum": pl.Series(["a", "b", None, "b"] * 30, dtype=pl.Enum(["a", "b", "never"])),
            "n": pl.Series([1, 2, None, 4] * 30, dtype=pl.Int16),
            "day": pl.Series([dt.date(2024, 1, day % 28 + 1) for day in range(120)]),
            "at": pl.Series(
                [dt.datetime(2024, 1, day % 28 + 1, tzinfo=dt.UTC) for day in range(120)]
            ),
            "x": np.random.default_rng(0).normal(size=120),
        }
    )
    estimator = DensityEstimator(config=SMALL).fit(frame)
    assert estimator.impute(frame, seed=0).schema == frame.schema
    assert estimator.impute(frame, seed=0).null_count().sum_horizontal().item() == 0
    assert estimator.sample(5, seed=0).schema == frame.schema
    lacking = frame.select("x").with_columns(level=None)
    filled = estimator.impute(lacking, seed=0)
    assert filled.schema["level"] == pl.Categorical
    assert set(filled.columns) == set(frame.columns)


def test_arrays_have_names_and_come_back_as_arrays(table: pa.Table) -> None:
    numbers = np.random.default_rng(0).normal(size=(ROWS, 3))
    numbers[:, 2] = 1.0  # constant: not modelled
    numbers[3, 0] = np.nan
    estimator = DensityEstimator(config=SMALL).fit(numbers, names=["left", "right", "one"])
    assert estimator.schema.names == ("left", "right")
    filled = estimator.impute(numbers, seed=0)
    assert filled.shape == numbers.shape
    assert np.isfinite(filled).all()
    assert np.isnan(numbers[3, 0])
    drawn = estimator.sample(4, given={"left": 0.5}, seed=0)
    assert drawn.shape == (4, 3)
    assert (drawn[:, 0] == 0.5).all()
    assert np.isnan(drawn[:, 2]).all()
    assert np.isfinite(estimator.log_prob(drawn)).all()
    assert np.isfinite(estimator.log_prob(numbers[:, :2])).all()
    mixed = np.array([["a", 1], ["b", None], ["a", 3]] * 40, dtype=object)
    estimator = DensityEstimator(config=SMALL).fit(mixed)
    assert estimator.schema.names == ("x0", "x1")
    filled = estimator.impute(mixed, seed=0)
    assert filled.dtype == object
    assert None not in filled[:, 1]
    assert estimator.sample(2, seed=0).dtype == object
    single = numbers[:, :2].astype(np.float32)
    estimator = DensityEstimator(config=SMALL).fit(single)
    assert estimator.impute(single, seed=0).dtype == np.float32


@pytest.mark.parametrize("extension", ["csv", "parquet", "arrow", "feather"])
@pytest.mark.parametrize("as_url", [False, True])
def test_a_path_or_a_url_is_read(
    table: pa.Table, tmp_path: Path, extension: str, as_url: bool
) -> None:
    path = tmp_path / f"some birds.{extension}"
    if extension == "csv":
        csv.write_csv(table, path)
    elif extension == "parquet":
        pq.write_table(table, path)
    elif extension == "arrow":
        with pa.ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table)
    else:
        feather.write_feather(table, path)
    source = path.as_uri() if as_url else str(path)
    estimator = DensityEstimator(config=SMALL).fit(source)
    assert estimator.log_prob(path).shape == (ROWS,)
    assert isinstance(estimator.impute(source), pa.Table)
    assert isinstance(estimator.sample(3), pa.Table)


def test_what_speaks_a_protocol_is_read() -> None:
    class Stream:
        def __init__(self, table: pa.Table) -> None:
            self._table = table

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return self._table.__arrow_c_stream__(requested_schema)

    class Interchange:
        def __init__(self, table: pa.Table) -> None:
            self._table = table

        def __dataframe__(self, nan_as_null: bool = False, allow_copy: bool = True) -> object:
            return self._table.__dataframe__(nan_as_null, allow_copy)

    table = pa.table({"a": [1, 2], "b": ["x", None]})
    batch = table.to_batches()[0]
    reader = pa.RecordBatchReader.from_batches(table.schema, [batch])
    for given in (Stream(table), Interchange(table), batch, reader):
        taken = rows_of(given).table
        assert taken.to_pydict() == table.to_pydict()


def test_what_is_missing_in_python_and_numpy_is_null() -> None:
    rows = rows_of({"a": [1.0, float("nan"), None], "b": np.array([1.0, np.nan, 2.0])})
    assert rows.table["a"].null_count == 2
    assert rows.table["b"].null_count == 1
    records = rows_of([{"a": 1}, {"b": "x"}, {"a": float("nan"), "b": None}])
    assert records.table.to_pydict() == {"a": [1, None, None], "b": [None, "x", None]}
    frame = pd.DataFrame({"a": [1.0, np.nan], "t": [None, "x"], "d": [pd.NaT, pd.Timestamp(0)]})
    assert [column.null_count for column in rows_of(frame).table.columns] == [1, 1, 1]
    series = rows_of({"a": pl.Series([1, None]), "b": pd.Series([np.nan, 2.0])})
    assert [column.null_count for column in series.table.columns] == [1, 1]


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (5, RowsTypeError, "data frame .*pandas, Polars, DuckDB.*this is of type int"),
        (None, RowsTypeError, "this is of type NoneType"),
        (object(), RowsTypeError, "this is of type object"),
        (iter([{"a": 1}]), RowsTypeError, "this is of type list_iterator"),
        (b"a,b\n1,2\n", RowsTypeError, "this is of type bytes"),
        (np.arange(3), RowsTypeError, "two dimensions.*this has 1"),
        (np.zeros((2, 2, 2)), RowsTypeError, "two dimensions.*this has 3"),
        (pd.Series([1, 2]), RowsTypeError, "one column, not a table.*to_frame"),
        (pl.Series([1, 2]), RowsTypeError, "one column, not a table.*to_frame"),
        (pa.array([1, 2]), RowsTypeError, "is not a table"),
        ([{"a": 1}, [2]], RowsTypeError, "row 1 is of type list"),
        (["a", "b"], RowsTypeError, "row 0 is of type str"),
        ({"a": [1, 2], "b": [1]}, TableError, "column 'b': has 1 cells where column 'a' has 2"),
        ({"a": "text"}, TableError, "column 'a': expected the cells.*got 'text'"),
        ({"a": 5}, TableError, "column 'a': expected the cells.*got 5"),
        ({"a": [1, 2, b"x", 3]}, TableError, "row 2, column 'a': holds values of several sorts"),
        ([{"a": 1}, {"a": [2]}], TableError, "row 1, column 'a': holds values of several"),
        (pd.DataFrame({"a": [1, b"x", 2.5]}), TableError, "row 1, column 'a': holds values"),
        (pd.DataFrame([[1, 2]] * 3, columns=["a", "a"]), ModelsError, "two columns .*'a'"),
        ("absent.csv", TableFileError, "absent.csv does not exist"),
        ("rows.xlsx", TableFileError, "rows.xlsx does not exist"),
        ("s3://bucket/rows.csv", TableFileError, "URLs are read of file, http and https"),
        ("http://127.0.0.1:9/rows.csv", TableFileError, "rows.csv cannot be fetched"),
    ],
)
def test_what_is_no_table_is_refused_in_words(
    rows: object, error: type[ModelsError], message: str
) -> None:
    with pytest.raises(error, match=f"(?s){message}"):
        DensityEstimator(config=SMALL).fit(rows)


def test_a_wrong_type_is_a_type_error_and_a_wrong_setting_a_value_error(table: pa.Table) -> None:
    assert issubclass(RowsTypeError, TypeError)
    assert issubclass(ConfigError, ValueError)
    with pytest.raises(TypeError, match=r"inferred from a pyarrow\.Table"):
        Schema.infer({"a": [1]})
    with pytest.raises(ConfigError, match="2 columns where 3 are expected"):
        DensityEstimator(config=SMALL).fit(np.zeros((3, 2)), names=["a", "b", "c"])
    estimator = DensityEstimator(config=SMALL).fit(table)
    with pytest.raises(TypeError, match="given is expected to be a dict"):
        estimator.sample(1, given=["kind"])  # type: ignore[arg-type]


def test_no_library_of_frames_need_be_installed() -> None:
    # Arrow itself imports pandas where it can, so they are taken away rather than looked for.
    check = (
        "import sys\n"
        "class Gone:\n"
        "    def find_spec(name, *_):\n"
        "        if name in ('pandas', 'polars', 'duckdb', 'sklearn'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Gone)\n"
        "import numpy as np, pyarrow as pa\n"
        "from madeira.models import DensityEstimator, RowsTypeError\n"
        "from madeira.models.tables.rows import rows_of\n"
        "rows = {'a': [1.5, float('nan')], 'b': ['x', None]}\n"
        "assert rows_of(rows).table['a'].null_count == 1\n"
        "assert rows_of([{'a': 1}]).table.num_rows == 1\n"
        "assert rows_of(np.full((2, 2), np.nan)).table['x0'].null_count == 2\n"
        "assert rows_of(pa.table(rows).to_batches()[0]).table.num_rows == 2\n"
        "try:\n    DensityEstimator().fit(object())\n"
        "except RowsTypeError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "a data frame" in done.stdout
