"""Every Arrow type against every kind of column: an answer, or an error that names the column."""

import contextlib
from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from madeira.app.codecs.answer_tables import filled_tables
from madeira.app.codecs.answers import FilledTable
from madeira.app.codecs.arrow.format import ArrowFormat
from madeira.app.codecs.formats import JSON
from madeira.app.errors import RequestError
from madeira.app.jobs import ImputeResult, ModelKey
from madeira.models.schema.schema import Schema
from tests.app.kinds import every_kind, training_table
from tests.app.running import RunningService, assert_problem
from tests.app.streams import post_arrow, read_stream, stream

FAR = 2**62


KNOWN = training_table()


@pytest.fixture(scope="module")
def schema() -> Schema:
    return every_kind()


def instants() -> Iterator[pa.Array]:
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "Europe/Lisbon", "Nowhere/Land"):
            for ticks in (1_700_000_001, FAR):
                yield pa.array([ticks, None], pa.int64()).cast(pa.timestamp(unit, zone))
    yield pa.array([0, 2**31 - 1, -(2**31)], pa.int32()).cast(pa.date32())
    yield pa.array([0, 86_400_000 * 3], pa.int64()).view(pa.date64())
    yield pa.array([FAR, -FAR], pa.int64()).view(pa.date64())


def others() -> Iterator[pa.Array]:
    yield pa.nulls(3)
    yield pa.array([0, 1], pa.int32()).cast(pa.time32("s"))
    yield pa.array([0, 1], pa.int32()).cast(pa.time32("ms"))
    for unit in ("us", "ns"):
        yield pa.array([1, 86_399_999_999], pa.int64()).view(pa.time64(unit))
    for unit in ("s", "ms", "us", "ns"):
        yield pa.array([1, FAR], pa.int64()).view(pa.duration(unit))
    yield pa.array([(1, 2, 3)], pa.month_day_nano_interval())
    for kind in (pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(3)):
        yield pa.array([b"abc", b"\xff\xfe\xfd", None], kind)
    for kind in (pa.list_(pa.int8()), pa.large_list(pa.int8()), pa.list_(pa.int8(), 2)):
        yield pa.array([[1, 2], None], kind)
    yield pa.array([[1], []], pa.list_view(pa.int64()))
    nested = pa.array([1, 2])
    for _ in range(10):
        nested = pa.ListArray.from_arrays(pa.array(range(len(nested) + 1), pa.int32()), nested)
    yield nested
    yield pa.array([{"a": 1, "b": {"c": "x"}}])
    yield pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))
    yield pa.UnionArray.from_dense(
        pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([1]), pa.array(["x"])]
    )
    yield pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1]), pa.array(["x"])])
    yield pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array(["red"]))
    yield pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16], pa.binary(16)))
    yield pa.array(["[1]"], pa.json_())
    yield pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8()))


def plain() -> Iterator[pa.Array]:
    whole = [pa.int8(), pa.int16(), pa.int32(), pa.int64()]
    whole += [pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
    for kind in whole:
        limits = np.iinfo(kind.to_pandas_dtype())
        yield pa.array([0, 1, 3, int(limits.max), int(limits.min), None], kind)
    for kind in (pa.float16(), pa.float32(), pa.float64()):
        yield pa.array(np.array([0.0, -0.0, 1.5, 6e4]), pa.float64()).cast(kind)
        yield pa.array(np.array([np.nan, np.inf, -np.inf])).cast(kind)
    for digits, scale in ((1, 0), (9, 2), (38, 0), (38, 38), (38, -5)):
        yield pa.array([Decimal(0), None], pa.decimal128(digits, scale))
    yield pa.array([Decimal("9" * 70)], pa.decimal256(76, 0))
    yield pa.array([Decimal("1.5")], pa.decimal32(5, 2))
    yield pa.array([Decimal("1.5")], pa.decimal64(12, 2))
    yield pa.array([True, False, None])
    texts = ["red", "", "1", "1e999", "true", "2024-01-02", "2024-01-02T03:04:05.123456789Z"]
    texts += ["10000-01-01", "31/12/2020", "$3.5", "x" * 1000, "\x00", "é☃\U0001f600", "9" * 5000]
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        yield pa.array([*texts, None], kind)
        for text in texts:
            yield pa.array([text, text], kind)


def coded() -> Iterator[pa.Array]:
    """Dictionaries, of every type of index, with nulls among their values and out of use."""
    for array in [*plain(), *instants(), *others()]:
        with contextlib.suppress(pa.ArrowException):
            yield pa.DictionaryArray.from_arrays(pa.array([0, 0, None], pa.uint32()), array)
    values = pa.array(["red", None, "never used"])
    yield pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0], pa.int8()), values)
    yield pa.DictionaryArray.from_arrays(pa.array([1, 1], pa.int8()), values)
    yield pa.DictionaryArray.from_arrays(pa.array([None, None], pa.int8()), values)
    yield pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array([1.5, None]))


