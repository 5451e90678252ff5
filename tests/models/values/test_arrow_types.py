"""Types fall into families, and their names are read back."""

import doctest

import pyarrow as pa
import pytest

from madeira.models.values import arrow_types
from madeira.models.values.arrow_types import Family, family, is_integer, parse_type, type_name

TYPES = {
    pa.null(): Family.EMPTY,
    pa.bool_(): Family.BOOLEAN,
    pa.int8(): Family.NUMBER,
    pa.uint64(): Family.NUMBER,
    pa.float16(): Family.NUMBER,
    pa.float32(): Family.NUMBER,
    pa.decimal32(5, 2): Family.NUMBER,
    pa.decimal128(20, 0): Family.NUMBER,
    pa.decimal256(50, -2): Family.NUMBER,
    pa.string(): Family.TEXT,
    pa.large_string(): Family.TEXT,
    pa.string_view(): Family.TEXT,
    pa.date32(): Family.INSTANT,
    pa.date64(): Family.INSTANT,
    pa.timestamp("s"): Family.INSTANT,
    pa.timestamp("ns", tz="America/Argentina/Buenos_Aires"): Family.INSTANT,
    pa.timestamp("us", tz="+05:30"): Family.INSTANT,
    pa.dictionary(pa.int8(), pa.string(), ordered=True): Family.TEXT,
    pa.dictionary(pa.uint32(), pa.timestamp("ms", tz="UTC")): Family.INSTANT,
}


@pytest.mark.parametrize("arrow_type", TYPES, ids=str)
def test_every_type_that_columns_have_survives_its_name(arrow_type: pa.DataType) -> None:
    assert parse_type(type_name(arrow_type)) == arrow_type


@pytest.mark.parametrize(("arrow_type", "expected"), TYPES.items(), ids=str)
def test_types_fall_into_families(arrow_type: pa.DataType, expected: Family) -> None:
    assert family(arrow_type) is expected


@pytest.mark.parametrize(
    "arrow_type", [pa.list_(pa.int8()), pa.binary(), pa.month_day_nano_interval()], ids=str
)
def test_what_no_kind_can_hold_is_of_another_family(arrow_type: pa.DataType) -> None:
    assert family(arrow_type) is Family.OTHER


def test_only_integer_types_are_whole() -> None:
    assert is_integer(pa.uint8())
    assert is_integer(pa.dictionary(pa.int8(), pa.int64()))
    assert not is_integer(pa.decimal128(5, 0))


@pytest.mark.parametrize("name", ["", "integer", "timestamp[h]", "decimal128(a, b)"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_type(name)


def test_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(arrow_types).failed == 0
