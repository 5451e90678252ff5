"""CSV bodies of any form give the answers of the same rows in JSON."""

import csv
import io
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from madeira.app.codecs.csv.reader import read_csv
from madeira.app.codecs.csv.writer import CsvWriter
from madeira.app.codecs.request_tables import columns_to_read, encode_arrow
from madeira.app.errors import BodyTooLargeError, InvalidInputError, RequestError
from madeira.models.schema.schema import Schema
from tests.app.alike import as_rows
from tests.app.kinds import every_kind, training_table
from tests.app.running import RunningService, assert_problem

CSV = "text/csv"


@pytest.fixture(scope="module")
def schema() -> Schema:
    return every_kind()


def post(
    service: RunningService, path: str, body: str | bytes, kind: str = CSV, **options: Any
) -> httpx.Response:
    headers = {"content-type": kind}
    return service.client.post(path, content=body, headers=headers, params=options)


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


def read(schema: Schema, body: str | bytes, *, header: bool = True, **limits: int) -> pa.Table:
    content = body.encode() if isinstance(body, str) else body
    bounds = {"row_limit": 1000, "limit_bytes": 10**7, **limits}
    return read_csv(
        content, schema, columns_to_read(schema, left_out=True), header=header, **bounds
    )


def written(table: pa.Table) -> bytes:
    writer = CsvWriter(header=True)
    return writer.write(table) + writer.close()


def test_a_file_is_scored_as_its_rows_in_json(
    service: RunningService, shop_table: pa.Table
) -> None:
    table = shop_table.slice(0, 40)
    scored = rows_of(post(service, "/score", written(table), contributions="true"))
    expected = service.post("/score", {"rows": as_rows(table), "contributions": True})
    for name in ("log_likelihood", "anomaly_score"):
        assert [float(row[name]) for row in scored] == expected[name]
    assert [row["is_anomaly"] == "true" for row in scored] == expected["is_anomaly"]
    for row, contributions in zip(scored, expected["contributions"], strict=True):
        for name, nats in contributions.items():
            cell = row[f"contributions.{name}"]
            assert (float(cell) if cell else None) == nats


def test_gaps_are_filled_as_in_json_and_the_rest_comes_back(
    service: RunningService, shop_table: pa.Table
) -> None:
    table = shop_table.slice(0, 40)
    answer = post(service, "/impute", written(table), seed=3)
    expected = service.post("/impute", {"rows": as_rows(table), "seed": 3})
    assert answer.headers["x-madeira-model"] == "shop"
    assert answer.headers["x-madeira-seed"] == "3"
    filled = rows_of(answer)
    for row, sent, other in zip(filled, table.to_pylist(), expected["rows"], strict=True):
        assert row["note"] == sent["note"]
        assert row["city"] == other["city"]
        assert float(row["income"]) == other["income"]
        assert row["member"] == str(other["member"]).lower()


def test_rows_are_drawn_as_in_json(service: RunningService) -> None:
    drawn = rows_of(post(service, "/sample", "city\nFunchal\n", n=50, seed=3))
    expected = service.post("/sample", {"n": 50, "seed": 3, "given": {"city": "Funchal"}})
    assert len(drawn) == 50
    for row, other in zip(drawn, expected["rows"], strict=True):
        assert {name: str(value) for name, value in other.items() if name == "city"} == {
            "city": row["city"]
        }
        assert float(row["income"]) == other["income"]
        assert row["born"] == other["born"]


def test_the_header_may_be_left_out(service: RunningService, shop_table: pa.Table) -> None:
    names = service.app.state.plane.registry.models["shop"].schema.names
    lines = written(shop_table.slice(0, 5).select(names)).split(b"\n", 1)
    with_header = post(service, "/score", b"\n".join(lines)).text
    without = post(service, "/score", lines[1], "text/csv; header=absent")
    assert without.text == with_header.split("\n", 1)[1]
    headers = {"content-type": CSV, "accept": "text/csv;header=absent"}
    other = service.client.post("/score", content=b"\n".join(lines), headers=headers)
    assert other.text == without.text
    refused = post(service, "/score", "1\n", "text/csv; header=perhaps")
    assert "`present` or `absent`" in assert_problem(refused, 415)["detail"]


def test_the_query_may_name_the_format_of_the_answer(service: RunningService) -> None:
    answer = service.client.post("/sample?n=3&format=csv")
    assert len(rows_of(answer)) == 3
    refused = service.client.post("/sample?n=3&format=cvs")
    assert "did you mean 'csv'" in assert_problem(refused, 422)["detail"].lower()


