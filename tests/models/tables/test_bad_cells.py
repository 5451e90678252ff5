"""Few cells that are no number do not cost a column of numbers; categories keep theirs."""

import random

import pandas as pd
import pyarrow as pa
import pytest

from madeira.models import DensityEstimator, Schema, TableError, TableWarning
from madeira.models.tables.bad_cells import refuse_bad_cells, without_bad_cells
from tests.models.tables.conftest import SMALL

R = random.Random(0)
ROWS = 200


def day() -> tuple[int, int, int]:
    return R.randint(2010, 2023), R.randint(1, 12), R.randint(1, 28)


def iso() -> str:
    return "{}-{:02}-{:02}".format(*day())


def american() -> str:
    year, month, day_of_month = day()
    return f"{month:02}/{day_of_month:02}/{year}"


MENDED = {
    "one word": ([f"{R.uniform(1, 99):.2f}" for _ in range(ROWS)], ["call us"], "double"),
    "whole": ([str(R.randint(1, 999)) for _ in range(ROWS)], ["12O", "??"], "int64"),
    "dollars": ([f"${R.uniform(1, 9999):,.2f}" for _ in range(ROWS)], ["call us"], "string"),
    "percent": ([f"{R.randint(1, 99)}%" for _ in range(ROWS)], ["tbd"], "string"),
    "decimal comma": ([f"{R.randint(1, 99)},5" for _ in range(ROWS)], ["k.A."], "string"),
    "days": ([iso() for _ in range(ROWS)], ["2020-02-31", "soon"], "date32[day]"),
    "stamps": ([f"{iso()} 10:00:00" for _ in range(ROWS)], ["x"], "timestamp[s]"),
    "american": ([american() for _ in range(ROWS)], ["unknown date"], "string"),
    "many words": (
        [f"{R.uniform(1, 99):.2f}" for _ in range(ROWS)],
        ["POA"] * (ROWS // 3),
        "double",
    ),
}

KEPT = {
    "diagnoses": [str(R.randint(100, 200)) for _ in range(ROWS)] + ["V57", "E9", "V4", "V1"] * 5,
    "postcodes": [f"{R.randint(1, 99999):05}" for _ in range(ROWS)] + ["SW1A"],
    "grades": [str(R.randint(1, 5)) for _ in range(ROWS)] + ["x"],
    "tickets": [str(R.randint(1, 10**6)) for _ in range(ROWS)]
    + [f"A/5 {R.randint(1, 10**4)}" for _ in range(ROWS // 4)],
    "numbers": [str(number) for number in range(10115, 10315)],
    "words": ["red", "blue"] * ROWS,
}


@pytest.mark.parametrize("name", MENDED)
def test_few_cells_that_do_not_fit_are_missing_and_told(name: str) -> None:
    good, odd, arrow_type = MENDED[name]
    table, (bad,), notes = without_bad_cells(pa.table({"x": [*odd, *good]}))
    assert bad.rows == tuple(range(len(odd)))
    assert bad.texts == tuple(odd)
    assert str(table["x"].type) == arrow_type
    assert table["x"].null_count == len(odd)
    assert not notes
    expected = Schema.infer(pa.table({"x": good})).columns
    found = Schema.infer(table).columns
    numeric = {"integer", "continuous", "datetime"}
    assert [column.kind for column in found] == [column.kind for column in expected]
    assert {column.kind for column in found} <= numeric


@pytest.mark.parametrize("name", KEPT)
def test_codes_and_categories_keep_their_texts(name: str) -> None:
    before = pa.table({"x": KEPT[name]})
    table, bad, notes = without_bad_cells(before)
    assert table.equals(before)
    assert not bad
    assert not notes


def test_message_has_the_count_the_texts_and_the_rows() -> None:
    good, odd, _ = MENDED["whole"]
    _, (bad,), _ = without_bad_cells(pa.table({"price": [*good, *odd]}))
    assert str(bad) == (
        "column 'price': 2 of 202 cells are no number, and missing from here on: "
        "'12O', '??' (rows 200, 201)"
    )
    with pytest.raises(TableError, match="row 200, column 'price': expected a number, got '12O'"):
        refuse_bad_cells([bad])
    refuse_bad_cells([])


def test_dates_written_in_two_ways_are_dates() -> None:
    texts = [iso() if row % 2 else american() for row in range(ROWS)]
    table, bad, (note,) = without_bad_cells(pa.table({"when": texts}))
    assert not bad
    assert table["when"].type == pa.date32()
    assert table["when"][1].as_py().isoformat() == texts[1]
    assert table["when"][0].as_py().strftime("%m/%d/%Y") == texts[0]
    assert "column 'when': dates are written in several ways, 100 as" in note


def test_kind_that_the_user_names_decides() -> None:
    good, odd, _ = MENDED["one word"]
    table = pa.table({"x": [*good, *odd]})
    assert without_bad_cells(table, {"x": "categorical"})[0].equals(table)
    grades = pa.table({"x": KEPT["grades"]})
    mended, (bad,), _ = without_bad_cells(grades, {"x": "integer"})
    assert bad.texts == ("x",)
    assert mended["x"].type == pa.int64()


def test_fit_warns_of_cells_or_refuses_them() -> None:
    frame = pd.DataFrame(
        {"price": [*(row / 4 for row in range(119)), "call us"], "k": list("ab") * 60}
    )
    with pytest.warns(TableWarning, match="column 'price': 1 of 120 cells is no number"):
        fitted = DensityEstimator(config=SMALL).fit(frame)
    assert {column.name: column.kind for column in fitted.schema.columns}["price"] == "integer"
    with pytest.raises(TableError, match="row 119, column 'price': expected a number"):
        DensityEstimator(config=SMALL).fit(frame, on_bad_cell="fail")
