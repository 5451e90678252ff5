"""Arrow tables of other types than the training table's: taken where nothing is lost."""

import numpy as np
import pyarrow as pa
import pytest

from tests.app.running import RunningService, assert_problem
from tests.app.streams import post_arrow, read_stream


@pytest.fixture(scope="module")
def some(shop_table: pa.Table) -> pa.Table:
    return shop_table.slice(0, 40)


def with_column(table: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


EQUIVALENT = [
    ("visits", pa.int32()),
    ("visits", pa.uint8()),
    ("visits", pa.float64()),
    ("visits", pa.float32()),
    ("visits", pa.decimal128(20, 0)),
    ("city", pa.large_string()),
    ("city", pa.string_view()),
    ("city", pa.dictionary(pa.int8(), pa.string())),
    ("city", pa.dictionary(pa.uint16(), pa.large_string())),
    ("member", pa.dictionary(pa.int32(), pa.bool_())),
    ("joined", pa.timestamp("ns", "UTC")),
    ("joined", pa.timestamp("ms", "Europe/Lisbon")),
    ("joined", pa.timestamp("us")),
    ("joined", pa.string()),
    ("born", pa.date64()),
    ("born", pa.timestamp("us")),
]


def cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if isinstance(kind, pa.DictionaryType):
        encoded = column.combine_chunks().dictionary_encode()
        values = encoded.dictionary.cast(kind.value_type)
        return pa.DictionaryArray.from_arrays(encoded.indices.cast(kind.index_type), values)
    return column.cast(kind)


@pytest.mark.parametrize(("name", "kind"), EQUIVALENT, ids=str)
def test_an_equivalent_type_means_the_same(
    service: RunningService, some: pa.Table, name: str, kind: pa.DataType
) -> None:
    other = with_column(some, name, cast(some[name], kind))
    plain = read_stream(post_arrow(service, "/score", some))
    np.testing.assert_allclose(
        read_stream(post_arrow(service, "/score", other))["log_likelihood"],
        plain["log_likelihood"],
        rtol=1e-6,
    )
    filled = read_stream(post_arrow(service, "/impute", other, seed=2))
    expected = read_stream(post_arrow(service, "/impute", some, seed=2))
    column = filled[name].combine_chunks()
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    if name != "city" and name != "member":
        known = np.flatnonzero(some[name].is_valid().to_numpy())
        assert (
            column.take(known)
            .cast(some[name].type)
            .equals(expected[name].combine_chunks().take(known))
        )
    else:
        assert column.to_pylist() == expected[name].to_pylist()


@pytest.mark.parametrize(
    ("name", "column", "expected", "got"),
    [
        ("income", ["much"], "a number", "'much'"),
        ("income", [True], "a number", "True"),
        ("city", [[3]], "text", "[3]"),
        ("member", ["yes"], "true or false", "'yes'"),
        ("joined", [5], "a date or a time stamp", "5"),
        ("joined", ["soon"], "a date or a time stamp", "'soon'"),
        ("income", [[1.0]], "a number", "[1.0]"),
        ("income", [b"1"], "a number", "b'1'"),
        ("income", [float("inf")], "a finite number", "inf"),
    ],
)
@pytest.mark.parametrize("dictionary", [False, True])
def test_a_wrong_type_names_row_and_column(
    service: RunningService,
    name: str,
    column: list[object],
    expected: str,
    got: str,
    dictionary: bool,
) -> None:
    array = pa.array([None, None, *column])
    if dictionary:
        if isinstance(column[0], list):
            pytest.skip("lists have no dictionaries")
        array = array.dictionary_encode()
    for path in ("/score", "/impute"):
        problem = assert_problem(post_arrow(service, path, pa.table({name: array})), 422)
        (error,) = problem["errors"]
        assert (error["row"], error["column"]) == (2, name)
        assert f"expected {expected}" in error["message"]
        assert got in error["message"]


def test_rows_are_counted_over_batches(service: RunningService) -> None:
    table = pa.table({"visits": pa.array([*[1.0] * 20_000, float("inf")])})
    problem = assert_problem(post_arrow(service, "/score", table), 422)
    assert problem["errors"][0]["row"] == 20_000


def test_every_column_is_checked(service: RunningService) -> None:
    table = pa.table({"visits": ["a", "b"], "income": ["c", "d"]})
    problem = assert_problem(post_arrow(service, "/score", table), 422)
    assert [(e["row"], e["column"]) for e in problem["errors"]] == [
        (0, "income"),
        (0, "visits"),
        (1, "income"),
        (1, "visits"),
    ]


def test_an_unused_dictionary_value_is_no_error(service: RunningService) -> None:
    visits = pa.DictionaryArray.from_arrays(pa.array([0, 0, None]), pa.array([3.0, 0.5]))
    answer = read_stream(post_arrow(service, "/score", pa.table({"visits": visits})))
    assert answer["log_likelihood"].to_pylist()[2] == 0


def test_an_unknown_column_is_named(service: RunningService) -> None:
    problem = assert_problem(post_arrow(service, "/score", pa.table({"citi": ["x"]})), 422)
    assert problem["errors"][0]["column"] == "citi"
    assert "Did you mean 'city'?" in problem["detail"]


def test_a_column_that_is_there_twice_is_named(service: RunningService) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["visits", "visits"])
    problem = assert_problem(post_arrow(service, "/score", table), 422)
    assert problem["errors"][0]["column"] == "visits"


def test_columns_that_the_model_left_out_pass_through(
    service: RunningService, some: pa.Table
) -> None:
    notes = pa.array([[1, 2]] * some.num_rows)
    table = with_column(some, "note", notes)
    assert read_stream(post_arrow(service, "/score", table)).num_rows == some.num_rows
    assert (
        read_stream(post_arrow(service, "/impute", table))["note"].to_pylist() == notes.to_pylist()
    )
    answer = post_arrow(service, "/impute", table, accept="application/json")
    assert "accept Arrow" in assert_problem(answer, 422)["detail"]


def test_values_that_the_columns_type_cannot_hold_are_kept(service: RunningService) -> None:
    joined = pa.array([1_600_000_000_250, None], pa.timestamp("ms", "UTC"))
    visits = pa.array([2**40, None], pa.uint64())
    table = pa.table({"joined": joined, "visits": visits})
    filled = read_stream(post_arrow(service, "/impute", table))
    assert filled["joined"].to_pylist()[0] == joined.to_pylist()[0]
    assert filled["visits"].to_pylist()[0] == 2**40
    assert not filled["joined"].null_count