def test_every_kind_of_column_survives_the_way_there_and_back(schema: Schema) -> None:
    table = training_table()
    found = read(schema, written(table))
    assert found.column_names == table.column_names
    codes, expected = encode_arrow(found, schema), encode_arrow(table, schema)
    # A float of 32 bits is written with few digits, as in JSON.
    assert codes == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("float\n1.5\n\n2", "float", [1.5, None, 2]),
        ('float\n1.5\n""\n', "float", [1.5, None]),
        ("float,whole\nNA,3.0\n-,N/A\n+1e3,7\n", "float", [None, None, 1000]),
        ("whole,float\n3.0,1\n,2\n", "whole", [3, None]),
        ("unsigned,float\n18446744073709551615,1\n", "unsigned", [2**64 - 1]),
        ("flag,float\nTRUE,1\n0,1\nNA,2\n", "flag", [True, False, None]),
        ("text;float\nred;1,5\nblue;2\n", "float", [1.5, 2]),
        ("text\tfloat\nred\t1\n", "text", ["red"]),
        ("text , float\n  red ,1\n", "text", ["red"]),
        ('"text","float"\r\n"a ""b"", c\nd",1\r\n', "text", ['a "b", c\nd']),
        ("\ufefftext,float\nNA,1\n", "text", [None]),
        (",text\n0,red\n1,blue\n", "text", ["red", "blue"]),
        ("day,float\n2024-01-02,1\nnone,2\n", "day", ["2024-01-02", None]),
    ],
)
def test_files_as_people_have_them_are_read(
    schema: Schema, text: str, name: str, expected: list[object]
) -> None:
    assert read(schema, text).column(name).to_pylist() == expected


def test_a_word_for_missing_that_is_a_category_stays_one() -> None:
    damage = pa.array(["None", "Minor", "None", "Major"] * 20)
    schema = Schema.infer(pa.table({"damage": damage, "x": pa.array(range(80))}))
    table = read(schema, "damage,x\nNone,1\nNA,2\nMinor ,3\n")
    assert table["damage"].to_pylist() == ["None", None, "Minor"]


@pytest.mark.parametrize(
    ("text", "row", "column", "message"),
    [
        ("float,text\n1,a\nheavy,b\n", 1, "float", "expected a number, got 'heavy'"),
        ("float,text\n1,a\n2\n3,c,d\n", 1, None, "expected 2 values, got 1"),
        ("flag,text\nperhaps,a\n", 0, "flag", "expected true or false"),
        ("colour,text\nred,a\n", None, "colour", "unknown column"),
        ("text,text\nred,a\n", None, "text", "two columns of this name"),
        ('float,text\n"1,a\n2,b\n', 0, None, "expected 2 values, got 1"),
        ("text," * 100_000 + "text\n", None, "text", "two columns of this name"),
    ],
)
def test_what_is_wrong_is_named(
    schema: Schema, text: str, row: int | None, column: str | None, message: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        encode_arrow(read(schema, text), schema)
    first = caught.value.cells[0]
    assert (first.row, first.column) == (row, column)
    assert message in first.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"text,float\nred,1\n\xff,2\n", "Line 3 of the body is not UTF-8"),
        ("text\nred\n".encode("utf-16"), "UTF-8"),
        (b"t\xe9xt\nred\n", "not UTF-8"),
        (b"\n", "empty"),
    ],
)
def test_what_is_no_csv_is_refused(schema: Schema, body: bytes, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        read(schema, body)
    assert message in caught.value.detail


def test_rows_and_bytes_have_a_limit(schema: Schema) -> None:
    with pytest.raises(InvalidInputError, match="limit of 10"):
        read(schema, "text\n" + "red\n" * 11, row_limit=10)
    with pytest.raises(BodyTooLargeError):
        read(schema, "float,whole\n" + ",\n" * 1000, limit_bytes=5000)


def test_only_the_names_of_columns_are_no_rows(schema: Schema) -> None:
    table = read(schema, "text,float\n")
    assert (table.num_rows, table.column_names) == (0, ["text", "float"])


def test_texts_that_need_quotes_have_them() -> None:
    table = pa.table(
        {
            "a": pa.array(['x,"y"', "", None, " z"]),
            "b": pa.array([{"c": 1.5}, None, {"c": None}, {"c": 1e20}]),
        }
    )
    assert written(table).decode() == 'a,b.c\n"x,""y""",1.5\n"",\n,\n" z",1e+20\n'
    assert written(table.select(["a"]).slice(2, 1)).decode() == 'a\n""\n'


def test_an_instant_keeps_its_zone() -> None:
    instants = pa.array([1_700_000_000, None]).cast(pa.timestamp("s", "Europe/Lisbon"))
    lines = written(pa.table({"a": instants, "b": instants.cast(pa.timestamp("ms"))})).decode()
    assert lines == "a,b\n2023-11-14T22:13:20+00:00,2023-11-14T22:13:20.000\n,\n"
    assert pc.max(instants).as_py().isoformat() == "2023-11-14T22:13:20+00:00"
