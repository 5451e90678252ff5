"""Tables are read from the files people have; what is wrong with a file is one sentence."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madeira.models import TableFileError, read_table
from madeira.models.tables import arrow_files
from madeira.models.tables.csv_types import NULL_TEXTS


def write(directory: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator_is_found_even_where_the_others_stand_in_texts(
    tmp_path: Path, separator: str
) -> None:
    rows = [("a", "b b", "c"), ("1", '"x, y; z|w\tv"', "2.5"), ("2", '"p, q"', "3.5")]
    path = write(tmp_path, "\n".join(separator.join(row) for row in rows) + "\n")
    assert read_table(path).to_pydict() == {
        "a": [1, 2],
        "b b": ["x, y; z|w\tv", "p, q"],
        "c": [2.5, 3.5],
    }


@pytest.mark.parametrize("null", NULL_TEXTS)
@pytest.mark.parametrize("blanks", ["{}", " {}", "{} "])
def test_null_texts_are_missing_in_numbers_and_texts(
    tmp_path: Path, null: str, blanks: str
) -> None:
    cell = blanks.format(null)
    table = read_table(write(tmp_path, f"number,text,end\n1,a,0\n{cell},{cell},1\n3,b,0\n"))
    assert table.to_pydict() == {"number": [1, None, 3], "text": ["a", None, "b"], "end": [0, 1, 0]}
    assert table.schema.field("number").type == pa.int64()


def test_byte_order_mark_blank_lines_and_blanks_around_names_and_texts_are_taken_away(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, b"\xef\xbb\xbfage, work\r\n39, State-gov\r\n\r\n50, Private \r\n")
    assert read_table(path).to_pydict() == {"age": [39, 50], "work": ["State-gov", "Private"]}


def test_decimal_comma_is_understood_beside_semicolons(tmp_path: Path) -> None:
    path = write(tmp_path, "height;name\n1,75;Ann\n1,8;Bo\n")
    assert read_table(path).to_pydict() == {"height": [1.75, 1.8], "name": ["Ann", "Bo"]}


def test_leading_zeros_stay_text(tmp_path: Path) -> None:
    path = write(tmp_path, "postcode,zero,half\n01234,0,0.5\n99999,1,0.25\n")
    table = read_table(path)
    assert table.column("postcode").to_pylist() == ["01234", "99999"]
    assert table.schema.types[1:] == [pa.int64(), pa.float64()]


def test_column_without_a_name_gets_its_place_as_name(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, ",x\n0,5\n1,6\n")).column_names == ["Unnamed: 0", "x"]


def test_type_of_a_column_is_decided_by_all_its_rows(tmp_path: Path) -> None:
    rows = "".join(f"{number},filler text to pass the sample\n" for number in range(20_000))
    table = read_table(write(tmp_path, "value,text\n" + rows + "late,text\n"))
    assert table.num_rows == 20_001
    assert table.schema.field("value").type == pa.string()


def test_text_with_a_line_break_inside_quotes_is_one_cell(tmp_path: Path) -> None:
    path = write(tmp_path, 'note,x\n"two\nlines",1\n"one",2\n')
    assert read_table(path).to_pydict() == {"note": ["two\nlines", "one"], "x": [1, 2]}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", "", "t.csv is empty"),
        ("t.csv", "\n\n", "t.csv is empty"),
        ("t.csv", b"\xef\xbb\xbf", "t.csv is empty"),
        (
            "t.csv",
            "a,b\n1,2\n\n1,2,3\n",
            "line 4 of {path} has 3 fields where the first line has 2",
        ),
        ("t.csv", "a,b\n1\n", "line 2 of {path} has 1 field where the first line has 2"),
        ("t.csv", "5.1,3.5\n4.9,3.0\n", "has to hold the names of the columns"),
        ("t.csv", b"a,b\0\0\0\n1,2\n", "is not a text file"),
        ("t.csv", b"PK\x03\x04\0\0\0", "not a readable workbook"),
        ("t.parquet", "a,b\n1,2\n", "not a readable Parquet file"),
        ("t.xlsx", b"PK", "not a readable workbook"),
        ("t.sas7bdat", b"a", "has the extension '.sas7bdat'; tables are read from .csv"),
        ("t.csv", 'a,b\n1,"x\n2,y\n3,z\n', "line 2 of {path} opens a quote that is not closed"),
        ("t.csv", 'a,b\n1,"x\n2,y\n3,"z\n', "line 2 of {path} opens a quote that is not closed"),
        ("t.json", "5", "row 1 of {path} is 5; each row is an object"),
        ("t.ndjson", '{"a": 1}\n{"a": \n', "line 2 of {path} is not JSON"),
        ("t.csv.gz", b"\x1f\x8b\x08", "is compressed and cannot be expanded"),
        ("t.zip", b"PK\x05\x06" + bytes(18), "has to hold one file and holds 0"),
    ],
)
def test_bad_file_is_one_sentence_that_names_it(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    path = write(tmp_path, content, name)
    with pytest.raises(TableFileError) as raised:
        read_table(path)
    message = str(raised.value)
    assert said.format(path=path) in message
    assert str(path) in message
    assert "\n" not in message


def test_missing_file_and_directory_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(TableFileError, match=r"absent\.csv does not exist"):
        read_table(tmp_path / "absent.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(TableFileError, match="is a directory"):
        read_table(tmp_path / "folder.csv")
    with pytest.raises(TableFileError, match="is a directory, not a file"):
        read_table(tmp_path)


def test_parquet_keeps_its_types_and_loses_the_index_of_pandas(tmp_path: Path) -> None:
    table = pa.table({"x": pa.array([1, None], pa.int16()), "t": pa.array(["a", "b"])})
    pq.write_table(table, tmp_path / "plain.parquet")
    assert read_table(tmp_path / "plain.parquet").equals(table)
    frame = table.to_pandas().set_index(pa.array([7, 9]).to_numpy())
    frame.to_parquet(tmp_path / "indexed.parquet")
    assert read_table(tmp_path / "indexed.parquet").column_names == ["x", "t"]


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(-(2**53), 2**53),
            st.floats(allow_nan=False, allow_infinity=False, width=32),
            st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1).filter(
                lambda text: text.strip() == text and not set(text) & {"0", "1"}
            ),
        ),
        min_size=2,
        max_size=8,
    )
)
def test_what_pyarrow_writes_as_csv_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, float, str]]
) -> None:
    numbers, fractions, texts = zip(*rows, strict=True)
    table = pa.table({"n": numbers, "f": fractions, "t": ["word " + text for text in texts]})
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    pa_csv.write_csv(table, path)
    back = read_table(path)
    assert back.column("n").to_pylist() == list(numbers)
    assert back.column("f").cast(pa.float64()).to_pylist() == pytest.approx(list(fractions))
    assert back.column("t").to_pylist() == table.column("t").to_pylist()


TYPED: list[tuple[list[str], pa.DataType, list[object]]] = [
    (["1", "-2", ""], pa.int64(), [1, -2, None]),
    (["1", "2.5", "1e3"], pa.float64(), [1.0, 2.5, 1000.0]),
    (["18446744073709551615", "7"], pa.uint64(), [2**64 - 1, 7]),
    (["99999999999999999999", "7"], pa.string(), ["99999999999999999999", "7"]),
    (["0x1F", "7"], pa.string(), ["0x1F", "7"]),
    (["TRUE", "false", "NA"], pa.bool_(), [True, False, None]),
    (["yes", "no"], pa.string(), ["yes", "no"]),
    (["2020-01-31", "null"], pa.date32(), [dt.date(2020, 1, 31), None]),
    (["2021-02-29", "2021-02-28"], pa.string(), ["2021-02-29", "2021-02-28"]),
    (["2020-01-31 10:00:05"], pa.timestamp("s"), [dt.datetime(2020, 1, 31, 10, 0, 5)]),
    (
        ["2020-01-31T10:00:05.25Z", "2020-01-31T10:00:05+02:00"],
        pa.timestamp("us", "UTC"),
        [
            dt.datetime(2020, 1, 31, 10, 0, 5, 250_000, dt.UTC),
            dt.datetime(2020, 1, 31, 8, 0, 5, tzinfo=dt.UTC),
        ],
    ),
    (["10:30", "11:20:05"], pa.time32("s"), [dt.time(10, 30), dt.time(11, 20, 5)]),
    (["NA", "", "?"], pa.null(), [None, None, None]),
    # what means missing among numbers and dates is a text among texts
    (["1.5", "-", "#DIV/0!", "Unknown"], pa.float64(), [1.5, None, None, None]),
    (["2020-01-31", "--"], pa.date32(), [dt.date(2020, 1, 31), None]),
    (["$1,000", "n.a."], pa.string(), ["$1,000", None]),
    (["red", "-", "unknown"], pa.string(), ["red", "-", "unknown"]),
    (["true", "unknown"], pa.string(), ["true", "unknown"]),
    (["1", "2", "many"], pa.string(), ["1", "2", "many"]),
]


@pytest.mark.parametrize(
    ("texts", "arrow_type", "values"), TYPED, ids=[texts[0] or "empty" for texts, _, _ in TYPED]
)
def test_texts_of_a_column_get_the_type_that_holds_them_all(
    tmp_path: Path, texts: list[str], arrow_type: pa.DataType, values: list[object]
) -> None:
    lines = [f'"{text}";x' for text in texts]
    column = read_table(write(tmp_path, "\n".join(["v;w", *lines]))).column("v")
    assert column.type == arrow_type
    assert column.to_pylist() == values


def test_leading_zeros_far_down_the_file_are_kept(tmp_path: Path) -> None:
    rows = "".join(f"{10_000 + row % 80_000},text to pass the sample\n" for row in range(20_000))
    table = read_table(write(tmp_path, "postcode,note\n" + rows + "01067,Dresden\n"))
    assert table.column("postcode")[-1].as_py() == "01067"


def test_parquet_that_claims_more_rows_than_it_has_takes_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": [1, 2]}), path)
    # Rows of the file and of its only group: two, as Thrift writes them.
    before, rows, after = path.read_bytes().rpartition(b"\x16\x04")
    assert rows
    path.write_bytes(before + b"\x16\x06" + after)
    with pytest.raises(TableFileError, match="disagree about the number of rows"):
        read_table(path)
    monkeypatch.setattr(arrow_files, "MAX_CELLS", 3)
    pq.write_table(pa.table({"a": [1, 2], "b": [1, 2]}), path)
    with pytest.raises(TableFileError, match="2 rows of 2 columns; at most 3 cells"):
        read_table(path)


@pytest.mark.parametrize("extension", [".parquet", ".arrow"])
def test_names_and_zones_that_are_no_text_are_refused(tmp_path: Path, extension: str) -> None:
    table = pa.table({"abcdefgh": pa.array([0], pa.timestamp("us", "Europe/Lisbon"))})
    path = tmp_path / f"table{extension}"
    if extension == ".parquet":
        pq.write_table(table, path, store_schema=False)
        broken = path.read_bytes().replace(b"abcdefgh", b"abcd\xfffgh")
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        broken = path.read_bytes().replace(b"Europe/Lisbon", b"Europe/\xff\xfesbon")
    path.write_bytes(broken)
    with pytest.raises(TableFileError, match="is not UTF-8 text"):
        read_table(path)
