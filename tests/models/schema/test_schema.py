"""The schema of a table, and its file."""

import json
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

from madeira.models.errors import CellError, SchemaError, TableError
from madeira.models.schema import LeftOut, Schema


@pytest.fixture
def table() -> pa.Table:
    generator = np.random.default_rng(0)
    return pa.table(
        {
            "customer_id": np.arange(60) * 7,
            "age": pa.array(generator.integers(18, 90, 60)),
            "city": pa.array(generator.choice(["Bern", "Graz", "Rom"], 60)),
            "income": pa.array(generator.lognormal(10, 1, 60), mask=generator.random(60) < 0.2),
            "since": pa.array(generator.integers(0, 10**9, 60)).cast(pa.timestamp("s", tz="UTC")),
            "active": pa.array(generator.random(60) < 0.5),
        }
    )


@pytest.fixture
def schema(table: pa.Table) -> Schema:
    return Schema.infer(table)


def test_codes_are_one_column_a_variable_nan_where_missing(table: pa.Table, schema: Schema) -> None:
    codes = schema.encode(table)
    assert codes.shape == (60, 5)
    assert codes.dtype == np.float64
    nulls = table.column("income").is_null().to_numpy()
    np.testing.assert_array_equal(np.isnan(codes[:, 2]), nulls)
    assert not np.isnan(np.delete(codes, 2, axis=1)).any()


def test_columns_are_found_by_name_in_any_order_and_number(table: pa.Table, schema: Schema) -> None:
    codes = schema.encode(table)
    turned = table.select(["active", "since", "income", "city", "age"])
    np.testing.assert_array_equal(schema.encode(turned), codes)
    fewer = schema.encode(table.select(["city"]))
    np.testing.assert_array_equal(fewer[:, 1], codes[:, 1])
    assert np.isnan(np.delete(fewer, 1, axis=1)).all()


def test_an_empty_table_and_one_of_nulls_are_encoded(table: pa.Table, schema: Schema) -> None:
    assert schema.encode(table.slice(0, 0)).shape == (0, 5)
    nothing = pa.table({name: pa.nulls(2) for name in schema.names})
    assert np.isnan(schema.encode(nothing)).all()
    assert schema.decode(np.full((2, 5), np.nan)).equals(nothing.cast(schema.arrow_schema))


def test_decoding_gives_names_and_types_back(table: pa.Table, schema: Schema) -> None:
    codes = schema.encode(table)
    assert schema.decode(codes).schema.equals(schema.arrow_schema)
    assert schema.arrow_schema.field("since").type == pa.timestamp("s", tz="UTC")
    some = schema.decode(codes, ["city", "age"])
    assert some.equals(table.select(["city", "age"]))


def test_every_kind_can_be_overruled(table: pa.Table) -> None:
    overrides: dict[str, str | dict[str, Any]] = {
        "customer_id": "continuous",
        "age": {"kind": "categorical"},
        "city": "left_out",
        "income": {"kind": "left_out", "reason": "private"},
    }
    schema = Schema.infer(table, overrides)
    kinds = {column.name: column.kind for column in schema.columns}
    assert kinds["customer_id"] == "continuous"
    assert kinds["age"] == "categorical"
    assert schema.left_out == (LeftOut("city", "by the user"), LeftOut("income", "private"))


def test_two_texts_can_be_made_binary(table: pa.Table) -> None:
    two = pa.table({"sex": ["f", "m", None, "m"]})
    assert Schema.infer(two).columns[0].kind == "categorical"
    assert Schema.infer(two, {"sex": "binary"}).columns[0].kind == "binary"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"agee": "continuous"}, r"'agee'.*did you mean 'age'\?"),
        (
            {"age": "ordinal"},
            "'age'.*'kind' must be one of binary, categorical, factorised, integer, cont",
        ),
        ({"age": {}}, "'age': 'kind' is missing"),
        ({"age": 3}, "'age': expected an object, got 3"),
        ({"age": {"kind": "continuous", "clip": 3}}, "'age': unknown field 'clip'"),
        ({"city": "binary"}, "'city' cannot be binary: it holds 3 distinct values"),
        ({"city": "continuous"}, "'city' cannot be continuous: its type is string"),
        ({"city": "integer"}, "'city' cannot be integer: its type is string"),
        ({"income": "integer"}, "'income' cannot be integer: its values share no resolution"),
        ({"income": "datetime"}, "'income' cannot be datetime: its type is double"),
    ],
)
def test_impossible_overrides_are_refused(
    table: pa.Table, overrides: dict[str, Any], message: str
) -> None:
    with pytest.raises(SchemaError, match=message):
        Schema.infer(table, overrides)


