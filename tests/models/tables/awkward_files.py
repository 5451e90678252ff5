"""Forty files that are awkward in one way each, and the columns that a person would keep."""

import bz2
import gzip
import io
import json
import lzma
import random
from collections.abc import Callable
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

__all__ = ["AWKWARD", "REFUSED"]

R = random.Random(17)
ROWS = 120
PRICE = [f"{R.uniform(5, 99):.2f}" for _ in range(ROWS)]
COUNT = [str(R.randint(0, 40)) for _ in range(ROWS)]
CITY = [R.choice(["Zürich", "Genève", "Basel"]) for _ in range(ROWS)]
DAYS = [date(2020, 1, 1) + timedelta(days=R.randint(0, 900)) for _ in range(ROWS)]
DAY = [day.isoformat() for day in DAYS]
PLAIN = {"price": PRICE, "count": COUNT, "city": CITY, "day": DAY}
KINDS = {"price": "integer", "count": "integer", "city": "categorical", "day": "datetime"}


def csv(columns: dict[str, list[str]], separator: str = ",") -> str:
    """Write columns of text as CSV."""
    rows = zip(*columns.values(), strict=True)
    return "\n".join(separator.join(row) for row in [tuple(columns), *rows]) + "\n"


def odd(column: str, *cells: str) -> str:
    """Write the plain columns with other cells at the beginning of one of them."""
    changed = [*cells, *PLAIN[column][len(cells) :]]
    return csv(PLAIN | {column: changed})


def every(column: str, cell: str, number: int) -> str:
    """Write the plain columns with a cell in every so many rows of one of them."""
    cells = [cell if row % number == 0 else text for row, text in enumerate(PLAIN[column])]
    return csv(PLAIN | {column: cells})


def written(column: str, change: Callable[[str], str]) -> str:
    """Write the plain columns with all cells of one of them in another way."""
    return csv(PLAIN | {column: list(map(change, PLAIN[column]))})


def table() -> pa.Table:
    """Return the plain columns with types."""
    return pa.table(
        {
            "price": [float(price) for price in PRICE],
            "count": [int(count) for count in COUNT],
            "city": CITY,
            "day": DAYS,
        }
    )


def arrow(write: Callable[[pa.Table, io.BytesIO], None], rows: pa.Table | None = None) -> bytes:
    """Return what a writer of Arrow writes."""
    sink = io.BytesIO()
    write(table() if rows is None else rows, sink)
    return sink.getvalue()


TEXT = csv(PLAIN)
RECORDS = table().set_column(3, "day", [DAY]).to_pylist()
LINES = "\n".join(map(json.dumps, RECORDS))

