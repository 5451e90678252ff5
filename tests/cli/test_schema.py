"""`madeira schema` shows what was inferred, in a file that `--schema` takes back."""

import json
import signal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from madeira.app.codecs.schema.read import read_schema
from madeira.models import Schema, read_table
from madeira.models.tables.bad_cells import without_bad_cells
from tests.cli.outcome import Madeira
from tests.models.columns.awkward import AWKWARD


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("awkward") / "awkward.parquet"
    pq.write_table(pa.table({name: array for name, array, _, _ in AWKWARD}), path)
    return path


def test_unchanged_file_is_understood_as_before(
    awkward: Path, tmp_path: Path, madeira: Madeira
) -> None:
    written = tmp_path / "schema.yaml"
    outcome = madeira("schema", awkward, "--output", written)
    assert (outcome.status, outcome.out) == (0, "")
    table, _, _ = without_bad_cells(pq.read_table(awkward))
    assert read_schema(written, table) == Schema.infer(table)
    again = madeira("schema", awkward, "--schema", written)
    assert again.out == written.read_text()


def test_every_column_is_shown_with_kind_reason_and_looks(awkward: Path, madeira: Madeira) -> None:
    out = madeira("schema", awkward).out
    assert yaml.safe_load(out)["usd"] == "integer"
    assert len(yaml.compose(out).value) == len(AWKWARD)
    for line in (
        "grade: categorical  # 5 distinct numbers\n#   int8, 5 distinct, 1 to 5, all: 1 | 2 | 3",
        "constant_or_null: left_out  # constant, or null\n#   int64, 50 % null, 1 distinct, all: 7",
        "all_null: left_out  # no values: every row is null\n#   null, 100 % null\n",
        "list: left_out  # values of type list<element: int64> are not modelled\n#   list<",
        "pandas: categorical  # text\n#   string (dictionary-encoded), 2 distinct, all: 'a' | 'b'",
        '"": left_out  # key: counts the rows\n',
        '"no: yes # {x}": categorical  # text\n',
        '"größe 🦉": categorical  # text\n',
    ):
        assert line in out
    assert max(map(len, out.splitlines())) <= 140


def test_one_word_overrules(fruit: Path, tmp_path: Path, madeira: Madeira) -> None:
    out = madeira("schema", fruit).out
    assert "\nripe: binary  # only 0 and 1\n" in out
    edited = tmp_path / "kinds.yaml"
    edited.write_text(out.replace("\nripe: binary", "\nripe: categorical"))
    outcome = madeira("schema", fruit, "--schema", edited)
    assert "\nripe: categorical  # by the user\n" in outcome.out
    assert "\nkind: categorical  # text\n" in outcome.out


def test_what_a_user_said_is_kept_word_by_word(
    fruit: Path, tmp_path: Path, madeira: Madeira
) -> None:
    said = tmp_path / "kinds.yaml"
    said.write_text("kind: {kind: categorical, categories: [plum, pear, apple, 'fig, dried']}\n")
    first = madeira("schema", fruit, "--schema", said, "--output", tmp_path / "first.yaml")
    assert first.status == 0
    table = read_table(fruit)
    assert read_schema(tmp_path / "first.yaml", table) == read_schema(said, table)


def test_schema_of_a_checkpoint_is_shown(fruit: Path, tmp_path: Path, madeira: Madeira) -> None:
    whole = tmp_path / "schema.json"
    whole.write_text(json.dumps(Schema.infer(read_table(fruit)).to_json(), indent=2))
    out = madeira("schema", fruit, "--schema", whole).out
    assert f'ripe: {{"kind": "binary", "reason": "as in {whole}"}}' in out


def test_file_that_may_be_edited_is_not_written_over(
    fruit: Path, tmp_path: Path, madeira: Madeira
) -> None:
    (tmp_path / "schema.yaml").write_text("mine")
    outcome = madeira("schema", fruit, "--output", tmp_path / "schema.yaml")
    assert outcome.status == 1
    assert "exists already" in outcome.err
    assert (tmp_path / "schema.yaml").read_text() == "mine"
    nowhere = madeira("schema", fruit, "--output", tmp_path / "no" / "schema.yaml")
    assert nowhere.status == 1
    assert "cannot be written: No such file or directory" in nowhere.err


def test_full_disk_is_one_line_and_leaves_nothing(
    fruit: Path, tmp_path: Path, madeira: Madeira
) -> None:
    """A file size limit stands in for a full disk: the system refuses the write."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        outcome = madeira("schema", fruit, "--output", tmp_path / "schema.yaml")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, former)
    assert outcome.status == 1
    assert outcome.err == f"madeira: {tmp_path / 'schema.yaml'} cannot be written: File too large\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        ("", "is empty"),
        ("a,b\n", "the table has no rows"),
        ("a\n1\ninf\n2\n", "row 1, column 'a': expected a finite number"),
    ],
)
def test_table_that_cannot_be_read_is_one_line_and_status_1(
    content: str | None, said: str, tmp_path: Path, madeira: Madeira
) -> None:
    path = tmp_path / "data.csv"
    if content is not None:
        path.write_text(content)
    outcome = madeira("schema", path)
    assert outcome.status == 1
    assert outcome.err.startswith(f"madeira: {path}")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1


def test_one_row_and_one_column_are_shown(tmp_path: Path, madeira: Madeira) -> None:
    pq.write_table(pa.table({"x": np.arange(1)}), tmp_path / "one.parquet")
    assert "x: left_out  # constant" in madeira("schema", tmp_path / "one.parquet").out
