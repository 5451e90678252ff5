"""Numbers and dates that are held as text: found on all values, read, and written as they came."""

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madeira.models.columns import Datetime, Integer
from madeira.models.errors import SchemaError, TableError
from madeira.models.schema import Schema
from madeira.models.values.arrow_types import Family
from madeira.models.values.json_record import Record
from madeira.models.values.notation.notation import find_notation, notation_from_json

NUMBERS: list[tuple[list[str], list[float]]] = [
    (["12.5%", "7%", "100%"], [12.5, 7, 100]),
    (["$1,234.50", "$5.00", "-$7.25", "$1,000,000.00"], [1234.5, 5, -7.25, 1e6]),
    (["$1,234.50", "($5.00)"], [1234.5, -5]),
    (["USD 1,234.50", "USD 5.00"], [1234.5, 5]),
    (["1.234,50 €", "5,00 €", "-3,20 €"], [1234.5, 5, -3.2]),
    (["1.234 €", "500 €"], [1234, 500]),
    (["1,234", "500", "1,000,000"], [1234, 500, 1_000_000]),
    (["1,234", "12,5"], [1.234, 12.5]),
    (["1\u202f234,5", "2,25"], [1234.5, 2.25]),
    (["1'234.50", "2.00"], [1234.5, 2]),
    (["12 kg", "5.5 kg"], [12, 5.5]),
    (["1", "22", "-333"], [1, 22, -333]),
]
INSTANTS: list[tuple[list[str], str]] = [
    (["2020-01-31", "1999-12-01"], "2020-01-31"),
    (["31/12/2020", "1/2/2020"], "2020-12-31"),
    (["12/31/20", "01/02/20"], "2020-12-31"),
    (["01/02/2020", "03/04/2020"], "2020-01-02"),
    (["1.2.2020", "3.4.2020"], "2020-02-01"),
    (["31-Dec-2020", "01-Jan-1999"], "2020-12-31"),
    (["December 31, 2020", "May 1, 2021"], "2020-12-31"),
    (["2020-01-31T10:00:00", "2020-02-28T11:22:33"], "2020-01-31T10:00:00"),
    (["2020-01-31 10:00", "2020-02-28 11:22"], "2020-01-31T10:00:00"),
    (["2020-01-31T10:00:00.125", "2020-02-28T11:22:33.500"], "2020-01-31T10:00:00.125"),
    (["2020-01-31T10:00:00.000001Z", "2020-02-28T11:22:33.500000Z"], "2020-01-31T10:00:00.000001"),
    (["12/31/2020 1:05 PM", "1/2/2020 12:00 AM"], "2020-12-31T13:05:00"),
    (["20/12/2020, 10:00:00", "31/01/2021, 11:00:00"], "2020-12-20T10:00:00"),
]


@pytest.mark.parametrize(("texts", "numbers"), NUMBERS, ids=[texts[0] for texts, _ in NUMBERS])
def test_numbers_are_read_and_written_as_they_came(texts: list[str], numbers: list[float]) -> None:
    array = pa.array([*texts, None])
    notation = find_notation(array)
    assert notation is not None
    read = notation.read("v", array)
    assert read.to_pylist() == [*numbers, None]
    assert notation.write(read).to_pylist() == [*texts, None]
    assert notation_from_json(Record.of("v", notation.to_json())) == notation


@pytest.mark.parametrize(("texts", "first"), INSTANTS, ids=[texts[0] for texts, _ in INSTANTS])
def test_instants_are_read_and_written_as_they_came(texts: list[str], first: str) -> None:
    array = pa.array([*texts, None], pa.large_string())
    notation = find_notation(array)
    assert notation is not None
    read = notation.read("v", array)
    assert read[0].as_py().replace(tzinfo=None) == dt.datetime.fromisoformat(first)
    assert notation.write(read).to_pylist() == [*texts, None]
    assert notation_from_json(Record.of("v", notation.to_json())) == notation


@pytest.mark.parametrize(
    "texts",
    [
        ["01234", "99999"],
        ["90210", "12345"],
        ["C-0001", "C-0002"],
        ["Person 1", "Person 2"],
        ["SKU123", "SKU4"],
        ["12A", "7A"],
        ["$5", "7 €"],
        ["3.5", "abc"],
        ["1.2.3.4", "1.1.1.1"],
        ["+49 123", "+49 22"],
        ["2021-02-29", "2021-02-28"],
        ["31/12/2020", "12/31/2020"],
        ["10:30", "11:20"],
        ["", "1"],
    ],
    ids=lambda texts: texts[0],
)
def test_codes_names_and_mixtures_are_no_numbers(texts: list[str]) -> None:
    assert find_notation(pa.array(texts)) is None