AWKWARD: dict[str, tuple[str, str | bytes, dict[str, str]]] = {
    "one word among prices": ("t.csv", odd("price", "call us"), KINDS),
    "a letter for a digit": ("t.csv", odd("count", "1O"), KINDS),
    "two words among counts": ("t.csv", odd("count", "tbd", "few"), KINDS),
    "a third on request": ("t.csv", every("price", "POA", 3), KINDS),
    "dollars and a word": (
        "t.csv",
        csv(PLAIN | {"price": ["free", *(f"${price}" for price in PRICE[1:])]}),
        KINDS,
    ),
    "a day that is none": ("t.csv", odd("day", "2020-02-31"), KINDS),
    "a word among days": ("t.csv", odd("day", "soon"), KINDS),
    "days in two ways": (
        "t.csv",
        csv(PLAIN | {"day": [f"{d:%m/%d/%Y}" if d.day % 2 else f"{d}" for d in DAYS]}),
        KINDS,
    ),
    "dashes for missing": ("t.csv", every("count", "-", 4), KINDS),
    "errors of a sheet": ("t.csv", every("price", "#DIV/0!", 4), KINDS),
    "Windows-1252": ("t.csv", TEXT.encode("cp1252"), KINDS),
    "UTF-8 with a mark": ("t.csv", TEXT.encode("utf-8-sig"), KINDS),
    "UTF-16 with a mark": ("t.csv", TEXT.encode("utf-16"), KINDS),
    "UTF-16 without": ("t.csv", TEXT.encode("utf-16-le"), KINDS),
    "UTF-32": ("t.csv", TEXT.encode("utf-32"), KINDS),
    "one broken byte": (
        "t.csv",
        TEXT.encode() + b"9,9,Gen\xe8ve \xc3\xa9 \xc3\xa9,2020-01-01\n",
        KINDS,
    ),
    "a name twice": (
        "t.csv",
        TEXT.replace("count", "price", 1),
        {"price": "integer", "price.1": "integer"},
    ),
    "an index": ("t.csv", csv({"": list(map(str, range(ROWS)))} | PLAIN), KINDS),
    "an index twice": (
        "t.csv",
        csv({"": list(map(str, range(ROWS))), "Unnamed: 0": list(map(str, range(ROWS)))} | PLAIN),
        KINDS,
    ),
    "an index as R writes it": (
        "t.csv",
        "\n".join(
            line if row == 0 else f"{row},{line}" for row, line in enumerate(TEXT.splitlines())
        ),
        KINDS,
    ),
    "comments": ("t.csv", f"# from the shop, 2020\n#\n{TEXT}# end\n", KINDS),
    "a title": ("t.csv", f"Prices of the year\n\n{TEXT}", KINDS),
    "sep": ("t.csv", "sep=;\n" + csv(PLAIN, ";"), KINDS),
    "tabs": ("t.txt", csv(PLAIN, "\t"), KINDS),
    "decimal commas": (
        "t.csv",
        csv(PLAIN | {"price": [price.replace(".", ",") for price in PRICE]}, ";"),
        KINDS,
    ),
    "separators at the end": ("t.csv", TEXT.replace("\n", ",\n"), KINDS),
    "short rows": ("t.csv", TEXT + "9.5,3\n9.5\n", KINDS),
    "long rows": ("t.csv", TEXT + "9.5,3,Basel,2020-01-01,what\n", KINDS),
    "carriage returns": ("t.csv", TEXT.replace("\n", "\r\n"), KINDS),
    "old Macintosh": ("t.csv", TEXT.replace("\n", "\r"), KINDS),
    "blank lines": ("t.csv", TEXT.replace("\n", "\n\n"), KINDS),
    "None of most": (
        "t.csv",
        csv(PLAIN | {"city": ["None" if row % 10 else "Basel" for row in range(ROWS)]}),
        KINDS,
    ),
    "percent": ("t.csv", written("count", lambda count: f"{count}%"), KINDS),
    "thousands": ("t.csv", written("count", lambda count: f'"{int(count) * 997:,}"'), KINDS),
    "blanks around": ("t.csv", TEXT.replace(",", " , "), KINDS),
    "gzip": ("t.csv.gz", gzip.compress(TEXT.encode()), KINDS),
    "bzip2": ("t.csv.bz2", bz2.compress(TEXT.encode()), KINDS),
    "xz": ("t.csv.xz", lzma.compress(TEXT.encode()), KINDS),
    "zstd": ("t.csv.zst", pa.compress(TEXT.encode(), "zstd", asbytes=True), KINDS),
    "Parquet named CSV": ("t.csv", arrow(lambda rows, sink: pq.write_table(rows, sink)), KINDS),
    "Feather": ("t.feather", arrow(lambda rows, sink: feather.write_feather(rows, sink)), KINDS),
    "views": (
        "t.parquet",
        arrow(
            lambda rows, sink: pq.write_table(rows, sink),
            table().set_column(2, "city", pa.array(CITY, pa.string_view())),
        ),
        KINDS,
    ),
    "text among numbers": (
        "t.parquet",
        arrow(
            lambda rows, sink: pq.write_table(rows, sink),
            table().set_column(0, "price", pa.array(["call us", *PRICE[1:]])),
        ),
        KINDS,
    ),
    "JSON lines": ("t.ndjson", LINES, KINDS),
    "JSON, a list": ("t.json", json.dumps(RECORDS), KINDS),
    "JSON lines of two sorts": (
        "t.jsonl",
        LINES + '\n{"price": "call us", "city": "Basel"}',
        KINDS,
    ),
    "no extension": ("table", TEXT, KINDS),
}
"""Name and bytes of a file, and the kinds of the columns that a person would keep."""

REFUSED: dict[str, tuple[str, str | bytes, str]] = {
    "a quote that is not closed": (
        "t.csv",
        TEXT + '9.5,3,"Basel,2020-01-01\n1,2,x,y\n',
        "line 122",
    ),
    "a quote that is closed rows later": (
        "t.csv",
        TEXT + '9.5,3,"Basel,2020-01-01\n9.5,3,"Basel,2020-01-01\n',
        "line 122",
    ),
    "no header": ("t.csv", TEXT.partition("\n")[2], "holds numbers"),
    "most rows of another width": ("t.csv", "a,b,c\n" + "1\n" * 50, "line 2"),
    "no text": ("t.csv", bytes(range(256)) * 20, "not a text file"),
    "nothing": ("t.csv", "", "is empty"),
    "half of a file": ("t.csv.gz", gzip.compress(TEXT.encode())[:-20], "cannot be expanded"),
    "HTML": ("t.json", "<html><body>Not found</body></html>", "line 1"),
}
"""Name and bytes of a file, and a part of the sentence that refuses it."""
