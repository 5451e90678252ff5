"""Forty awkward files: no column is lost that a person would keep; the rest is one sentence."""

from pathlib import Path

import numpy as np
import pytest

from madeira.models import DensityEstimator, Schema, TableFileError
from madeira.models.tables.bad_cells import without_bad_cells
from madeira.models.tables.files import read_with_notes
from madeira.models.tables.reading import ReadOptions
from tests.models.tables.awkward_files import AWKWARD, REFUSED
from tests.models.tables.conftest import SMALL

TRAINED = ("one word among prices", "days in two ways", "None of most", "JSON lines of two sorts")


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_there_are_forty() -> None:
    assert len(AWKWARD) >= 40


@pytest.mark.parametrize("name", AWKWARD)
def test_no_column_is_lost(name: str, tmp_path: Path) -> None:
    file, content, kinds = AWKWARD[name]
    read = read_with_notes(written(tmp_path, file, content), ReadOptions())
    table, _, _ = without_bad_cells(read.table)
    schema = Schema.infer(table)
    found = {column.name: column.kind for column in schema.columns}
    assert {column: found.get(column) for column in kinds} == kinds
    assert 118 <= table.num_rows <= 123


@pytest.mark.filterwarnings("ignore::madeira.models.TableWarning")
@pytest.mark.filterwarnings("ignore::madeira.models.TrainingWarning")
@pytest.mark.parametrize("name", TRAINED)
def test_model_of_an_awkward_file_draws_and_scores(name: str, tmp_path: Path) -> None:
    file, content, kinds = AWKWARD[name]
    path = written(tmp_path, file, content)
    fitted = DensityEstimator(config=SMALL).fit(path)
    drawn = fitted.sample(20, seed=0)
    assert set(drawn.column_names) == set(kinds)
    assert np.isfinite(fitted.log_prob(drawn)).all()


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_one_sentence(name: str, tmp_path: Path) -> None:
    file, content, said = REFUSED[name]
    path = written(tmp_path, file, content)
    with pytest.raises(TableFileError, match=said) as raised:
        read_with_notes(path, ReadOptions())
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