def test_a_table_without_rows_is_refused(table: pa.Table) -> None:
    with pytest.raises(SchemaError, match="no rows"):
        Schema.infer(table.slice(0, 0))


def test_a_table_of_one_row_has_nothing_to_model(table: pa.Table) -> None:
    schema = Schema.infer(table.slice(0, 1))
    assert schema.columns == ()
    assert {left.reason for left in schema.left_out} == {"constant"}


def test_two_columns_of_one_name_are_refused(schema: Schema) -> None:
    twice = pa.table([pa.array([1]), pa.array([2])], names=["age", "age"])
    with pytest.raises(SchemaError, match="'age'"):
        Schema.infer(twice)
    with pytest.raises(TableError, match="column 'age': the table has two columns"):
        schema.encode(twice)


def test_nan_in_several_columns_is_named_in_each() -> None:
    nan = pa.array([1.0, float("nan"), 2.0])
    with pytest.raises(TableError) as caught:
        Schema.infer(pa.table({"a": nan, "b": nan}))
    assert [(cell.row, cell.column) for cell in caught.value.cells] == [(1, "a"), (1, "b")]
    assert Schema.infer(pa.table({"a": nan, "b": [1, 2, 3]}), {"a": "left_out"}).names == ("b",)


def test_errors_of_all_columns_are_told_together(schema: Schema) -> None:
    table = pa.table(
        {"age": ["old", "41"], "city": [[1], [2]], "agee": [1, 2], "customer_id": ["?", "?"]}
    )
    with pytest.raises(TableError) as caught:
        schema.encode(table)
    assert caught.value.cells == (
        CellError(
            None,
            "agee",
            "unknown column; expected one of 'age', 'city', 'income', 'since', 'active'; "
            "did you mean 'age'?",
        ),
        CellError(0, "age", "expected a number, got 'old'"),
        CellError(0, "city", "expected text, got [1], a value of type list<item: int64>"),
        CellError(1, "city", "expected text, got [2], a value of type list<item: int64>"),
    )


def test_at_most_twenty_cells_are_told(schema: Schema) -> None:
    table = pa.table({"age": ["x"] * 15, "city": [[1]] * 15})
    with pytest.raises(TableError) as caught:
        schema.encode(table)
    assert len(caught.value.cells) == 20


def test_schema_survives_its_file(table: pa.Table, schema: Schema) -> None:
    text = json.dumps(schema.to_json(), allow_nan=False)
    read = Schema.from_json(json.loads(text))
    assert read == schema
    np.testing.assert_array_equal(read.encode(table), schema.encode(table))


def test_the_file_is_what_a_person_can_read(schema: Schema) -> None:
    content = schema.to_json()
    assert list(content) == ["format_version", "columns", "left_out"]
    age, city, _, since, active = content["columns"]
    assert list(age)[:5] == ["name", "kind", "arrow_type", "minimum", "maximum"]
    assert age["arrow_type"] == "int64"
    assert [type(age[field]) for field in ("minimum", "resolution", "origin")] == [int] * 3
    assert city["categories"] == ["Bern", "Graz", "Rom"]
    assert active["values"] == [False, True]
    assert since["arrow_type"] == "timestamp[s, tz=UTC]"
    assert since["minimum"].startswith("19")
    assert content["left_out"] == [
        {"name": "customer_id", "reason": "key: named like one, and no value occurs twice"}
    ]


def test_the_file_can_be_edited(table: pa.Table, schema: Schema) -> None:
    content = schema.to_json()
    content["columns"][1]["categories"].append("Wien")
    content["columns"][0]["components"] = 3
    edited = Schema.from_json(content)
    assert edited.columns[1].encode(pa.array(["Wien"])).tolist() == [3.0]
    assert edited.columns[0].outputs == 10  # one of them for what lies outside the support


Edit = Callable[[dict[str, Any]], None]


def _at(content: dict[str, Any], path: tuple[str | int, ...]) -> dict[str | int, Any]:
    """Return the part of a file that a path leads to."""
    place: Any = content
    for key in path:
        place = place[key]
    return cast(dict[str | int, Any], place)


def _set(*path: str | int, to: object) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        _at(content, path[:-1])[path[-1]] = to

    return edit


