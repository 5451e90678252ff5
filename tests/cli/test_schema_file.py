"""A schema file overrules what is inferred; what is wrong in it is found by line and column."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from app.cli.schema_file import read_schema
from models import Schema, SchemaError

TABLE = pa.table({"age": [1, 2, 3, 4] * 10, "größe": [0, 1] * 20, "town": ["a", "b"] * 20})


def write(directory: Path, text: str) -> Path:
    path = directory / "kinds.json"
    path.write_text(text, "utf-8")
    return path


def test_overrides_in_both_spellings(tmp_path: Path) -> None:
    path = write(tmp_path, '{"age": "continuous", "town": {"kind": "binary"}}')
    kinds = [column.kind for column in read_schema(path, TABLE).columns]
    assert kinds == ["continuous", "binary", "binary"]


def test_whole_schema_is_taken_as_it_is(tmp_path: Path) -> None:
    schema = Schema.infer(TABLE, {"town": "left_out"})
    path = write(tmp_path, json.dumps(schema.to_json()))
    assert read_schema(path, TABLE) == schema


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n  "age": }', "kinds.json:2:10: not JSON: expecting value"),
        ('{"age": "continuous",\n "agee": "binary"}', ":2:2: the table has no column 'agee'; did"),
        ('{"zzz": "binary"}', ":1:2: the table has no column 'zzz'; its columns are age, größe"),
        ('{\n"größe": 3}', ":2:1: the kind of 'größe' is a text, not 3"),
        ('{\n"gr\\u00f6\\u00dfe": 3}', ":2:1: the kind of 'größe' is a text, not 3"),
        ('{"age": "ordinal"}', ":1:2: "),
        ('{\n "town": "continuous"}', ":2:2: "),
        ('{"age": "binary",\n "age": "continuous"}', ":2:2: 'age' twice"),
        ("[1]", ":1:1: a JSON object is expected"),
        ('{"columns": [{"name": "age"}]}', "kinds.json: "),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SchemaError) as raised:
        read_schema(write(tmp_path, text), TABLE)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"none\.json does not exist"):
        read_schema(tmp_path / "none.json", TABLE)
