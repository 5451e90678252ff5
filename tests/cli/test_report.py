"""`madeira report` makes one page that stands by itself, of any model and rows, or says why not."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from madeira.models import DensityEstimator
from tests.cli.outcome import Madeira


class _Outline(HTMLParser):
    """Open tags, sections, their headings and pictures, wordless pictures, and what is fetched."""

    EMPTY = ("meta", "link", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.headings: list[str] = []
        self.wordless = 0
        self.fetched: list[str] = []
        self.pictures: dict[str, int] = {}  # by section

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag not in self.EMPTY:
            self.open.append(tag)
        if tag == "section":
            self.pictures[named["id"] or ""] = 0
        if tag == "a":
            self.links.append((named["href"] or "").removeprefix("#"))
        if tag == "svg":
            self.pictures[list(self.pictures)[-1]] += 1
            self.wordless += not named.get("aria-label") or named.get("role") != "img"
        for name in ("src", "href"):
            if not (named.get(name) or "#").startswith(("#", "data:")):
                self.fetched.append(str(named[name]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def _outline(path: Path) -> _Outline:
    outline = _Outline()
    text = path.read_text(encoding="utf-8")
    outline.feed(text)
    assert outline.open == []
    assert outline.links == list(outline.pictures)
    assert len(set(outline.headings)) == len(outline.links)
    assert outline.wordless == 0
    assert outline.fetched == []
    assert not re.search(r"<script|@import|url\(", text)
    assert not re.search(r">[^<]*\bnan\b", text)
    return outline


def _awkward(rows: int, columns: int = 0) -> pa.Table:
    """Every kind of column, gaps, a constant, a column without values, names that need escaping."""
    generator = np.random.default_rng(rows + columns)
    size = generator.normal(size=rows)
    holes = generator.random(rows) < 0.2
    named = {
        "size <b>": pa.array(size, mask=holes),
        "count": pa.array((size * 10 + 50).astype(int)),
        "kind & sort": pa.array(np.where(size > 0, "<plum>", "pear"), mask=np.roll(holes, 1)),
        "ripe": pa.array(generator.random(rows) < 0.5),
        "day": pa.array((generator.integers(0, 10**9, rows)).astype("datetime64[s]")),
        "same": pa.array(["x"] * rows),
        "none": pa.nulls(rows, pa.float64()),
        "rare": pa.array(size, mask=np.arange(rows) > 2),
    }
    named |= {f"v{i}": pa.array(generator.normal(size=rows) + size) for i in range(columns)}
    return pa.table(named)


def _saved(table: pa.Table, directory: Path, name: str) -> Path:
    DensityEstimator("fast").fit(table).save(directory / name / "1")
    return directory


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _saved(_awkward(300), tmp_path_factory.mktemp("models"), "awkward")


def test_page_stands_by_itself_and_says_what_it_shows(
    checkpoints: Path, tmp_path: Path, madeira: Madeira
) -> None:
    pq.write_table(_awkward(200), tmp_path / "new.parquet")
    pq.write_table(_awkward(300), tmp_path / "old.parquet")
    target = tmp_path / "page.html"
    outcome = madeira(
        *("report", "awkward", tmp_path / "new.parquet", "--output", target),
        *("--train", tmp_path / "old.parquet", "--checkpoints", checkpoints),
    )
    assert outcome.status == 0, outcome.err
    assert f"{target}: open it in a browser" in outcome.out
    outline = _outline(target)
    text = target.read_text(encoding="utf-8")
    assert outline.pictures["marginals"] == 6  # one for every column of the model
    assert {section for section, count in outline.pictures.items() if not count} == {"anomalies"}
    assert "excluded: same, none" in text
    assert "size &lt;b&gt;" in text
    assert "&lt;plum&gt;" in text
    share = re.search(r"Closest records:\s+([\d.]+)%", outcome.out)
    assert share is not None
    assert 20 < float(share[1]) < 80  # a copy of the training rows would be near 100
    assert "training rows" in text


def test_the_odd_row_is_first_and_its_reason_is_the_odd_cell(
    checkpoints: Path, tmp_path: Path, madeira: Madeira
) -> None:
    table = _awkward(60)
    counts = table["count"].to_pylist()
    counts[7] = 500
    path = tmp_path / "odd.parquet"
    table = table.drop_columns(["rare"]).append_column("rare", pa.nulls(60, pa.float64()))
    pq.write_table(table.set_column(1, "count", pa.array(counts)), path)
    target = tmp_path / "odd.html"
    outcome = madeira("report", "awkward", path, "--output", target, "--checkpoints", checkpoints)
    assert outcome.status == 0, outcome.err
    body = target.read_text(encoding="utf-8").partition('id="anomalies"')[2]
    first = body.partition("<tbody>")[2].partition("</tr>")[0]
    assert '<td class="n">8</td>' in first
    assert "<b>count</b> = 500" in first
    assert "cannot be told" in target.read_text(encoding="utf-8")


def test_the_same_seed_makes_the_same_page(
    checkpoints: Path, tmp_path: Path, madeira: Madeira
) -> None:
    pq.write_table(_awkward(50), tmp_path / "a.parquet")
    pages = []
    for target in (tmp_path / "1.html", tmp_path / "2.html"):
        madeira(
            *("report", "awkward", tmp_path / "a.parquet", "--output", target),
            *("--rows", "30", "--seed", "5", "--checkpoints", checkpoints),
        )
        pages.append(target.read_text(encoding="utf-8").partition("<footer>")[0])
    assert pages[0] == pages[1]
    assert "50, 30 of them used" in pages[0]


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_few_rows_are_enough(
    rows: int, checkpoints: Path, tmp_path: Path, madeira: Madeira
) -> None:
    pq.write_table(_awkward(300).slice(4, rows), tmp_path / "few.parquet")
    for train in ([], ["--train", tmp_path / "few.parquet"]):
        outcome = madeira(
            *("report", "awkward", tmp_path / "few.parquet", "--output", tmp_path / "few.html"),
            *("--checkpoints", checkpoints, *train),
        )
        assert outcome.status == 0, outcome.err
        _outline(tmp_path / "few.html")


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"one": np.random.default_rng(0).normal(size=80)}),
        pa.table({"one": ["a", "b", "c", None] * 20}),
        _awkward(80, columns=47),
    ],
    ids=["one number", "one category", "fifty-five columns"],
)
def test_models_of_one_column_and_of_many(
    table: pa.Table, tmp_path: Path, madeira: Madeira
) -> None:
    checkpoints = _saved(table, tmp_path, "shape")
    pq.write_table(table, tmp_path / "rows.parquet")
    outcome = madeira(
        *("report", "shape", tmp_path / "rows.parquet", "--output", tmp_path / "page.html"),
        *("--checkpoints", checkpoints, "--train", tmp_path / "rows.parquet"),
    )
    assert outcome.status == 0, outcome.err
    _outline(tmp_path / "page.html")


def test_mistakes_are_one_line(
    checkpoints: Path, tmp_path: Path, madeira: Madeira, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    new = tmp_path / "new.csv"
    pa_csv.write_csv(_awkward(9), new)
    few = tmp_path / "few.parquet"
    pq.write_table(_awkward(9).select(["count", "ripe"]), few)
    wrong = tmp_path / "wrong.parquet"
    pq.write_table(_awkward(9).set_column(1, "count", pa.array(["much"] * 9)), wrong)
    empty = tmp_path / "empty.parquet"
    pq.write_table(_awkward(9).slice(0, 0), empty)
    there = ("--checkpoints", checkpoints)
    for arguments, said in (
        (("absent", new, *there), "no model is called 'absent'. There are: awkward"),
        (("awkward", new, *there, "--model-version", "7"), "no version '7'; there are: 1"),
        (("awkward", new, "--checkpoints", tmp_path / "no"), "no is not a directory"),
        (("awkward", tmp_path / "no.csv", *there), "no.csv does not exist"),
        (("awkward", few, *there), "lacks 4 of the model's 6 columns: 'size <b>', "),
        (("awkward", wrong, *there), "wrong.parquet: row 0, column 'count': expected a"),
        (("awkward", empty, *there), "empty.parquet has no rows"),
        (("awkward", new, *there, "--train", few), "few.parquet lacks 4"),
        (("awkward", new, *there, "--output", tmp_path / "no" / "x.html"), "is not a directory"),
        (("awkward", new, *there, "--output", tmp_path), "cannot be written"),
    ):
        outcome = madeira("report", *arguments)
        assert outcome.status == 1, arguments
        assert said in outcome.err
        assert outcome.err.startswith("madeira: ")
        assert outcome.err.count("\n") == 1
    assert not list(tmp_path.glob("*.html"))
