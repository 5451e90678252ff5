"""Categories that other columns tell to be alike stand together."""

import numpy as np
import pyarrow as pa
import pytest

from madeira.models.columns import Factorised
from madeira.models.schema import Schema
from madeira.models.schema.category_order import neighbours

SIZE, ROWS = 120, 6000
GENERATOR = np.random.default_rng(0)
KIND_OF = GENERATOR.integers(0, 4, SIZE)  # of each code
CODE = GENERATOR.integers(0, SIZE, ROWS)


def table(**more: pa.Array) -> pa.Table:
    names = GENERATOR.permutation([f"code {number:03}" for number in range(SIZE)])
    colour = np.array(["red", "green", "blue", "grey"])[KIND_OF[CODE]]
    return pa.table({"code": pa.array(names[CODE]), "colour": pa.array(colour), **more})


def infer(rows: pa.Table) -> Schema:
    return Schema.infer(rows, {"code": "factorised"})


def code_of(schema: Schema) -> Factorised:
    column = schema.columns[schema.names.index("code")]
    assert isinstance(column, Factorised)
    return column


def colours_of_groups(schema: Schema, rows: pa.Table) -> list[set[str]]:
    column = code_of(schema)
    groups = column.encode(rows["code"]) // column.group_size
    colours = np.array(rows["colour"].to_pylist())
    return [set(colours[groups == group]) for group in range(column.groups)]


@pytest.mark.parametrize("order", [["code", "colour"], ["colour", "code"]])
def test_categories_that_go_with_one_value_of_another_column_share_groups(order: list[str]) -> None:
    rows = table().select(order)
    mixed = sum(len(colours) > 1 for colours in colours_of_groups(infer(rows), rows))
    assert mixed <= 3  # the borders between four colours
    plain = Schema((Factorised.fit("code", rows["code"]),))
    assert sum(len(colours) > 1 for colours in colours_of_groups(plain, rows)) > 8


def test_nulls_and_further_columns_of_many_values_do_not_matter() -> None:
    rows = table(city=pa.array([f"city {code % 37}" for code in GENERATOR.permutation(ROWS)]))
    holes = pa.array(GENERATOR.random(ROWS) < 0.3)
    rows = rows.set_column(1, "colour", pa.compute.if_else(holes, None, rows["colour"]))
    schema = Schema.infer(rows, {"code": "factorised", "city": "factorised"})
    known = rows.filter(pa.compute.is_valid(rows["colour"]))
    assert sum(len(colours) > 1 for colours in colours_of_groups(schema, known)) <= 4


def test_what_decodes_is_what_came() -> None:
    rows = table()
    schema = infer(rows)
    assert schema.decode(schema.encode(rows)).equals(rows)
    column = code_of(schema)
    counts = dict(zip(column.vocabulary.values, column.counts, strict=True))
    expected = rows["code"].value_counts()
    assert counts == {entry["values"].as_py(): entry["counts"].as_py() for entry in expected}


def test_a_dictionary_that_came_ordered_keeps_its_order() -> None:
    rows = table()
    names = sorted(set(rows["code"].to_pylist()), reverse=True)
    indices = pa.array([names.index(name) for name in rows["code"].to_pylist()], pa.int32())
    ordered = pa.DictionaryArray.from_arrays(indices, pa.array(names), ordered=True)
    column = code_of(infer(rows.set_column(0, "code", ordered)))
    assert list(column.vocabulary.values) == names
    assert column.dimensions == 3  # four colours, all that there is to tell apart


def test_alone_it_has_no_neighbours_to_look_at() -> None:
    column = code_of(infer(table().select(["code"])))
    assert column.dimensions == 0
    assert list(column.vocabulary.values) == sorted(map(str, column.vocabulary.values))


def test_groups_are_whole_and_hold_every_category_once() -> None:
    points = GENERATOR.normal(size=(1003, 5))
    order = neighbours(points, np.ones(1003), 32)
    assert sorted(order.tolist()) == list(range(1003))
    within = [points[order[start : start + 32]].std(0)[:4].mean() for start in range(0, 1003, 32)]
    assert np.mean(within) < 0.8 * points.std()
