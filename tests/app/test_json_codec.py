"""The JSON codec: whatever comes is an answer or a refusal, and tables survive the journey."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madeira.app.codecs.json.table import encode_table, json_table
from madeira.app.codecs.json.text import decode, encode_rows, kind_of
from madeira.app.codecs.json_values import json_values
from madeira.app.errors import InvalidInputError, MalformedBodyError, RequestError
from madeira.models import DensityEstimator
from tests.app.running import RunningService, assert_problem

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["rows", "columns", "data", "city", "income", "joined", "x"]), inner
        )
    ),
    max_leaves=12,
)
BODY = st.fixed_dictionaries(
    {},
    optional={
        "rows": st.lists(
            st.dictionaries(st.sampled_from(["city", "income", "joined", "visits"]), JSON)
        )
        | JSON,
        "columns": st.lists(st.sampled_from(["city", "income", "joined"])) | JSON,
        "data": st.lists(st.lists(JSON, max_size=3)) | JSON,
        "model": st.just("shop") | JSON,
        "contributions": st.booleans() | JSON,
        "contamination": st.floats() | JSON,
        "draws": st.integers(-1, 3) | JSON,
        "estimate": st.sampled_from(["draw", "mean"]) | JSON,
        "seed": st.integers() | JSON,
        "n": st.integers(-1, 30) | JSON,
        "given": st.dictionaries(st.sampled_from(["city", "income", "born"]), JSON) | JSON,
        "temperature": st.floats() | JSON,
    },
)
GOOD = orjson.dumps(
    {"rows": [{"city": "Funchal", "income": 12.5, "joined": "2021-03-04", "member": True}] * 2}
)
PATHS = ["/score", "/sample", "/impute"]


def check(service: RunningService, path: str, body: bytes) -> None:
    """Return an answer of finite numbers, or a refusal that is the caller's fault."""
    answer = service.client.post(path, content=body, headers={"content-type": "application/json"})
    if answer.status_code == 200:
        json.loads(answer.content, parse_constant=pytest.fail)
    else:
        assert answer.status_code in (400, 404, 422)
        assert_problem(answer, answer.status_code)


@settings(max_examples=150)
@given(body=st.binary(max_size=200), path=st.sampled_from(PATHS))
def test_arbitrary_bytes_never_break_the_service(
    service: RunningService, body: bytes, path: str
) -> None:
    check(service, path, body)


@settings(max_examples=300)
@given(body=BODY, path=st.sampled_from(PATHS))
def test_arbitrary_json_never_breaks_the_service(
    service: RunningService, body: dict[str, Any], path: str
) -> None:
    check(service, path, json.dumps(body).encode("utf-8", errors="replace"))


@settings(max_examples=300)
@given(data=st.data(), path=st.sampled_from(PATHS))
def test_a_mutated_body_never_breaks_the_service(
    service: RunningService, data: st.DataObject, path: str
) -> None:
    body = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        match data.draw(st.sampled_from(["replace", "delete", "insert"])):
            case "replace":
                body[place] = data.draw(st.integers(0, 255))
            case "delete" if len(body) > 1:
                del body[place]
            case _:
                body[place:place] = data.draw(
                    st.sampled_from([b"NaN", b"null", b"1e999", b"[", b'"', b"\\ud800", b"\x00"])
                )
    check(service, path, bytes(body))


@given(document=st.dictionaries(st.text(), JSON))
def test_what_is_json_is_read_as_the_standard_library_reads_it(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    try:
        read = decode(text.encode(), 1000)
    except MalformedBodyError:
        # Only halves of surrogate pairs, which the standard library lets through.
        with pytest.raises(UnicodeEncodeError):
            json.dumps(document, ensure_ascii=False).encode()
        return
    assert repr(_as_floats(read)) == repr(_as_floats(json.loads(text)))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "whole", [0, 10**17, 10**18, 10**18 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**19, 10**20]
)
def test_a_whole_number_is_the_same_beside_impossible_numbers(whole: int, sign: int) -> None:
    alone = decode(b'{"x": %d}' % (sign * whole), 1000)["x"]
    beside = decode(b'{"x": %d, "y": Infinity}' % (sign * whole), 1000)["x"]
    assert repr(beside) == repr(alone)


def _as_floats(value: object) -> object:
    """Whole numbers beyond 64 bits are floats to the fast parser."""
    match value:
        case bool():
            return value
        case int() if not -(2**63) <= value < 2**64:
            return float(value) if abs(value) < 1e308 else math.copysign(math.inf, value)
        case list():
            return [_as_floats(item) for item in value]
        case dict():
            return {key: _as_floats(item) for key, item in value.items()}
        case _:
            return value


