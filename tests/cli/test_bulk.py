"""`madeira score`, `impute` and `sample`: files in, files out, the same answers as in Python."""

import io
import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import palmerpenguins
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from pyarrow import ipc

from madeira.app.bulk.blocks import BLOCK_ROWS
from madeira.app.bulk.local_model import LocalModel
from madeira.models import DensityEstimator, read_table
from tests.cli.outcome import Madeira

ROWS = 2 * BLOCK_ROWS + 100


@pytest.fixture(scope="module")
def estimator() -> DensityEstimator:
    """Load the bundled model."""
    return DensityEstimator.load("penguins")


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Return so many penguins that there are three blocks, the last of them short."""
    penguins = pa.Table.from_pandas(palmerpenguins.load_penguins(), preserve_index=False)
    penguins = penguins.replace_schema_metadata(None)
    return penguins.take(pa.array(np.arange(ROWS) % penguins.num_rows))


@pytest.fixture
def parquet(table: pa.Table, tmp_path: Path) -> Path:
    """Write them in row groups that are no multiples of a block."""
    pq.write_table(table, tmp_path / "penguins.parquet", row_group_size=5000)
    return tmp_path / "penguins.parquet"


def test_scores_stand_beside_the_columns_that_were_there(
    madeira: Madeira, table: pa.Table, parquet: Path, estimator: DensityEstimator
) -> None:
    out = parquet.with_name("scores.parquet")
    outcome = madeira("score", parquet, "--model", "penguins", "--out", out)
    assert outcome.status == 0, outcome.err
    scored = pq.read_table(out)
    assert scored.select(table.column_names).equals(table)
    assert scored.column_names[-3:] == ["log_likelihood", "anomaly_score", "is_anomaly"]
    head = table.slice(0, 400)
    np.testing.assert_array_equal(scored["log_likelihood"][:400], estimator.log_prob(head))
    scores = estimator.anomaly_score(head)
    np.testing.assert_array_equal(scored["anomaly_score"][:400], scores)
    np.testing.assert_array_equal(scored["is_anomaly"][:400], scores > 0.99)
    assert f"{ROWS:,} rows" in outcome.out
    assert not out.with_name("scores.parquet.parts").exists()


def test_cells_of_csv_stay_as_they_are_written(madeira: Madeira, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("species,note,body_mass_g,year\nAdelie,007,3750.0,2007\nGentou,,NA,2008\n")
    out = tmp_path / "scores.csv"
    outcome = madeira("score", rows, "--model", "penguins", "--out", out)
    assert outcome.status == 0, outcome.err
    assert "Columns that the rows lack, taken as missing: island" in outcome.err
    assert "Columns that the model does not know, kept as they are: note" in outcome.err
    assert "Cells of categories that training has not seen: species (1)" in outcome.err
    texts = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(("note", "body_mass_g"), pa.string()), null_values=[]
    )
    scored = pa_csv.read_csv(out, convert_options=texts)
    assert scored["note"].to_pylist() == ["007", ""]
    assert scored["body_mass_g"].to_pylist() == ["3750.0", "NA"]
    assert np.isfinite(scored["log_likelihood"].to_numpy()).all()


def test_types_are_those_of_the_model_whatever_the_format(
    madeira: Madeira, table: pa.Table, tmp_path: Path, estimator: DensityEstimator
) -> None:
    few = table.slice(0, 50)
    expected = estimator.log_prob(few)
    pa_csv.write_csv(few, tmp_path / "rows.csv")
    frame = few.to_pandas()
    frame.to_csv(tmp_path / "comma.csv", sep=";", decimal=",", index=False)
    frame.to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    with ipc.new_file(tmp_path / "rows.arrow", few.schema) as file:
        file.write_table(few)
    for name in ("rows.csv", "comma.csv", "rows.jsonl", "rows.arrow"):
        for extension in ("parquet", "csv", "ndjson", "arrow", "arrows"):
            out = tmp_path / f"out.{extension}"
            outcome = madeira("score", tmp_path / name, "--model", "penguins", "--out", out)
            assert outcome.status == 0, outcome.err
            if extension == "ndjson":
                found = [
                    json.loads(line)["log_likelihood"] for line in out.read_text().splitlines()
                ]
            else:
                found = read_table(out)["log_likelihood"].to_pylist()
            assert found == pytest.approx(expected.tolist(), abs=1e-12), (name, extension)
    typed = pq.read_table(tmp_path / "out.parquet")
    assert typed.schema.field("year").type == pa.int64()


def test_a_filled_file_is_what_the_estimator_fills(
    madeira: Madeira, table: pa.Table, parquet: Path, estimator: DensityEstimator
) -> None:
    out = parquet.with_name("filled.parquet")
    outcome = madeira("impute", parquet, "--model", "penguins", "--out", out, "--seed", "3")
    assert outcome.status == 0, outcome.err
    assert pq.read_table(out).equals(estimator.impute(table, seed=3))
    few = parquet.with_name("few.csv")
    few.write_text("species,body_mass_g,sex\nGentoo,5000.0,\nAdelie,NA,male\n")
    out = parquet.with_name("filled.csv")
    assert madeira("impute", few, "--model", "penguins", "--out", out, "--draws", "2").status == 0
    filled = read_table(out)
    assert filled["draw"].to_pylist() == [0, 0, 1, 1]
    assert sum(column.null_count for column in filled.columns) == 0
    assert "5000.0" in out.read_text()


def test_a_sample_is_what_the_estimator_draws(
    madeira: Madeira, tmp_path: Path, estimator: DensityEstimator
) -> None:
    out = tmp_path / "drawn.parquet"
    options = ("--given", "species=Gentoo", "--given", "year=2008", "--seed", "7")
    outcome = madeira("sample", "--model", "penguins", "-n", "9000", "--out", out, *options)
    assert outcome.status == 0, outcome.err
    drawn = estimator.sample(9000, given={"species": "Gentoo", "year": 2008}, seed=7)
    assert pq.read_table(out).equals(drawn)
    asked = ("sample", "--model", "penguins", "-n", "9000", "--out", out)
    for flags, nulls in (((), None), (("--nulls",), True), (("--no-nulls",), False)):
        assert madeira(*asked, *flags).status == 0
        assert pq.read_table(out).equals(estimator.sample(9000, seed=0, nulls=nulls))
    assert madeira("sample", "--model", "penguins", "-n", "0", "--out", out).status == 0
    assert pq.read_table(out).num_rows == 0


def test_rows_that_do_not_fit_end_it_or_are_set_aside(madeira: Madeira, tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.csv", tmp_path / "scores.csv"
    lines = ["species,body_mass_g", *["Adelie,3700"] * (BLOCK_ROWS + 10)]
    lines[3], lines[BLOCK_ROWS + 5] = "Adelie,heavy", "Gentoo,?!"
    rows.write_text("\n".join(lines))
    out.write_text("what was there before")
    asked = ("score", rows, "--model", "penguins", "--out", out)
    outcome = madeira(*asked)
    assert outcome.status == 1
    assert "row 2, column 'body_mass_g': expected a number" in outcome.err
    assert out.read_text() == "what was there before"
    outcome = madeira(*asked, "--errors", "skip", "--resume", "--json")
    assert outcome.status == 0, outcome.err
    summary = json.loads(outcome.out)
    assert (summary["rows"], summary["refused_rows"]) == (BLOCK_ROWS + 8, 2)
    refused = [json.loads(line) for line in Path(summary["refused"]).read_text().splitlines()]
    assert [one["row"] for one in refused] == [2, BLOCK_ROWS + 4]
    assert refused[0]["cells"] == {"species": "Adelie", "body_mass_g": "heavy"}
    rows.write_text("\n".join(["species,body_mass_g", *["Adelie,heavy"] * 1100]))
    outcome = madeira(*asked, "--errors", "skip")
    assert outcome.status == 1
    assert "more than 1000 of 1100 rows" in outcome.err


def test_a_run_that_was_ended_goes_on(
    madeira: Madeira, parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = parquet.with_name("scores.parquet")
    whole = parquet.with_name("whole.parquet")
    asked = ("score", parquet, "--model", "penguins", "--threads", "1", "--out")
    assert madeira(*asked, whole).status == 0
    score, calls = LocalModel.score, iter([True, True, False])

    def failing(*arguments: object, **options: object) -> pa.Table:
        if not next(calls):
            raise KeyboardInterrupt
        return score(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalModel, "score", failing)
    outcome = madeira(*asked, out)
    assert outcome.status == 130
    assert "--resume goes on" in outcome.err
    assert not out.exists()
    monkeypatch.setattr(LocalModel, "score", score)
    other = madeira(*asked, out, "--resume", "--contamination", "0.1")
    assert other.status == 1
    assert "differs in options" in other.err
    outcome = madeira(*asked, out, "--resume", "--json")
    assert json.loads(outcome.out)["resumed_blocks"] == 2
    assert pq.read_table(out).equals(pq.read_table(whole))


def test_a_killed_run_goes_on_without_losing_or_repeating_a_row(
    madeira: Madeira,
    table: pa.Table,
    tmp_path: Path,
    process: Callable[..., "subprocess.Popen[str]"],
) -> None:
    rows, out = tmp_path / "rows.parquet", tmp_path / "scores.parquet"
    many = pa.concat_tables([table] * 3)
    number = pa.array(np.arange(many.num_rows))
    pq.write_table(many.append_column("number", number), rows)
    asked = ("score", rows, "--model", "penguins", "--threads", "1", "--out", out)
    running = process(*asked)
    deadline = time.monotonic() + 150
    while not list(tmp_path.glob("scores.parquet.parts/*.arrows")):
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert not out.exists()
    outcome = madeira(*asked, "--resume", "--json")
    assert outcome.status == 0, outcome.err
    assert json.loads(outcome.out)["resumed_blocks"] >= 1
    assert pq.read_table(out)["number"].equals(pa.chunked_array([number]))


def test_standard_input_and_output_and_several_files(
    madeira: Madeira,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(3):
        (tmp_path / f"part-{number}.csv").write_text(f"species,year\nAdelie,{2007 + number}\n")
    out = tmp_path / "all.csv"
    assert (
        madeira("score", tmp_path / "part-*.csv", "--model", "penguins", "--out", out).status == 0
    )
    assert read_table(out)["year"].to_pylist() == [2007, 2008, 2009]
    monkeypatch.setattr(
        "sys.stdin", SimpleNamespace(buffer=io.BytesIO(b'{"species":"Adelie"}\n{"year":2007}\n'))
    )
    asked = ("score", "-", "--model", "penguins", "--out", "-", "--format", "ndjson")
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=written, flush=lambda: None))
    assert madeira(*asked).status == 0
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["year"] for line in lines] == [None, 2007]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rows.csv", "--model", "pengins"), "Did you mean 'penguins'?"),
        (("no-*.csv", "--model", "penguins"), "no file fits"),
        (("none.csv", "--model", "penguins"), "none.csv"),
        (("rows.csv", "--model", "loans"), "none of the model's columns"),
        (("rows.csv", "--model", "penguins", "--out", "rows.csv"), "one of the files"),
        (("rows.csv", "--model", "penguins", "--out", "x.doc"), "the extension has to be one of"),
        (("rows.csv", "--model", "penguins", "--out", "no/x.csv"), "no is not a directory"),
        (("rows.csv", "--model", "penguins", "--out", "-", "--resume"), "cannot be resumed"),
        (("-", "--model", "penguins", "--resume"), "cannot be resumed"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    madeira: Madeira,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"a\n1\n")))
    (tmp_path / "rows.csv").write_text("species\nAdelie\n")
    outcome = madeira("score", "--out", "x.csv", *arguments)
    assert outcome.status == 1
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "x.csv").exists()
