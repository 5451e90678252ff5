"""Checkpoints come back exactly, are written whole or not at all, and are never trusted."""

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from madeira.models import (
    CheckpointError,
    DensityEstimator,
    FitConfig,
    MemberConfig,
    TrainingConfig,
)
from madeira.models.checkpoint import next_version, versions
from madeira.models.checkpoint.atomic import unfinished
from madeira.models.made import MaskConfig, NetworkConfig

FILES = ["README.md", "config.json", "metrics.json", "model.safetensors", "schema.json"]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    generator = np.random.default_rng(0)
    size = generator.normal(size=300)
    weight = size * 2 + generator.normal(size=300)
    return pa.table(
        {
            "kind": np.where(size > 0, "large", "small"),
            "size": size,
            "weight": pa.array(weight, mask=generator.random(300) < 0.2),
            "flag": generator.random(300) < 0.5,
        }
    )


@pytest.fixture(scope="module")
def estimator(table: pa.Table) -> DensityEstimator:
    training = TrainingConfig(max_epochs=3)
    network = NetworkConfig((16, 16), residual=True)
    config = FitConfig(
        (
            MemberConfig("any", network, MaskConfig(ensemble=2), training),
            MemberConfig("natural", network, MaskConfig("natural", "sampled", 2), training),
            MemberConfig("independent", NetworkConfig((), direct=False), MaskConfig(), training),
        ),
    )
    return DensityEstimator(config=config, seed=1).fit(table)


@pytest.fixture
def saved(estimator: DensityEstimator, tmp_path: Path) -> Path:
    path = tmp_path / "model" / "1"
    estimator.save(path)
    return path


def test_a_checkpoint_answers_as_the_estimator_that_was_saved(
    estimator: DensityEstimator, saved: Path, table: pa.Table
) -> None:
    loaded = DensityEstimator.load(saved)
    assert np.array_equal(loaded.log_prob(table), estimator.log_prob(table))
    assert np.array_equal(loaded.anomaly_score(table), estimator.anomaly_score(table))
    assert loaded.sample(20, seed=3).equals(estimator.sample(20, seed=3))
    assert loaded.impute(table, seed=3).equals(estimator.impute(table, seed=3))
    assert loaded.metrics == estimator.metrics
    assert loaded.schema == estimator.schema
    assert loaded.card == estimator.card


def test_a_checkpoint_holds_the_promised_files_and_no_pickle(saved: Path) -> None:
    assert sorted(file.name for file in saved.iterdir()) == FILES
    for file in saved.iterdir():
        with pytest.raises((pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError)):
            pickle.loads(file.read_bytes())  # noqa: S301 - shows that it is none


def test_no_training_row_is_stored(saved: Path, table: pa.Table) -> None:
    stored = b"".join(file.read_bytes() for file in saved.iterdir())
    for value in table.column("size").to_pylist()[:50]:
        assert repr(value).encode() not in stored
        assert np.float64(value).tobytes() not in stored
        assert np.float32(value).tobytes() not in stored


def test_further_files_are_kept_beside(estimator: DensityEstimator, tmp_path: Path) -> None:
    estimator.save(tmp_path / "1", extra={"learning_curve.png": b"picture"})
    assert (tmp_path / "1" / "learning_curve.png").read_bytes() == b"picture"
    DensityEstimator.load(tmp_path / "1")


def test_a_checkpoint_is_never_overwritten(estimator: DensityEstimator, saved: Path) -> None:
    with pytest.raises(CheckpointError, match="exists already"):
        estimator.save(saved)
    DensityEstimator.load(saved)


def test_versions_are_numbers_in_order_and_other_entries_are_ignored(tmp_path: Path) -> None:
    assert next_version(tmp_path / "nothing") == "1"
    for name in ["10", "2", ".3-abc", "draft", "٣"]:
        (tmp_path / name).mkdir()
    (tmp_path / "99").write_text("a file")
    assert versions(tmp_path) == ["2", "10"]
    assert next_version(tmp_path) == "11"


@pytest.mark.parametrize(
    "name", ["config.json", "metrics.json", "model.safetensors", "schema.json"]
)
@pytest.mark.parametrize("damage", ["missing", "truncated", "changed", "emptied", "replaced"])
def test_a_damaged_file_is_refused_by_name(saved: Path, name: str, damage: str) -> None:
    file = saved / name
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    elif damage == "truncated":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "changed":
        middle = len(content) // 2
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    else:
        file.write_bytes(b"" if damage == "emptied" else pickle.dumps({"a": 1}))
    with pytest.raises(CheckpointError, match=name) as raised:
        DensityEstimator.load(saved)
    assert str(saved) in str(raised.value)


