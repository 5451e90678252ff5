"""`madeira models` lists what is on disk, the broken included."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

from madeira.models import DensityEstimator
from tests.cli.outcome import Madeira


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of one model, the second of them tampered with."""
    directory = tmp_path_factory.mktemp("checkpoints")
    table = pa.table({"flag": [True, False] * 20, "x": [0.1 * i for i in range(40)]})
    estimator = DensityEstimator("fast").fit(table)
    for version in ("1", "2"):
        estimator.save(directory / "small" / version)
    metrics = directory / "small" / "2" / "metrics.json"
    metrics.write_text(metrics.read_text().replace('"seed": 0', '"seed": 1'))
    (directory / "__pycache__").mkdir()
    (directory / "empty").mkdir()
    return directory


def test_whole_models_are_listed_and_broken_ones_named(checkpoints: Path, madeira: Madeira) -> None:
    outcome = madeira("models", "--checkpoints", checkpoints)
    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert any(re.search(r"small +1 +1 binary +36 +-?\d+\.\d{3} .* MB", line) for line in lines)
    assert any("1 continuous" in line for line in lines)
    assert any(re.search(r"small +2 +broken", line) for line in lines)
    said = " ".join(outcome.out.split())
    assert f"broken: {checkpoints / 'small' / '2'}: metrics.json does not have the digest" in said
    assert "empty: no version" in said
    assert "__pycache__" not in said


@pytest.mark.parametrize("columns", ["80", "40", None])
def test_nothing_is_cut_at_any_width(
    columns: str | None, checkpoints: Path, madeira: Madeira, monkeypatch: pytest.MonkeyPatch
) -> None:
    if columns is None:  # into a file
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    metrics = json.loads((checkpoints / "small" / "1" / "metrics.json").read_text())
    (checkpoints / ("a-name-that-is-rather-long-" * 3)).symlink_to(checkpoints / "small")
    try:
        outcome = madeira("models", "--checkpoints", checkpoints)
    finally:
        (checkpoints / ("a-name-that-is-rather-long-" * 3)).unlink()
    assert "…" not in outcome.out
    said = " ".join(outcome.out.split())
    day, clock = metrics["trained_at"][:10], metrics["trained_at"][11:16]
    for words in ("a-name-that-is-rather-long-" * 3, day, clock, "1 binary", "1 continuous", " MB"):
        assert words in said
    if columns == "40":
        listed = outcome.out.partition("broken:")[0].splitlines()
        assert max(len(line) for line in listed if "rather-long" not in line) <= 40
    if columns is None:
        assert re.search(rf"1 binary +36 +\S+ +{day} +\S+ MB", outcome.out)


def test_directory_without_models_says_how_to_make_one(tmp_path: Path, madeira: Madeira) -> None:
    outcome = madeira("models", "--checkpoints", tmp_path)
    assert outcome.status == 0
    assert "madeira train DATA --name NAME" in outcome.out


def test_missing_directory_is_one_line(tmp_path: Path, madeira: Madeira) -> None:
    outcome = madeira("models", "--checkpoints", tmp_path / "none")
    assert outcome.status == 1
    assert outcome.err == f"madeira: {tmp_path / 'none'} is not a directory\n"
