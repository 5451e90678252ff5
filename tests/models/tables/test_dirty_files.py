"""Files as people have them are read, and what had to be assumed is told."""

import bz2
import gzip
import io
import json
import lzma
import random
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from madeira.models import TableFileError, TableWarning, read_table
from madeira.models.tables import source
from madeira.models.tables.files import read_with_notes
from madeira.models.tables.reading import ReadOptions
from tests.models.tables.workbook import workbook

PLAIN = "nr,price,city\n" + "".join(
    f"{row},{row / 4 + 0.25},{('Zürich', 'Genève', 'Basel')[row % 3]}\n" for row in range(30)
)


def read(path: Path, content: str | bytes, **options: object) -> tuple[pa.Table, str]:
    """Write a file and read it: the table, and the notes as one text."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = read_with_notes(path, ReadOptions(**options))  # type: ignore[arg-type]
    assert all(note.startswith(str(path)) for note in found.notes)
    return found.table, "\n".join(note.removeprefix(f"{path}: ") for note in found.notes)


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("utf-16-le", "read as UTF-16-LE, by its zero bytes"),
        ("utf-16-be", "read as UTF-16-BE, by its zero bytes"),
        ("utf-32", ""),
        ("cp1252", "line 2 is not UTF-8: read as Windows-1252, in which it has 'ü'"),
    ],
)
def test_encodings_are_found(encoding: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    expected, _ = read(path, PLAIN)
    found, notes = read(path, PLAIN.encode(encoding))
    assert found.equals(expected)
    assert said in notes
    assert bool(notes) == bool(said)
    named, notes = read(path, PLAIN.encode(encoding), encoding=encoding)
    assert named.equals(expected)
    assert not notes


def test_encoding_that_is_wrong_or_unknown_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    with pytest.raises(TableFileError, match=r"line 2 of .*table.csv is not UTF-8"):
        read(path, PLAIN.encode("cp1252"), encoding="utf-8")
    with pytest.raises(TableFileError, match="there is no encoding 'klingon'; such are utf-8"):
        read(path, PLAIN, encoding="klingon")


def test_few_broken_bytes_in_utf8_are_marked_and_told(tmp_path: Path) -> None:
    content = PLAIN.encode().replace("Zürich".encode(), b"Z\xffrich", 1)
    table, notes = read(tmp_path / "table.csv", content)
    assert table["city"][0].as_py() == "Z\ufffdrich"
    assert table["city"][1].as_py() == "Genève"
    assert "1 bytes are not UTF-8, the first in line 2" in notes


def test_names_that_occur_twice_are_told_apart(tmp_path: Path) -> None:
    table, notes = read(tmp_path / "t.csv", "a,b,a,,a.1\n1,2,3,4,5\n")
    assert table.column_names == ["a", "b", "a.2", "Unnamed: 3", "a.1"]
    assert notes == "names that occur twice were changed: 'a' to 'a.2'"
    twice, notes = read(tmp_path / "t.csv", ",Unnamed: 0,a\n1,2,3\n")
    assert twice.column_names == ["Unnamed: 0.1", "Unnamed: 0", "a"]
    assert not notes


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("# made by us, in 2020\n#\n", "", "2 lines that begin with # were taken for comments"),
        ("", "# end of file\n", "1 line that begins with # was taken for a comment"),
        ("Prices of the year\n\n", "", "1 line above the header left out: 'Prices of the year'"),
        ("Prices,,\n", "", "1 line above the header left out: 'Prices,,'"),
        ("", "30,7.75\n", "1 row of fewer fields than the header, the first in line 32"),
        ("", "30,7.75,Basel,x\n", "1 row of more fields than the header, the first in line 32"),
        ("", "30,7.75,Basel,,\n", ""),
        ("sep=,\n", "", ""),
        ("\n\n", "\n\n", ""),
    ],
)
def test_lines_that_are_no_rows_are_told(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    expected, _ = read(tmp_path / "table.csv", PLAIN)
    table, notes = read(tmp_path / "table.csv", before + PLAIN + after)
    assert table.slice(0, 30).equals(expected)
    assert table.num_rows == 30 + (after.startswith("30") and "left out" not in notes)
    assert said in notes
    assert bool(said) == bool(notes)


def test_header_behind_the_sign_of_a_comment_is_a_header(tmp_path: Path) -> None:
    table, notes = read(tmp_path / "t.tsv", "##v4\n#chrom\tpos\n1\t7\n2\t8\n")
    assert table.to_pydict() == {"chrom": [1, 2], "pos": [7, 8]}
    assert "1 line that begins with #" in notes


def test_rows_that_are_longer_than_the_header_have_an_index_or_a_last_separator(
    tmp_path: Path,
) -> None:
    table, notes = read(tmp_path / "t.csv", "a,b\nr1,1,2\nr2,3,4\n")
    assert table.to_pydict() == {"Unnamed: 0": ["r1", "r2"], "a": [1, 3], "b": [2, 4]}
    assert "the first has no name" in notes
    table, notes = read(tmp_path / "t.csv", "a,b\n1,2,\n3,4,\n")
    assert table.to_pydict() == {"a": [1, 3], "b": [2, 4]}
    assert not notes


def test_quote_that_swallows_rows_is_told_with_its_line(tmp_path: Path) -> None:
    table, notes = read(tmp_path / "t.csv", 'a,b,c\n1,"x,5\n2,y,6\n3,z",7\n4,u,8\n')
    assert table.num_rows == 2
    assert "line 2 opens a quote that is closed some lines later" in notes
    poem = 'a,b,c\n1,"two lines,\nbut no rows",5\n2,y,6\n'
    assert read(tmp_path / "t.csv", poem)[1] == ""


def test_read_table_warns_of_what_it_assumed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,a\n1,2\n")
    with pytest.warns(TableWarning, match=r"t\.csv: names that occur twice were changed"):
        read_table(tmp_path / "t.csv")


class TestWordsThatMeanMissing:
    """`None` and `NA` are missing unless the file speaks against it."""

    def damage(self, share: int, more: str = "") -> str:
        rows = ["None" if row % 100 < share else ("Minor", "Major")[row % 2] for row in range(200)]
        return "damage,cost\n" + "".join(f"{word},{row}\n" for row, word in enumerate(rows)) + more

    def test_word_of_most_cells_is_a_value(self, tmp_path: Path) -> None:
        table, notes = read(tmp_path / "t.csv", self.damage(89))
        assert table["damage"].to_pylist().count("None") == 178
        assert "None is a value of column 'damage', 89% of its cells" in notes

    def test_word_of_few_cells_is_missing(self, tmp_path: Path) -> None:
        table, notes = read(tmp_path / "t.csv", self.damage(20))
        assert table["damage"].null_count == 40
        assert not notes

    def test_word_that_is_missing_among_numbers_is_missing(self, tmp_path: Path) -> None:
        table, _ = read(tmp_path / "t.csv", self.damage(89, "Minor,None\n"))
        assert table["damage"].null_count == 178

    def test_word_beside_empty_cells_is_a_value(self, tmp_path: Path) -> None:
        table, _ = read(tmp_path / "t.csv", self.damage(20, ",5\n,6\n"))
        assert table["damage"].null_count == 2

    def test_na_among_codes_of_two_letters_is_one(self, tmp_path: Path) -> None:
        rows = "".join(f"{('EU', 'NA', 'AS', 'SA')[row % 4]},{row}\n" for row in range(40))
        table, _ = read(tmp_path / "t.csv", "continent,n\n" + rows)
        assert table["continent"].to_pylist().count("NA") == 10

    def test_user_says_which_words_are_missing(self, tmp_path: Path) -> None:
        path = tmp_path / "t.csv"
        every, _ = read(path, self.damage(89), na_values=["None", "Minor"])
        assert every["damage"].null_count == 178 + 10
        assert read(path, self.damage(20), na_values=[])[0]["damage"].null_count == 0
        one, _ = read(path, self.damage(20), na_values={"damage": ["Major"]})
        assert sorted(set(one["damage"].drop_null().to_pylist())) == ["Minor", "None"]


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}


@pytest.mark.parametrize("extension", COMPRESSED)
def test_compressed_files_are_read_within_a_bound(
    extension: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, _ = read(tmp_path / "t.csv", PLAIN)
    content = COMPRESSED[extension](PLAIN.encode())
    assert read(tmp_path / f"t.csv{extension}", content)[0].equals(expected)
    assert read(tmp_path / "misnamed.csv", content)[0].equals(expected)
    with pytest.raises(TableFileError, match="cannot be expanded"):
        read(tmp_path / f"cut.csv{extension}", content[:-9])
    monkeypatch.setattr(source, "MAX_EXPANDED_BYTES", 100)
    with pytest.raises(TableFileError, match="expands to more than"):
        read(tmp_path / f"t.csv{extension}", content)


def test_zip_archive_of_one_file_is_read(tmp_path: Path) -> None:
    expected, _ = read(tmp_path / "t.csv", PLAIN)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("data/t.csv", PLAIN)
        file.writestr("__MACOSX/data/._t.csv", "x")
    assert read(tmp_path / "t.zip", archive.getvalue())[0].equals(expected)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("other.csv", PLAIN)
    with pytest.raises(TableFileError, match="has to hold one file and holds 2"):
        read(tmp_path / "t.zip", archive.getvalue())


def test_json_is_read_line_by_line_or_as_a_list(tmp_path: Path) -> None:
    rows = [{"a": 1, "b": "x"}, {"a": 2.5}, {"b": None, "c": True}]
    expected = {"a": [1, 2.5, None], "b": ["x", None, None], "c": [None, None, True]}
    lines = "\n".join(map(json.dumps, rows))
    assert read(tmp_path / "t.ndjson", lines)[0].to_pydict() == expected
    assert read(tmp_path / "t.jsonl", lines + "\n\n")[0].to_pydict() == expected
    assert read(tmp_path / "t.json", json.dumps(rows, indent=1))[0].to_pydict() == expected


def test_files_of_a_pattern_are_one_table_and_its_types_are_decided_on_all(tmp_path: Path) -> None:
    (tmp_path / "part-1.csv").write_text("a,b\n1,x\n2,y\n")
    (tmp_path / "part-2.csv").write_text("b,a\nz,2.5\n")
    table = read_table(tmp_path / "part-*.csv")
    assert table.to_pydict() == {"a": [1.0, 2.0, 2.5], "b": ["x", "y", "z"]}
    (tmp_path / "part-3.csv").write_text("a,c\n3,5\n")
    with pytest.warns(TableWarning, match=r"part-3.csv has not the same columns as .*: b, c"):
        assert read_table(f"{tmp_path}/part-*.csv").num_rows == 4
    with pytest.raises(TableFileError, match="no file fits"):
        read_table(tmp_path / "none-*.csv")


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (b"a,b\n1,x\n", b'{"a": 1, "b": "x"}\n', gzip.compress(b"a,b\n1,x\n")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert read_table("-").to_pydict() == {"a": [1], "b": ["x"]}


def test_columns_and_rows_are_chosen(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    table, _ = read(path, PLAIN, columns=["city", "nr"], rows=slice(3, 5))
    assert table.to_pydict() == {"city": ["Zürich", "Genève"], "nr": [3, 4]}
    assert read_table(path, rows=7).num_rows == 7
    with pytest.raises(TableFileError, match=r"has no column 'cty'.*did you mean 'city'"):
        read(path, PLAIN, columns=["cty"])


def test_repaired_rows_are_those_of_a_plain_reader(tmp_path: Path) -> None:
    random_rows = random.Random(0)
    rows = [[random_rows.choice(["", "a", '"q', "x\ny", "1,5"]) for _ in "abc"] for _ in range(50)]
    lines = "".join(
        ",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows
    )
    regular, _ = read(tmp_path / "t.csv", "a,b,c\n" + lines)
    repaired, _ = read(tmp_path / "t.csv", "a,b,c\n" + lines + '"z"\n')
    assert repaired.slice(0, 50).equals(regular)


ROWS: list[list[object]] = [
    ["Prices"],
    [],
    ["nr", "day", "price", "room"],
    [1, "45322d", 1.5, 12],
    [2, "45351d", "n/a", "12A"],
    [None, "45352d", 2.25, 7],
]


def test_workbooks_are_read(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbook(ROWS, [["x"]]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = read_table(path)
    assert table.column_names == ["nr", "day", "price", "room"]
    assert table["nr"].to_pylist() == [1, 2, None]
    assert [str(day) for day in table["day"].to_pylist()] == [
        "2024-01-31",
        "2024-02-29",
        "2024-03-01",
    ]
    assert table["price"].to_pylist() == [1.5, None, 2.25]
    assert table["room"].to_pylist() == ["12", "12A", "7"]
    assert [str(one.message).partition("xlsx: ")[2] for one in caught] == [
        "sheet 'Data' was read, and not 'Notes'",
        "1 line above the header left out: 'Prices'",
    ]
