"""Large JSON bodies are read in slices, and mean what they mean read at once."""

import json
import tracemalloc
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madeira.app.codecs.json.slices import SLICE_BYTES, SlicedRows, read_slices
from madeira.app.codecs.json.table import json_table
from madeira.app.codecs.json.text import decode, parse_json
from madeira.app.errors import InvalidInputError, MalformedBodyError
from madeira.models.schema.schema import Schema

LIMIT = 10_000
SLICE = 1000  # more than a row below, or all that stands beside the rows, can have

CELL = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=9)
NASTY = st.sampled_from(["},{", '"},', "],[", "\\", '\\"', "[{", "}", '"rows": [', "é☃😀"])
NESTED = st.recursive(
    NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=3),
    max_leaves=4,
)
ROW = st.dictionaries(st.text(max_size=5) | NASTY, CELL | NASTY, max_size=4) | st.dictionaries(
    NASTY, NESTED, max_size=2
)
SPACE = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n ", " : ")])


def repeated(rows: list[Any]) -> list[Any]:
    """Enough rows for some slices."""
    return rows * 9


def whole(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document whose rows are lists."""
    return {
        key: list(value) if isinstance(value, SlicedRows) else value
        for key, value in document.items()
    }


def written(document: dict[str, Any], separators: tuple[str, str], ascii_only: bool) -> bytes:
    return json.dumps(document, separators=separators, ensure_ascii=ascii_only).encode()


@settings(deadline=None, max_examples=100)
@given(
    rows=st.lists(ROW | st.lists(NESTED, max_size=3), min_size=1, max_size=60).map(repeated),
    before=st.dictionaries(st.sampled_from(["model", "seed", "x"]), CELL | NASTY),
    after=st.dictionaries(st.sampled_from(["draws", "estimate"]), CELL | NASTY),
    separators=SPACE,
    ascii_only=st.booleans(),
)
def test_rows_are_the_same_in_slices(
    rows: list[Any],
    before: dict[str, Any],
    after: dict[str, Any],
    separators: tuple[str, str],
    ascii_only: bool,
) -> None:
    document = {**before, "rows": rows, **after}
    body = written(document, separators, ascii_only)
    assert whole(read_slices(body, parse_json, LIMIT, SLICE)) == document


@settings(deadline=None, max_examples=60)
@given(
    data=st.lists(
        st.lists(CELL | NASTY | NESTED, min_size=2, max_size=2), min_size=1, max_size=60
    ).map(repeated),
    separators=SPACE,
)
def test_columns_and_data_are_the_same_in_slices(
    data: list[Any], separators: tuple[str, str]
) -> None:
    for document in (
        {"columns": ["a", "b"], "data": data, "seed": 1},
        {"seed": 1, "data": data, "columns": ["a", "b"]},
    ):
        body = written(document, separators, True)
        assert whole(read_slices(body, parse_json, LIMIT, SLICE)) == document


@pytest.mark.parametrize("cell", ["}, {", "\\", '"', '\\"},{', "}],[", "\\\\", "☃"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_cut_never_falls_into_a_text(cell: str, ascii_only: bool) -> None:
    document = {"rows": [{"a": cell * length, cell: "x"} for length in range(60)] * 3, "seed": 1}
    for separators in ((",", ":"), (" ,\n ", " : ")):
        body = written(document, separators, ascii_only)
        assert whole(read_slices(body, parse_json, LIMIT, SLICE)) == document


def test_lists_in_the_cells_of_a_large_body_are_read() -> None:
    tags = [[{"x": [1]}, {"y": [2]}]] * 40
    document = {"rows": [{"income": 1, "tags": tags}] * 2500, "seed": 1}
    body = orjson.dumps(document)
    assert len(body) > 4 * SLICE_BYTES
    assert whole(decode(body, 1_000_000)) == document


@pytest.mark.parametrize("second", [b'[{"a":3}]', b"[]", b"null", b"[1]"])
def test_the_last_of_two_lists_of_rows_counts(second: bytes) -> None:
    body = b'{"rows":[' + b'{"a":1},' * 400 + b'{"a":2}],"rows":' + second + b',"seed":1}'
    assert whole(read_slices(body, parse_json, LIMIT, SLICE)) == orjson.loads(body)
    other = b'{"rows":' + second.replace(b"{", b" {") + b"," + body[1:]
    if not second.startswith(b"[{"):  # a first list that is full is the one cut into slices
        assert whole(read_slices(other, parse_json, LIMIT, SLICE)) == orjson.loads(other)


@pytest.mark.parametrize(
    "wrong",
    [
        b"}],}",
        b"},]}",
        b"},,{}]}",
        b"} {}]}",
        b"}]]}",
        b"}}}",
        b'}},"a":1}',
        b'}],"a"}',
        b"}",
        b"}]",
        b'"}]}',
    ],
)
@pytest.mark.parametrize("rows", [*range(160, 200), 1000])
def test_what_is_no_json_is_refused_wherever_the_cut_falls(wrong: bytes, rows: int) -> None:
    body = b'{"rows":[' + b'{"a":1234},' * rows + b"{" + wrong
    with pytest.raises(MalformedBodyError):
        read_slices(body, parse_json, LIMIT, SLICE)


def large(rows: int = 100_000, **more: Any) -> dict[str, Any]:
    return {"rows": [{"city": "Funchal", "income": float(place)} for place in range(rows)], **more}


def test_a_large_body_is_read() -> None:
    document = large(seed=3)
    assert whole(decode(orjson.dumps(document), 100_000)) == document


def test_impossible_numbers_of_a_large_body_are_let_through() -> None:
    body = orjson.dumps(large()).replace(b":70000.0}", b":NaN}")
    assert np.isnan(decode(body, 100_000)["rows"][70_000]["income"])


@pytest.mark.parametrize(("row", "bad"), [(3, b":3.0,}"), (70_000, b":70000..0}")])
def test_what_is_wrong_in_a_large_body_has_its_line(row: int, bad: bytes) -> None:
    body = orjson.dumps(large()).replace(b"},", b"},\n")
    broken = body.replace(b":%d.0}" % row, bad)
    assert broken != body
    with pytest.raises(MalformedBodyError, match=f"line {row + 1}, column"):
        decode(broken, 100_000)


def test_a_large_body_that_ends_early_is_malformed() -> None:
    with pytest.raises(MalformedBodyError, match="not valid JSON"):
        decode(orjson.dumps(large())[:-5], 100_000)


def test_no_more_rows_are_read_than_the_limit() -> None:
    body = b'{"rows":[' + b"{}," * 20_000_000 + b"{}]}"
    seen = 0

    def parse(text: bytes) -> object:
        nonlocal seen
        seen += len(text)
        return orjson.loads(text)

    with pytest.raises(InvalidInputError, match="limit of 1000"):
        read_slices(body, parse, 1000)
    assert seen < 4 * SLICE_BYTES


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"given":{' + b'"a":1,' * 10**6 + b'"a":1}}', "may have at most"),
        (b'{"rows":[{}],"given":{' + b'"a":1,' * 10**6 + b'"a":1}}', "beside its rows"),
        (b'{"rows":[{"a":[' + b"[]," * 10**6 + b"[]]}]}", "Row 0 is too long"),
        (b'{"rows":[{"a":"' + b"x" * 10**7 + b'"},{}]}', "Row 0 is too long"),
        (b'{"rows":[' + b"1," * 2_000_000 + b"1]}", "may have at most"),
        (b'["' + b"x" * 3_000_000 + b'"]', "may have at most"),
        (b' "' + b"x" * 3_000_000 + b'"', "not a text"),
        (b'{"given":"' + b"x" * 3_000_000 + b'"}', "may have at most"),
        (b'{"rows":[' + b'{"a":[[],[]]},' * 10**6 + b"{}]}", "More rows"),
        (b'{"rows":[{},' + b"1," * 2_000_000 + b"1]}", "Row 1 is too long"),
    ],
)
def test_a_large_body_is_large_for_its_rows(body: bytes, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        decode(body, 1000)


def test_what_is_no_json_is_told_from_its_beginning() -> None:
    for body in (
        b"a,b\n" + b"1,2\n" * 10**6,
        b'{"rows" [' + b"{}," * 10**6,
        b"\xff" * 10**7,
        b'{"rows":"' + b"x" * 10**7,
        b'["' + b"x" * 10**7,
        b'"' + b"x" * 10**7,
        b'{"rows":[{"a":"' + b"x" * 10**7,
    ):
        with pytest.raises(MalformedBodyError):
            decode(body, 1000)


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=400), st.integers(0, 3000))
def test_broken_bodies_are_refused(junk: bytes, place: int) -> None:
    body = orjson.dumps({"model": "x", "rows": [{"a": 1, "b": "c"}] * 150, "seed": 1})
    broken = body[:place] + junk + body[place:]
    try:
        found = whole(read_slices(broken, parse_json, LIMIT, SLICE))
    except (MalformedBodyError, InvalidInputError, json.JSONDecodeError):
        return
    assert found == orjson.loads(broken)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_any_rows_of_a_large_body_can_be_taken(data: st.DataObject) -> None:
    rows = [{"a": place, "b": "x" * (place % 7)} for place in range(300)]
    found = read_slices(orjson.dumps({"rows": rows}), parse_json, LIMIT, SLICE)["rows"]
    place = data.draw(st.integers(-300, 299))
    start, stop = data.draw(st.integers(-310, 310)), data.draw(st.none() | st.integers(-310, 310))
    assert found[place] == rows[place]
    assert found[-1] == rows[-1]
    assert found[start:stop] == rows[start:stop]
    with pytest.raises(IndexError):
        found[300]


def test_rows_of_a_large_body_are_not_held_as_objects() -> None:
    body = orjson.dumps(large())
    tracemalloc.start()
    try:
        document = decode(body, 100_000)
        assert sum(row["income"] for row in document["rows"]) == sum(range(100_000))
        assert tracemalloc.get_traced_memory()[1] < 3 * SLICE_BYTES
    finally:
        tracemalloc.stop()


SCHEMA = Schema.infer(
    pa.table({"size": [x / 7 for x in range(60)], "kind": ["a", "b", "c"] * 20}),
    {"size": "continuous", "kind": "categorical"},
)
ROWS: list[dict[str, Any]] = [
    {"size": place / 3 if place % 5 else None, "kind": "abc"[place % 3]} for place in range(700)
]


@pytest.mark.parametrize("by_columns", [False, True])
def test_a_table_is_the_same_in_slices(by_columns: bool) -> None:
    document: dict[str, Any] = {"rows": ROWS}
    if by_columns:
        document = {"columns": ["size", "kind"], "data": [list(row.values()) for row in ROWS]}
    few = json_table(document)
    many = json_table(read_slices(orjson.dumps(document), parse_json, LIMIT, SLICE))
    assert len(many) == len(few)
    assert many.names() == few.names()
    assert np.array_equal(many.encode(SCHEMA), few.encode(SCHEMA), equal_nan=True)
    assert many.arrow(SCHEMA) == few.arrow(SCHEMA)
    assert many.objects(95, 600) == few.objects(95, 600)
    assert many.cell(650, "kind") == few.cell(650, "kind")


@pytest.mark.parametrize("wrong", [3, [], {"size": "x"}, {"kind": [1]}, {"weight": 1}])
def test_errors_of_a_table_are_the_same_in_slices(wrong: object) -> None:
    document = {"rows": [*ROWS, wrong, *ROWS, wrong]}
    found = []
    for read in (document, read_slices(orjson.dumps(document), parse_json, LIMIT, SLICE)):
        with pytest.raises(InvalidInputError) as caught:
            json_table(read).encode(SCHEMA)
        found.append(caught.value.cells)
    assert found[0] == found[1]
    assert found[0][0].row == len(ROWS)