@given(
    values=st.lists(st.integers(-(10**9), 10**9), min_size=11, max_size=30, unique=True),
    decimals=st.integers(0, 4),
)
def test_whatever_amounts_are_written_come_back(values: list[int], decimals: int) -> None:
    texts = [f"{'-' if v < 0 else ''}${abs(v) / 10**decimals:,.{decimals}f}" for v in values]
    column = Integer.fit("usd", pa.array(texts))
    assert column.decode(column.encode(pa.array(texts))).to_pylist() == texts


def test_offsets_of_zones_are_counted() -> None:
    array = pa.array(["2020-01-31T10:00:00+05:30", "2020-01-31T10:00:00-0800"])
    column = Datetime.fit("t", array)
    came = column.decode(column.encode(array)).to_pylist()
    assert came == ["2020-01-31T04:30:00Z", "2020-01-31T18:00:00Z"]


def test_a_cell_that_is_written_otherwise_is_named() -> None:
    usd = Integer.fit("usd", pa.array([f"${n:,}.50" for n in range(990, 1020)]))
    assert usd.encode(pa.array(["$1010.5", None]))[0] == usd.encode(pa.array(["$1,010.50"]))[0]
    with pytest.raises(TableError, match=r"row 1, column 'usd': .*such as '\$1,234.50', got '5 €'"):
        usd.encode(pa.array(["$7.00", "5 €"]))
    day = Datetime.fit("day", pa.array(["31/12/2020", "01/02/2021"]))
    with pytest.raises(TableError, match=r"row 0, column 'day': .*such as '31/12/2023'"):
        day.encode(pa.array(["2020-12-31"]))


def test_numbers_themselves_are_understood_too() -> None:
    percent = Integer.fit("p", pa.array([f"{n / 2}%" for n in range(30)]))
    assert percent.encode(pa.array([12.5]))[0] == percent.encode(pa.array(["12.5%"]))[0]


def test_a_user_decides_which_is_the_day() -> None:
    table = pa.table({"t": ["01/02/2020", "03/04/2020"] * 9})
    for pattern, month in (("%d/%m/%Y", 2), ("%m/%d/%Y", 1)):
        schema = Schema.infer(table, {"t": {"kind": "datetime", "pattern": pattern}})
        assert schema.to_json()["columns"][0]["minimum"].startswith(f"2020-0{month}-0")
        assert schema.decode(schema.encode(table)).equals(table)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"kind": "datetime", "pattern": "%d/%m"}, "'pattern' must be a date in the letters"),
        ({"kind": "datetime", "pattern": "day"}, "'pattern' must be a date in the letters"),
        ({"kind": "categorical", "pattern": "%d/%m/%Y"}, "'pattern' must be left away"),
    ],
)
def test_a_pattern_that_is_none_is_refused(override: dict[str, Any], message: str) -> None:
    table = pa.table({"t": ["01/02/2020", "03/04/2020"] * 9})
    with pytest.raises(SchemaError, match=message):
        Schema.infer(table, {"t": override})


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"point": ";"}, "'point' must be '.' or ','"),
        ({"group": "_"}, "'group' must be what parts thousands"),
        ({"decimals": 13}, "'decimals' must be at most 12"),
        ({"prefix": None}, "'prefix' must be text"),
        ({"fixed": 1}, "'fixed' must be true or false"),
        ({"colour": 1}, "unknown field 'colour'"),
        ({"pattern": "%Y"}, "unknown field 'prefix'|'pattern' must be"),
    ],
)
def test_a_broken_notation_is_refused(edit: dict[str, Any], message: str) -> None:
    notation = find_notation(pa.array(["$1,000", "$2"]))
    assert notation is not None
    with pytest.raises(SchemaError, match=message):
        notation_from_json(Record.of("v", notation.to_json() | edit))


def test_only_text_has_a_notation() -> None:
    assert find_notation(pa.array([1, 2])) is None
    assert find_notation(pa.array(["1", "22"]), (Family.INSTANT,)) is None