def test_a_checkpoint_of_a_later_format_is_refused(saved: Path) -> None:
    config = json.loads((saved / "config.json").read_text())
    config["format_version"] = 2
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="format version 2"):
        DensityEstimator.load(saved)


def test_files_of_another_checkpoint_are_refused(
    estimator: DensityEstimator, saved: Path, table: pa.Table, tmp_path: Path
) -> None:
    other = DensityEstimator(preset="fast")
    other._config = FitConfig((MemberConfig("a", training=TrainingConfig(max_epochs=1)),))
    other.fit(table.drop_columns("flag")).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "model.safetensors", saved)
    with pytest.raises(CheckpointError, match=r"model\.safetensors does not have the digest"):
        DensityEstimator.load(saved)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is not a directory"):
        DensityEstimator.load(tmp_path / "nothing")
    with pytest.raises(CheckpointError, match=r"config\.json"):
        DensityEstimator.load(tmp_path)


KILLED_WHILE_SAVING = """
import os, signal, sys
from pathlib import Path
from madeira.models import DensityEstimator

estimator = DensityEstimator.load(sys.argv[1])
flush = os.fsync
left = int(sys.argv[3])

def fsync(file):
    global left
    flush(file)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

os.fsync = fsync
estimator.save(sys.argv[2])
"""


@pytest.mark.parametrize("files_written", [1, 4])
def test_a_kill_during_save_leaves_the_old_version_whole_and_no_new_one(
    saved: Path, table: pa.Table, files_written: int
) -> None:
    new = saved.parent / "2"
    script = [sys.executable, "-c", KILLED_WHILE_SAVING, str(saved), str(new), str(files_written)]
    assert subprocess.run(script, check=False).returncode == -9
    assert not new.exists()
    assert versions(saved.parent) == ["1"]
    DensityEstimator.load(saved)
    DensityEstimator.load(saved).save(new)
    assert sorted(path.name for path in saved.parent.iterdir()) == ["1", "2"]
    assert sorted(file.name for file in new.iterdir()) == FILES


def test_only_what_a_killed_save_left_is_cleared_away(
    estimator: DensityEstimator, saved: Path, tmp_path: Path
) -> None:
    foreign = saved.parent / ".saving-thesis"
    foreign.mkdir()
    (foreign / "data.csv").write_text("mine")
    marked = saved.parent / ".saving-marked"
    marked.mkdir()
    (marked / ".madeira-saving").write_text("another mark")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (saved.parent / ".saving-link").symlink_to(elsewhere)
    with unfinished(saved.parent, {"a": b"b"}) as beside:
        estimator.save(saved.parent / "2")
        assert (beside / "a").read_bytes() == b"b"
    assert not beside.exists()
    names = {path.name for path in saved.parent.iterdir()}
    assert names == {"1", "2", ".saving-thesis", ".saving-marked", ".saving-link"}
    assert (foreign / "data.csv").read_text() == "mine"
    assert elsewhere.is_dir()


def test_all_that_train_one_model_at_a_time_get_a_version_of_their_own(
    estimator: DensityEstimator, saved: Path, tmp_path: Path
) -> None:
    script = (
        "import sys; from madeira.models import DensityEstimator\n"
        "estimator = DensityEstimator.load(sys.argv[1])\n"
        "for _ in range(5): print(estimator.save_version(sys.argv[2]).name)\n"
    )
    command = [sys.executable, "-c", script, str(saved), str(tmp_path / "race")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [version for one in running for version in one.communicate()[0].split()]
    assert sorted(map(int, said)) == list(range(1, 16))
    assert versions(tmp_path / "race") == [str(number) for number in range(1, 16)]
    assert len(list((tmp_path / "race").iterdir())) == 15
    for version in ("1", "15"):
        DensityEstimator.load(tmp_path / "race" / version)


def test_a_version_has_a_number_that_is_free_everywhere(
    estimator: DensityEstimator, tmp_path: Path
) -> None:
    (tmp_path / "bundled" / "3").mkdir(parents=True)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "4").write_text("a file")
    saved = estimator.save_version(tmp_path / "own", others=[tmp_path / "bundled"])
    assert saved == tmp_path / "own" / "5"


def test_a_full_disk_is_named_and_leaves_nothing_behind(
    estimator: DensityEstimator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CheckpointError, match="cannot be written: No space left on device"):
        estimator.save(tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.cuda
def test_a_checkpoint_moves_between_devices(saved: Path, table: pa.Table) -> None:
    on_cpu, on_gpu = (DensityEstimator.load(saved, device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(on_gpu.log_prob(table), on_cpu.log_prob(table), atol=1e-3)
    assert on_gpu.density.layout.device.type == "cuda"