def _drop(*path: str | int) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        del _at(content, path[:-1])[path[-1]]

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_set("format_version", to=2), "schema: 'format_version' must be 1, got 2"),
        (_drop("format_version"), "schema: 'format_version' is missing"),
        (_drop("columns"), "schema: 'columns' is missing"),
        (_set("columns", to={}), "schema: 'columns' must be a list"),
        (_set("columns", 2, to="income"), r"columns\[2\]: expected an object, got 'income'"),
        (_drop("columns", 0, "name"), r"columns\[0\]: 'name' is missing"),
        (_set("columns", 0, "name", to=3), r"columns\[0\] 3: 'name' must be text"),
        (_set("columns", 0, "kind", to="count"), r"columns\[0\] 'age': 'kind' must be one of bin"),
        (_set("columns", 0, "kind", to="binary"), r"columns\[0\] 'age': 'values' is missing"),
        (_set("columns", 0, "arrow_type", to="int"), r"columns\[0\] 'age': 'arrow_type' must be"),
        (_set("columns", 0, "arrow_type", to="string"), "must be a type for a number, got"),
        (_set("columns", 2, "scale", to=0), "'scale' must be a finite number above 0, got 0"),
        (_set("columns", 2, "scale", to=float("inf")), "'scale' must be a finite number above 0"),
        (_set("columns", 2, "shift", to="1"), "'shift' must be a number, got '1'"),
        (_set("columns", 2, "shift", to=True), "'shift' must be a number, got True"),
        (_set("columns", 0, "components", to=2.5), "'components' must be a whole number"),
        (_set("columns", 0, "components", to=0), "'components' must be a finite number above 0"),
        (_set("columns", 0, "minimum", to=1e9), "'minimum' must be no larger than 'maximum'"),
        (_set("columns", 0, "resolution", to=-1), "'resolution' must be a finite number above 0"),
        (_set("columns", 0, "origin", to=None), "'origin' must be a number, got None"),
        (_set("columns", 0, "atoms", to=3), "'atoms' must be a list, got 3"),
        (_set("columns", 0, "atoms", to=["x"]), r"'age', atoms\[0\]: 'value' must be a number"),
        (_set("columns", 0, "transform", to=3), "'age', transform: expected an object, got 3"),
        (_set("columns", 0, "transform", "width", to=0), "'age', transform: 'width' must be a fin"),
        (_set("columns", 0, "bins", to=3), r"columns\[0\] 'age': unknown field 'bins'"),
        (_set("columns", 1, "categories", to=[]), "'categories' must be a list of at least one"),
        (_set("columns", 1, "categories", 1, to=5), r"5 is not of type string"),
        (_set("columns", 1, "categories", 1, to="Bern"), "a value occurs twice"),
        (_set("columns", 1, "unseen_mass", to=1), "'unseen_mass' must be .* above 0 and below 1"),
        (_set("columns", 1, "arrow_type", to="list<int>"), "'arrow_type' must be the name"),
        (_set("columns", 1, "arrow_type", to="binary"), "values of type binary are not modelled"),
        (_set("columns", 3, "minimum", to="soon"), "'minimum' must be a date or a time stamp"),
        (_set("columns", 4, "values", to=[True]), "'values' must be a list of two values"),
        (_set("columns", 4, "values", to=[0, 1]), "0 is not of type bool"),
        (_set("columns", 1, "name", to="age"), "column 'age' occurs twice"),
        (_set("left_out", 0, "name", to="age"), "column 'age' occurs twice"),
        (_drop("left_out", 0, "reason"), r"left_out\[0\] 'customer_id': 'reason' is missing"),
        (_drop("left_out"), "schema: 'left_out' is missing"),
    ],
)
def test_a_broken_file_is_refused_and_the_place_named(
    schema: Schema, edit: Edit, message: str
) -> None:
    content = schema.to_json()
    edit(content)
    with pytest.raises(SchemaError, match=message):
        Schema.from_json(content)


@pytest.mark.parametrize("content", [None, [], "schema", 3])
def test_a_file_that_is_no_object_is_refused(content: object) -> None:
    with pytest.raises(SchemaError, match="schema: expected an object"):
        Schema.from_json(content)


def test_descriptions_are_ready_for_json(table: pa.Table) -> None:
    towns = pa.array([f"town {row % 29}" for row in range(60)])
    schema = Schema.infer(table.append_column("town", towns), {"city": "left_out"})
    described = json.loads(json.dumps(schema.describe(), allow_nan=False))
    assert [column["name"] for column in described] == list(schema.names)
    for column in described:
        example = pa.table({column["name"]: [column["example"]]})
        assert not np.isnan(schema.encode(example)).all()


def test_description_lists_fifty_categories_at_most() -> None:
    table = pa.table({"town": [f"town {row % 80}" for row in range(400)]})
    (town,) = Schema.infer(table).describe()
    assert len(town["categories"]) == 50
    assert town["category_count"] == 80
