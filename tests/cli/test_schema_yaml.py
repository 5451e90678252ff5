"""A schema file overrules what is inferred; what is wrong in it is found by line and column."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from madeira.app.codecs.schema.read import MAX_BYTES, read_schema
from madeira.models import Schema, SchemaError, TableError

TABLE = pa.table(
    {
        "age": [1, 2, 3, 4] * 10,
        "größe": [0, 1] * 20,
        "town": ["a", "b"] * 20,
        "grade": ["x", "y", "z", "z"] * 10,
    }
)


def write(directory: Path, text: str) -> Path:
    path = directory / "kinds.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "age: continuous\ntown: {kind: binary}\n",
        "# why\n\nage: continuous  # because\n'town': binary\n",
        '{"age": "continuous", "town": {"kind": "binary", "reason": "two"}}',
        '{"age":"continuous",\n"town":{"kind":"binary","categories":["a","b"]}}',
    ],
)
def test_kinds_in_all_spellings(text: str, tmp_path: Path) -> None:
    schema = read_schema(write(tmp_path, text), TABLE)
    kinds = {column.name: column.kind for column in schema.columns}
    assert kinds == {
        "age": "continuous",
        "größe": "binary",
        "town": "binary",
        "grade": "categorical",
    }


def test_whole_schema_of_a_checkpoint_is_taken_as_it_is(tmp_path: Path) -> None:
    values = {"x": [1e-7 * row + 1e-12 * row**3 for row in range(40)], "🦉": ["1e5", "no"] * 20}
    table = pa.table(TABLE.to_pydict() | values)
    schema = Schema.infer(table, {"town": "left_out"})
    for ascii_only in (True, False):
        path = write(tmp_path, json.dumps(schema.to_json(), ensure_ascii=ascii_only, indent=2))
        assert read_schema(path, table) == schema


def test_names_that_yaml_would_take_for_something_else_are_names(tmp_path: Path) -> None:
    names = ["no", "null", "1", "1.5", "2020-01-31", "true", "~", "1e5", ""]
    table = pa.table({name: ["a", "b"] * 20 for name in names})
    text = "\n".join(f"{name}: binary" for name in names[:-1]) + '\n"": binary'
    schema = read_schema(write(tmp_path, text), table)
    assert [column.kind for column in schema.columns] == ["binary"] * len(names)


def test_categories_give_room_and_hold_training_rows_to_them(tmp_path: Path) -> None:
    path = write(tmp_path, "grade:\n  kind: categorical\n  categories: [z, y, x, w]\n")
    grade = read_schema(path, TABLE).columns[3]
    assert grade.encode(pa.array(["z", "w", "v"])).tolist() == [0.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n  "age": }', "kinds.yaml:2:3: the kind of 'age' is a word, not null"),
        ('{\n  "age": ]', "kinds.yaml:2:10: not YAML and not JSON: "),
        ("age: integer\n  town: x\n", "kinds.yaml:2:7: not YAML and not JSON: "),
        ("age: 'integer\n", "kinds.yaml:2:1: not YAML and not JSON: "),
        ("\tage: integer\n", "kinds.yaml:1:1: not YAML and not JSON: "),
        ("age: integer\x07\n", "kinds.yaml"),
        ("", "kinds.yaml is empty"),
        ("# only a comment\n", "kinds.yaml is empty"),
        ('{"age": "continuous",\n "agee": "binary"}', ":2:2: the table has no column 'agee'; did"),
        ("zzz: binary", ":1:1: the table has no column 'zzz'; its columns are age, größe"),
        ("\ngröße: 3", ":2:1: the kind of 'größe' is a word, not 3"),
        ('{\n"gr\\u00f6\\u00dfe": null}', ":2:1: the kind of 'größe' is a word, not null"),
        ("age: [integer]", ":1:1: the kind of 'age' is a word, not [\"integer\"]"),
        ("town: categorical\nage: ordinal", ":2:1: override of 'age': 'kind' must be one of bin"),
        ("age:\n  kind: ordinal", ":2:3: override of 'age': 'kind' must be one of bin"),
        ("age:\n  reason: x", ":1:1: override of 'age': 'kind' is missing"),
        ("age:\n  kind: integer\n  step: 5", ":3:3: override of 'age': unknown field 'step'"),
        ("\ntown: integer", ":2:1: column 'town' cannot be integer: its type is string and its t"),
        ("age: integer\ngrade: binary", ":2:1: column 'grade' cannot be binary: it holds 3 dist"),
        ("age: datetime", ":1:1: column 'age' cannot be datetime: its type is int64"),
        ("age: binary\nage: continuous", ":2:1: 'age' twice"),
        ('{"age": "binary",\n "age": "continuous"}', ":2:2: 'age' twice"),
        (
            "grade:\n  kind: categorical\n  categories: [x, y]",
            ":3:3: column 'grade': 'z' in row 2 is not among its categories",
        ),
        ("grade:\n  kind: categorical\n  categories: [x, x]", ":3:3: override of 'grade': 'categ"),
        ("town:\n  kind: binary\n  categories: [a, c]", ":1:1: row 1, column 'town': expected 'a'"),
        ("town:\n  kind: binary\n  categories: [1, 2]", ":3:3: override of 'town': 'categories'"),
        ("age:\n  kind: integer\n  categories: [1]", ":3:3: override of 'age': 'categories' must"),
        ("[1]", ":1:1: columns and their kinds are expected"),
        ("age", ":1:1: columns and their kinds are expected"),
        ("? [a]\n: b", ":1:3: a name is expected"),
        ("age: &a integer\ngrade: *a", "anchors are not understood"),
        ("age: !!binary x", ":1:6: tags are not understood"),
        ("age: integer\n---\nage: integer", ":2:1: not YAML and not JSON: "),
        ('{"columns": [{"name": "age"}]}', "kinds.yaml:1:1: schema: 'format_version' is missing"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SchemaError) as raised:
        read_schema(write(tmp_path, text), TABLE)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def _edited(**edits: Any) -> str:
    """Write the whole schema of the table, with one field of its first column edited."""
    content = Schema.infer(TABLE, {"age": "integer"}).to_json()
    first = content["columns"][0] | edits
    lines = [f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in first.items()]
    rest = "".join(f",\n    {json.dumps(entry)}" for entry in content["columns"][1:])
    return (
        '{"format_version": 1,\n"columns": [\n  {\n'
        + ",\n".join(lines)
        + "\n  }"
        + rest
        + '\n],\n"left_out": []}\n'
    )


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"kind": "ordinal"}, ":5:5: columns[0] 'age': 'kind' must be one of binary"),
        ({"minimum": "low"}, ":7:5: columns[0] 'age': 'minimum' must be a number"),
        ({"name": "agee"}, ":3:3: the table has no column 'agee'; did you mean 'age'?"),
        ({"name": "größe"}, "'größe' occurs twice"),
        ({"arrow_type": "string"}, ":6:5: columns[0] 'age': 'arrow_type' must be a type for a n"),
        ({"transform": {"width": 0}}, ":10:5: columns[0] 'age', transform: 'center' is missing"),
    ],
)
def test_what_is_wrong_in_a_whole_schema_is_named_with_its_place(
    edit: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(SchemaError) as raised:
        read_schema(write(tmp_path, _edited(**edit)), TABLE)
    assert said in str(raised.value)


def test_a_whole_schema_has_to_fit_the_table(tmp_path: Path) -> None:
    path = write(tmp_path, _edited())
    assert read_schema(path, TABLE).names == ("age", "größe", "town", "grade")
    with pytest.raises(SchemaError, match=r":2:1: column 'more' of the table is missing"):
        read_schema(path, TABLE.append_column("more", pa.array(range(40))))
    with pytest.raises(SchemaError, match=r"the table has no column 'town'; its columns are"):
        read_schema(path, TABLE.drop_columns("town"))
    with pytest.raises(SchemaError, match=r":3:3: row 0, column 'age': expected a .*number"):
        read_schema(path, TABLE.set_column(0, "age", pa.array(["old"] * 40)))


def test_columns_that_the_file_does_not_name_are_not_its_fault(tmp_path: Path) -> None:
    table = TABLE.append_column("bad", pa.array([float("nan")] * 40))
    with pytest.raises(TableError, match="row 0, column 'bad'"):
        read_schema(write(tmp_path, "age: integer"), table)
    assert "bad" not in read_schema(write(tmp_path, "bad: left_out"), table).names
    with pytest.raises(SchemaError, match=r":1:1: row 0, column 'bad'"):
        read_schema(write(tmp_path, "bad: continuous"), table)


def test_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"none\.yaml does not exist"):
        read_schema(tmp_path / "none.yaml", TABLE)
    with pytest.raises(SchemaError, match=r"cannot be read: Is a directory"):
        read_schema(tmp_path, TABLE)
    (tmp_path / "latin.yaml").write_bytes(b"gr\xf6\xdfe: binary")
    with pytest.raises(SchemaError, match=r"latin\.yaml is not text in UTF-8"):
        read_schema(tmp_path / "latin.yaml", TABLE)
    (tmp_path / "zip.yaml").write_bytes(b"PK\x03\x04\0\0")
    with pytest.raises(SchemaError, match=r"zip\.yaml:1:3: .*no text"):
        read_schema(tmp_path / "zip.yaml", TABLE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age: " + "[" * 1000, "nested deeper than 32"),
        ("age: " + "[" * 50_000 + "]" * 50_000, "nested deeper than 32"),
        ("{a: " * 50_000, "nested deeper than 32"),
        ("- " * 50_000, "nested deeper than 32"),
        ("age: " + "1" * 5000, "a number of 5000 characters is too long"),
        ("age: 1e" + "1" * 5000, "characters is too long"),
        ('age: "\\ud8zz\\udczz"', "not YAML"),
        ("age: *" + "a" * 10_000, "not YAML"),
        ("x" * 1000 + ": continuous", "the table has no column"),
        ("age: " + "x" * 10_000, "must be one of"),
        (
            '{"format_version": 1, "columns": [{"name": "age", "kind": "integer", "arrow_type": "'
            + "dictionary<values=" * 5000
            + '"}], "left_out": []}',
            "the name of an Arrow type",
        ),
        (
            '{"format_version": 1, "left_out": [], "columns": [{"name": "age", '
            '"kind": "categorical", "arrow_type": "int64", "unseen_mass": 0.1, "categories": [1'
            + "0" * 300
            + "]}]}",
            "categories",
        ),
    ],
    ids=range(12),
)
def test_a_hostile_file_is_refused_in_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=said) as caught:
        read_schema(write(tmp_path, text), TABLE)
    assert len(str(caught.value)) < len(str(tmp_path)) + 1000


def test_a_file_without_end_is_not_read_whole(tmp_path: Path) -> None:
    path = write(tmp_path, "# " + "x" * (MAX_BYTES - 1))
    with pytest.raises(SchemaError, match="is over 64 MiB"):
        read_schema(path, TABLE)
