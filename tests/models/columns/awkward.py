"""One awkward column a line: what it is called, what it holds, what it is to be, and why."""

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

__all__ = ["AWKWARD", "ROWS"]

ROWS = 200
_GENERATOR = np.random.default_rng(0)
_PEOPLE = [f"Person {number}" for number in range(ROWS)]
_DAYS = [
    dt.date(2019, 1, 1) + dt.timedelta(int(days)) for days in _GENERATOR.integers(0, 1500, ROWS)
]
_AMOUNTS = _GENERATOR.lognormal(6, 2, ROWS)
_HEX = [f"{number:032x}" for number in range(7, 7 + ROWS)]
_SHUFFLED = _GENERATOR.permutation(ROWS)


def _cycle(*values: Any) -> list[Any]:
    return [values[row % len(values)] for row in range(ROWS)]


AWKWARD: list[tuple[str, pa.Array, str, str]] = [
    # booleans and flags
    ("flag", pa.array(_cycle(True, False, None)), "binary", "booleans"),
    ("zero_one", pa.array(_cycle(0, 1)), "binary", "only 0 and 1"),
    ("zero_one_float", pa.array(_cycle(0.0, 1.0, None)), "binary", "only 0 and 1"),
    ("minus_zero", pa.array(_cycle(0.0, -0.0, 1.0)), "binary", "only 0 and 1"),
    ("yes_no", pa.array(_cycle("yes", "no")), "categorical", "text"),
    ("y_n", pa.array(_cycle("Y", "N", None)), "categorical", "text"),
    ("one_two", pa.array(_cycle(1, 2)), "categorical", "2 distinct numbers"),
    ("half_or_two", pa.array(_cycle(0.5, 2.25)), "categorical", "2 distinct numbers"),
    # grades, codes and counts
    ("grade", pa.array(_cycle(1, 2, 3, 4, 5), pa.int8()), "categorical", "5 distinct numbers"),
    ("grade_float", pa.array(_cycle(1.0, 2.0, 3.0, None)), "categorical", "3 distinct numbers"),
    ("grade_decimal", pa.array(_cycle(Decimal(1), Decimal(2), Decimal(3))), "categorical", "3 dis"),
    ("region_id", pa.array(_cycle(*range(40))), "categorical", "40 codes: named like one"),
    ("zip", pa.array(_cycle("01234", "99999", "00001")), "categorical", "text"),
    ("zip_numbers", pa.array(_cycle(*range(10115, 10195))), "integer", "steps of 1"),
    ("zip_code", pa.array(_cycle(*range(10115, 10195))), "categorical", "80 codes: named like"),
    ("zip_text", pa.array(_cycle(*map(str, range(10115, 10195)))), "categorical", "text"),
    ("capped", pa.array(np.minimum(_GENERATOR.poisson(9, ROWS), 14)), "integer", "steps of 1"),
    ("age", pa.array(_GENERATOR.integers(0, 90, ROWS)), "integer", "steps of 1"),
    ("year", pa.array(_GENERATOR.integers(1990, 2024, ROWS)), "integer", "steps of 1"),
    ("season_year", pa.array(np.arange(1824, 1824 + ROWS)), "integer", "steps of 1"),
    # numbers of one resolution, and others
    ("ratio", pa.array(_cycle(0.1, 0.2, 0.3)), "integer", "steps of 0.1"),
    ("price", pa.array(_GENERATOR.lognormal(size=ROWS).round(2)), "integer", "steps of 0.01"),
    ("hundreds", pa.array(_GENERATOR.integers(1, 90, ROWS) * 100.0), "integer", "steps of 100"),
    ("sorted", pa.array(np.sort(_GENERATOR.choice(9999, ROWS, False))), "integer", "steps"),
    ("money", pa.array([Decimal(row * 7) / 4 for row in range(ROWS)]), "integer", "steps of 1.75"),
    ("humid", pa.array(_GENERATOR.permutation(ROWS) * 3), "integer", "steps of 3"),
    ("income", pa.array(_GENERATOR.lognormal(size=ROWS)), "continuous", "no common resolution"),
    ("tiny", pa.array(_GENERATOR.lognormal(size=ROWS) * 1e-300), "continuous", "no common"),
    ("third", pa.array(_GENERATOR.random(ROWS), pa.float32()), "continuous", "no common"),
    ("half", pa.array(np.arange(ROWS).astype(np.float16) / 8), "continuous", "numbers"),
    ("beyond_floats", pa.array(2**53 + 3 * _SHUFFLED), "left_out", "beyond 2**53 are no amounts"),
    ("snowflakes", pa.array(_cycle(*(2**60 + k for k in range(9, 29)))), "categorical", "2**53"),
    # numbers written as text
    ("percent", pa.array([f"{row / 2}%" for row in range(ROWS)]), "integer", "such as '0.0%'"),
    ("few_percents", pa.array(_cycle("12%", "50%", "7.5%")), "categorical", "text"),
    ("usd", pa.array([f"${x:,.2f}" for x in _AMOUNTS]), "integer", "steps of 0.01, as text"),
    (
        "eur",
        pa.array([f"{x:,.2f} €".translate(str.maketrans(",.", ".,")) for x in _AMOUNTS]),
        "integer",
        "steps of 0.01, as text such as",
    ),
    ("thousands", pa.array([f"{int(100 * x):,}" for x in _AMOUNTS]), "integer", "steps of 1, as"),
    ("weight", pa.array([f"{x:.1f} kg" for x in _AMOUNTS]), "integer", "steps of 0.1, as text"),
    ("counts", pa.array([str(int(x)) for x in _AMOUNTS]), "integer", "steps of 1, as text"),
    ("blanks", pa.array([f" {x:.3f} " for x in _AMOUNTS]), "integer", "steps of 0.001, as text"),
    ("currencies", pa.array(_cycle("$5", "7 €", "$9.10")), "categorical", "text"),
    ("mixed", pa.array([str(x % 23) for x in range(ROWS - 1)] + ["many"]), "categorical", "'many'"),
    (
        "not_available",
        pa.array(_cycle(*map(str, range(30)), "N/A")),
        "categorical",
        "such as 'N/A'",
    ),
    # dates
    ("day", pa.array([dt.date(2020, 1, 1 + row % 28) for row in range(ROWS)]), "datetime", "inst"),
    ("time", pa.array(np.arange(ROWS).astype("M8[us]")), "datetime", "instants"),
    ("zoned", pa.array(np.arange(ROWS)).cast(pa.timestamp("s", "Asia/Tokyo")), "datetime", "inst"),
    ("iso", pa.array([*map(str, _DAYS[:-1]), None]), "datetime", "instants, as text such as"),
    ("iso_zoned", pa.array([f"{day}T08:30:00+02:00" for day in _DAYS]), "datetime", "as text"),
    ("day_first", pa.array([f"{d:%d/%m/%Y}" for d in _DAYS]), "datetime", "as text such as"),
    ("month_first", pa.array([f"{d:%m/%d/%y}" for d in _DAYS]), "datetime", "as text such as"),
    (
        "either_first",
        pa.array([f"{d.month:02}/{d.month:02}/{d.year}" for d in _DAYS]),
        "datetime",
        "read as %m/%d/%Y: no value tells day from month",
    ),
    ("german", pa.array([f"{d.day}.{d.month}.{d.year}" for d in _DAYS]), "datetime", "as text"),
    ("month_name", pa.array([f"{d:%d-%b-%Y}" for d in _DAYS]), "datetime", "as text"),
    ("am_pm", pa.array([f"{d:%m/%d/%Y} 1:05 PM" for d in _DAYS]), "datetime", "as text"),
    ("no_such_day", pa.array(_cycle(*(f"2021-02-{d}" for d in range(10, 31)))), "categorical", ""),
    ("compact", pa.array([f"{d:%Y%m%d}" for d in _DAYS]), "datetime", "instants, as text such as"),
    (
        "compact_numbers",
        pa.array([*(int(f"{d:%Y%m%d}") for d in _DAYS[1:]), None]),
        "datetime",
        "instants, as numbers such as 20",
    ),
    (
        "no_date",
        pa.array([*map(str, _DAYS[1:]), "0000-00-00"]),
        "datetime",
        "'0000-00-00' is no date: missing, 1 times",
    ),
    ("no_days", pa.array(19_999_901 + 2 * _SHUFFLED), "integer", "steps of 2"),
    ("epoch_seconds", pa.array(1_600_000_000 + 7 * _SHUFFLED), "integer", "steps of 7"),
    ("clock", pa.array([dt.time(row % 24) for row in range(ROWS)]), "time", "times of day"),
    ("lag", pa.array([dt.timedelta(row) for row in range(ROWS)]), "duration", "durations"),
    # texts
    ("case_variants", pa.array(_cycle("Yes", "yes", "No")), "categorical", "differ only in case"),
    ("blank_variants", pa.array(_cycle("a", " a", "b")), "categorical", "' a' differ only in case"),
    ("unicode", pa.array(_cycle("Zürich", "東京", "🦉")), "categorical", "text"),
    ("empty_texts", pa.array(_cycle("N/A", "-", "", None)), "categorical", "text"),
    ("pandas", pa.array(_cycle("a", "b")).dictionary_encode(), "categorical", "text"),
    ("levels", pa.array(_cycle(1.5, 2.5, 7.5)).dictionary_encode(), "categorical", "dictionary"),
    # keys
    ("id", pa.array(_SHUFFLED * 3), "left_out", "key: named like one"),
    ("PassengerId", pa.array(_SHUFFLED * 3), "left_out", "key: named like one"),
    ("order_id", pa.array(_SHUFFLED * 3.0), "left_out", "key: named like one"),
    ("text_id", pa.array([f"{row * 3}" for row in range(ROWS)]), "left_out", "key: named like one"),
    ("", pa.array(range(5, 5 + ROWS)), "left_out", "key: counts the rows"),
    ("shuffled", pa.array(_SHUFFLED + 1000), "left_out", "key: counts the rows, in another order"),
    (
        "token",
        pa.array([f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}" for h in _HEX]),
        "left_out",
        "key: UUIDs",
    ),
    ("prefixed", pa.array([f"C-{row:04}" for row in range(ROWS)]), "left_out", "key: 200 distinct"),
    ("phone", pa.array(4_912_345_600 + _SHUFFLED * 37), "left_out", "numbers that name somebody"),
    ("dialled", pa.array([f"+49 {row:05} 7" for row in range(ROWS)]), "left_out", "key: 200"),
    ("name", pa.array(_PEOPLE), "left_out", "key: 200 distinct in 200 rows"),
    ("ticket", pa.array([text[:9] for text in _PEOPLE[:140]] + ["x"] * 60), "left_out", "hardly"),
    ("note", pa.array([f"it was about {row} o'clock" for row in range(ROWS)]), "left_out", "free"),
    # nothing to learn, and nothing that any kind holds
    ("constant", pa.array(_cycle("same")), "left_out", "constant"),
    ("constant_or_null", pa.array(_cycle(7, None)), "left_out", "constant, or null"),
    ("all_null", pa.nulls(ROWS), "left_out", "no values"),
    ("all_null_text", pa.nulls(ROWS, pa.string()), "left_out", "no values"),
    ("list", pa.array([[row] for row in range(ROWS)]), "left_out", "list<"),
    ("struct", pa.array([{"a": row} for row in range(ROWS)]), "left_out", "struct<"),
    (
        "bytes",
        pa.array([b"%d" % row for row in range(ROWS)]),
        "left_out",
        "binary are not modelled",
    ),
    # names
    ("no: yes # {x}", pa.array(_cycle("a", "b")), "categorical", "text"),
    ("größe 🦉", pa.array(_cycle("a", "b")), "categorical", "text"),
]