ARRAYS = [*plain(), *instants(), *others(), *coded()]


def imputed(schema: Schema, values: np.ndarray) -> ImputeResult:
    """Return an answer as it could be: the first code of every column."""
    codes = np.stack([column.encode(KNOWN[column.name])[:1] for column in schema.columns])
    drawn = np.repeat(codes.T, len(values), axis=0)
    drawn = np.where(np.isnan(values), drawn, values)
    half = np.full(values.shape, 0.5)
    return ImputeResult(drawn[None], half, drawn, drawn)


def through(array: pa.Array, name: str, schema: Schema) -> None:
    """All that a column of a request meets, to its answer in either format."""
    body = stream(pa.table({name: array}))
    table = ArrowFormat().parse(body, 1000, 10**8).table(schema, left_out=True)
    values = table.encode(schema)
    answer = FilledTable(
        model=ModelKey("any", "1"),
        schema=schema,
        warnings=(),
        seed=1,
        table=table,
        values=values,
        result=imputed(schema, values),
        sent_bytes=len(body),
    )
    for filled in filled_tables(answer):
        filled.validate(full=True)
    for form in (ArrowFormat(), JSON):
        form.check_filled(table)
        b"".join(form.filled(answer))


def fault(array: pa.Array, name: str, schema: Schema) -> str | None:
    """Return what is wrong with the answer to an array, if anything is."""
    try:
        through(array, name, schema)
    except RequestError as error:
        named = error.status != 422 or {cell.column for cell in error.cells} == {name}
        return None if named and len(error.detail) < 1000 else error.detail[:100]
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:100]}"
    return None


@pytest.mark.parametrize("column", training_table().column_names)
def test_a_column_of_any_type_is_read_or_refused(schema: Schema, column: str) -> None:
    alone = Schema((schema.columns[schema.names.index(column)],), ())
    faults = {(str(array.type)[:60], fault(array, column, alone)) for array in ARRAYS}
    assert not [found for found in faults if found[1]]


ODD = {
    "joined": pa.array([2**62, None], pa.int64()).cast(pa.timestamp("s")),
    "born": pa.array([0, 0], pa.int64()).cast(pa.timestamp("ns", "Nowhere/Land")),
    "income": pa.array([1, 2], pa.int64()).view(pa.time64("ns")),
    "visits": pa.array([1_700_000_000_000_000_001, 2], pa.int64()).cast(pa.timestamp("ns")),
    "city": pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array([b"x", None])),
    "member": pa.array([[[[[1]]]], None]),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("path", ["/score", "/impute", "/sample?n=1"])
def test_a_column_of_an_odd_type_is_named(service: RunningService, path: str, name: str) -> None:
    content = stream(pa.table({name: ODD[name][:1]}))
    headers = {"content-type": "application/vnd.apache.arrow.stream"}
    answer = service.client.post(path, content=content, headers=headers)
    problem = assert_problem(answer, 422)
    assert name in problem["detail"]


@pytest.mark.parametrize("path", ["/score", "/impute"])
def test_a_dictionary_that_holds_null_is_read(service: RunningService, path: str) -> None:
    cities = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None], pa.int8()), pa.array(["Funchal", None, "never"])
    )
    answer = post_arrow(service, path, pa.table({"city": cities}))
    assert read_stream(answer).num_rows == 3