@given(
    table=st.lists(
        st.fixed_dictionaries(
            {
                "city": st.none() | st.sampled_from(["Funchal", "Machico", "elsewhere", ""]),
                "member": st.none() | st.booleans(),
                "income": st.none()
                | st.floats(allow_nan=False, allow_infinity=False)
                | st.integers(-(2**70), 2**70),
                "visits": st.none() | st.integers(-(2**53), 2**53),
                "joined": st.none()
                | st.datetimes(
                    datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)
                ).map(datetime.isoformat),
            }
        ),
        max_size=20,
    )
)
def test_both_forms_are_encoded_alike_and_as_the_schema_does(
    estimator: DensityEstimator, table: list[dict[str, Any]]
) -> None:
    schema = estimator.schema
    names = ["joined", "visits", "income", "member", "city"]
    by_rows = encode_table(json_table({"rows": table}), schema)
    data = [[row[name] for name in names] for row in table]
    by_data = encode_table(json_table({"columns": names, "data": data}), schema)
    np.testing.assert_array_equal(by_rows, by_data)
    types = {"city": pa.string(), "member": pa.bool_(), "income": pa.float64()}
    for name, kind in types.items():
        values = [row[name] for row in table]
        if name == "income":
            values = [None if value is None else float(value) for value in values]
        column = next(column for column in schema.columns if column.name == name)
        place = schema.columns.index(column)
        np.testing.assert_array_equal(by_rows[:, place], column.encode(pa.array(values, kind)))


def test_a_cell_is_refused_alone_or_among_good_ones(estimator: DensityEstimator) -> None:
    good = {"city": "Funchal", "member": True, "income": 2**60, "visits": 3}
    assert encode_table(json_table({"rows": [good] * 3}), estimator.schema).shape == (3, 7)
    with pytest.raises(InvalidInputError) as raised:
        encode_table(json_table({"rows": [good, {**good, "income": "x"}]}), estimator.schema)
    assert [(cell.row, cell.column) for cell in raised.value.cells] == [(1, "income")]


ARRAYS = [
    pa.array([1, None, -3], pa.int8()),
    pa.array([1, 2, 2**64 - 1], pa.uint64()),
    pa.array([0.1, None, 1e300], pa.float64()),
    pa.array([0.1, 2.0, 1e-40], pa.float32()),
    pa.array([1.5, None, 2.0], pa.float16()),
    pa.array([True, None, False]),
    pa.array(["a", None, '"\\\n%s %b é\u2028'], pa.string()),
    pa.array(["a", None, "b"], pa.large_string()),
    pa.array(["a", None, "b"], pa.string()).dictionary_encode(),
    pa.array([0, None, 19_000], pa.date32()),
    pa.array([0, None, 1_600_000_000_123_456_789], pa.timestamp("ns")),
    pa.array([0, None, 1_600_000_000], pa.timestamp("s", tz="Europe/Lisbon")),
    pa.array(["1.50", None, "2.00"], pa.string()).cast(pa.decimal128(5, 2)),
    pa.array([None, None, None], pa.float64()),
    pa.array([None, None, None], pa.string()),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.type))
def test_rows_are_written_as_their_values(array: pa.Array) -> None:
    names = ['%s "quoted"', "constant"]
    rows = json.loads(b"[" + encode_rows(names, [array, b'"100%"'], len(array)) + b"]")
    assert [list(row) for row in rows] == [names] * 3
    assert [row["constant"] for row in rows] == ["100%"] * 3
    values = json_values(array)
    written = [row[names[0]] for row in rows]
    if pa.types.is_float32(array.type):
        assert np.array(written, np.float32).tolist() == values
    else:
        assert written == values
    assert json.loads(b"[" + encode_rows(names, [array.slice(0, 0), b"1"], 0) + b"]") == []


def test_instants_are_written_as_iso_8601() -> None:
    seconds = 1_600_000_000
    assert json_values(pa.array([seconds], pa.timestamp("s"))) == ["2020-09-13T12:26:40"]
    assert json_values(pa.array([seconds], pa.timestamp("s", tz="UTC"))) == [
        "2020-09-13T12:26:40+00:00"
    ]
    assert json_values(pa.array([seconds], pa.timestamp("s", tz="Europe/Lisbon"))) == [
        "2020-09-13T13:26:40+01:00"
    ]
    assert json_values(pa.array([18_518], pa.date32())) == ["2020-09-13"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (3, "the number 3"),
        (0.5, "the number 0.5"),
        ("a" * 100, "the text 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'"),
        ([], "a list"),
        ({}, "an object"),
    ],
)
def test_values_are_named_in_the_words_of_json(value: object, said: str) -> None:
    assert kind_of(value) == said


@given(text=st.text())
def test_a_refusal_can_always_be_written(text: str) -> None:
    try:
        json_table({"columns": [text, text], "data": []})
    except RequestError as error:
        orjson.dumps(error.detail)
