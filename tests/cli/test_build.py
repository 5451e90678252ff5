"""The bundled models come from the tables they claim, and a build replaces the one before."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from rich.console import Console

from checkpoints.build import BUNDLED, HERE, build, main
from checkpoints.tables import LOANS_COLUMNS, PIXELS, digits, loans, penguins
from madeira.models import DensityEstimator, Schema


def test_penguins_are_mixed_and_have_missing_values() -> None:
    table = penguins()
    assert (table.num_rows, table.num_columns) == (344, 8)
    assert sum(column.null_count for column in table.columns) == 19
    schema = BUNDLED["penguins"].schema(table)
    assert [c.name for c in schema.columns if c.kind == "categorical"] == [
        *("species", "island", "sex", "year"),
    ]
    assert schema.left_out == ()


def test_digits_are_binary_images_with_every_pixel_modelled() -> None:
    table = digits()
    assert (table.num_rows, table.column_names) == (1797, [*PIXELS, "digit"])
    schema = BUNDLED["digits"].schema(table)
    assert [column.kind for column in schema.columns] == ["binary"] * 64 + ["categorical"]
    assert schema.encode(table)[:, :64].mean() == pytest.approx(0.322, abs=0.02)


def test_loans_have_the_chosen_columns_and_their_missing_values() -> None:
    table = loans()
    assert table.num_rows == 10_000
    assert tuple(table.column_names) == LOANS_COLUMNS
    nulls = {name: table.column(name).null_count for name in LOANS_COLUMNS}
    assert {name for name, count in nulls.items() if count} == {
        *("emp_length", "debt_to_income", "annual_income_joint", "months_since_last_delinq"),
    }
    assert table.schema.field("months_since_last_delinq").type == pa.int64()
    assert Schema.infer(table).left_out == ()
    joint = pc.equal(table.column("application_type"), "joint")
    assert (
        table.filter(pc.invert(joint)).column("annual_income_joint").null_count
        == pc.sum(pc.invert(joint)).as_py()
    )


def test_build_writes_a_described_model_in_the_place_of_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "penguins" / "1").mkdir(parents=True)
    (tmp_path / "penguins" / "1" / "left.over").write_text("")
    console = Console(file=io.StringIO())
    path = build("penguins", tmp_path, console, preset_name="fast")
    assert path == tmp_path / "penguins" / "1"
    assert [entry.name for entry in path.parent.iterdir()] == ["1"]
    assert not (path / "left.over").exists()
    assert (path / "learning_curve.png").is_file()
    assert BUNDLED["penguins"].description in DensityEstimator.load(path).card


def test_unknown_name_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["penguin"])
    assert ended.value.code == 2
    assert "no bundled model is called 'penguin'" in capsys.readouterr().err


def rounded(content: object) -> object:
    """Remove the last bits of all numbers: processors add up in different orders."""
    if isinstance(content, dict):
        return {name: rounded(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [rounded(value) for value in content]
    return float(f"{content:.12g}") if isinstance(content, float) else content


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_model_is_whole_and_knows_its_table(name: str) -> None:
    bundled = BUNDLED[name]
    estimator = DensityEstimator.load(HERE / name / "1")
    table = bundled.table()
    schema = bundled.schema(table)
    schema = schema.with_null_indicators(schema.encode(table))
    found, kept = (rounded(one.to_json()) for one in (schema, estimator.schema))
    assert found == kept, "its columns changed: `make checkpoints`"
    assert estimator.log_prob(table.slice(0, 50)).min() > -1_000


def test_bundled_models_are_small_together() -> None:
    files = [file for name in BUNDLED for file in (HERE / name / "1").iterdir()]
    assert sum(file.stat().st_size for file in files) < 5_000_000
