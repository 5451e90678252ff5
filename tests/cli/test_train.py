"""`madeira train` makes a model that can be loaded, and says in a sentence why it cannot."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from madeira.models import DensityEstimator, read_table
from madeira.models.checkpoint import atomic, save
from tests.cli.outcome import Madeira


@pytest.fixture(scope="module")
def trained(fruit: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Train in a process; return the directory of models, and what was printed."""
    checkpoints = tmp_path_factory.mktemp("checkpoints")
    run = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "madeira",
                "train",
                str(fruit),
            ),
            *("--name", "fruit", "--checkpoints", str(checkpoints), "--preset", "fast"),
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert run.stderr == ""
    return checkpoints, run.stdout


def test_model_is_saved_whole_and_answers(trained: tuple[Path, str], fruit: Path) -> None:
    checkpoints, _ = trained
    assert [path.name for path in (checkpoints / "fruit").iterdir()] == ["1"]
    estimator = DensityEstimator.load(checkpoints / "fruit" / "1")
    assert estimator.schema.names == ("kind", "ripe", "weight")
    assert len(estimator.log_prob(read_table(fruit))) == 120
    assert estimator.card.startswith("# fruit\n")
    picture = (checkpoints / "fruit" / "1" / "learning_curve.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert len(picture) > 5_000


def test_output_shows_columns_progress_and_next_steps_in_plain_lines(
    trained: tuple[Path, str],
) -> None:
    checkpoints, out = trained
    assert "120 rows, 5 columns" in out
    assert re.search(r"kind +│ categorical │ 3 categories: apple, pear, plum +│ +│", out)
    assert re.search(r"weight +│ \w+ +│ 0.5 to 24.5; can be 0.5 to 25.5 +│ +18 │", out)
    assert re.search(r"origin +│ excluded +│ constant", out)
    epochs = re.findall(r"^any-order \(1 of 1\) epoch (\d+) of at most \d+: train -", out, re.M)
    assert epochs[0] == "1"
    assert 2 < len(epochs) < 40
    assert f"madeira serve --checkpoints {checkpoints}" in out
    assert """-d '{"model": "fruit", "n": 5}'""" in out
    assert "\x1b" not in out


def test_a_second_run_makes_the_next_version_and_a_schema_file_overrules(
    trained: tuple[Path, str], fruit: Path, tmp_path: Path, madeira: Madeira
) -> None:
    checkpoints, _ = trained
    schema = tmp_path / "kinds.json"
    schema.write_text('{"ripe": "left_out", "code": {"kind": "left_out"}}')
    outcome = madeira(
        *("train", fruit, "--name", "fruit", "--checkpoints", checkpoints),
        *("--preset", "fast", "--schema", schema, "--seed", "7"),
    )
    assert outcome.status == 0
    assert (checkpoints / "fruit" / "1").is_dir()
    metrics = json.loads((checkpoints / "fruit" / "2" / "metrics.json").read_text())
    assert (metrics["columns"], metrics["seed"], metrics["preset"]) == (2, 7, "fast")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        ("", "is empty"),
        ("a,b\n", "has no rows; a model needs at least two"),
        ("a,b\n1,2\n", "has one row; a model needs at least two"),
        ("a,b\n1,x\n1,x\n", "every column is excluded (a: constant; b: constant)"),
        ("a\n1\ninf\n2\n", "row 1, column 'a'"),
    ],
)
def test_table_that_cannot_be_learned_is_one_line_and_status_1(
    content: str | None, said: str, tmp_path: Path, madeira: Madeira
) -> None:
    path = tmp_path / "data.csv"
    if content is not None:
        path.write_text(content)
    outcome = madeira("train", path, "--name", "m", "--checkpoints", tmp_path / "models")
    assert outcome.status == 1
    assert outcome.err.startswith(f"madeira: {path}")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("name", ["", "Fruit", "-x", "../up", "a b", "a/b", "a" * 101])
def test_name_that_is_no_name_is_a_usage_error(
    name: str, fruit: Path, tmp_path: Path, madeira: Madeira
) -> None:
    outcome = madeira("train", fruit, f"--name={name}", "--checkpoints", tmp_path)
    assert outcome.status == 2
    assert "--name" in outcome.err


def test_directory_that_cannot_be_written_is_told_before_training(
    fruit: Path, tmp_path: Path, madeira: Madeira
) -> None:
    (tmp_path / "file").write_text("")
    outcome = madeira("train", fruit, "--name", "m", "--checkpoints", tmp_path / "file")
    assert outcome.status == 1
    assert "file is a file" in outcome.err
    assert outcome.out == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_directory_without_permission_is_told_before_training(
    fruit: Path, tmp_path: Path, madeira: Madeira
) -> None:
    tmp_path.chmod(0o555)
    outcome = madeira("train", fruit, "--name", "m", "--checkpoints", tmp_path / "models")
    assert outcome.status == 1
    assert "cannot be written to" in outcome.err


def test_full_disk_is_one_line(
    fruit: Path, madeira: Madeira, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file size limit stands in for a full disk: the system refuses the write."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    try:
        outcome = madeira(
            "train", fruit, "--name", "m", "--checkpoints", tmp_path, "--preset", "fast"
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, former)
    assert outcome.status == 1
    assert "cannot be written: File too large" in outcome.err
    assert not list(tmp_path.glob("madeira-*"))
    assert list((tmp_path / "m").iterdir()) == []


def test_a_model_is_saved_elsewhere_where_its_directory_cannot_be_written_any_more(
    fruit: Path, madeira: Madeira, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "models" / "m"

    def unfinished(directory: Path, files: dict[str, bytes]) -> AbstractContextManager[Path]:
        if directory == place:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return atomic.unfinished(directory, files)

    monkeypatch.setattr(save, "unfinished", unfinished)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    outcome = madeira("train", fruit, "--name", "m", "--checkpoints", place.parent, "--preset=fast")
    assert outcome.status == 1
    assert "No space left on device. The model is saved in" in outcome.err
    assert f": move it to {place}" in outcome.err
    (saved,) = tmp_path.glob("madeira-m-*/1")
    assert str(saved) in outcome.err
    assert len(DensityEstimator.load(saved).sample(3, seed=1)) == 3


def test_absent_cuda_device_is_one_line(fruit: Path, tmp_path: Path, madeira: Madeira) -> None:
    outcome = madeira("train", fruit, "--name=m", f"--checkpoints={tmp_path}", "--device=cuda:99")
    assert outcome.status == 1
    assert "no CUDA device 99" in outcome.err
    assert madeira("train", fruit, "--name=m", "--device=gpu").status == 2


def _train_until_third_line(
    process: Callable[..., "subprocess.Popen[str]"], data: Path, checkpoints: Path
) -> "subprocess.Popen[str]":
    running = process(
        "train", data, "--name", "m", "--checkpoints", checkpoints, "--preset", "balanced"
    )
    assert running.stdout is not None
    seen = 0
    for line in running.stdout:
        seen += line.startswith("any-order")
        if seen == 3:
            break
    return running


def test_interrupt_keeps_and_saves_the_best_so_far(
    fruit: Path, tmp_path: Path, process: Callable[..., "subprocess.Popen[str]"]
) -> None:
    running = _train_until_third_line(process, fruit, tmp_path)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "the best model so far will be saved" in err
    assert "the best model so far is saved" in out
    estimator = DensityEstimator.load(tmp_path / "m" / "1")
    assert estimator.metrics["interrupted"] is True
    assert len(estimator.sample(3, seed=1)) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_after_the_last_epoch_saves_the_finished_training(
    number: signal.Signals,
    fruit: Path,
    tmp_path: Path,
    process: Callable[..., "subprocess.Popen[str]"],
) -> None:
    running = process("train", fruit, "--name", "m", "--checkpoints", tmp_path, "--preset", "fast")
    assert running.stdout is not None
    assert any(line.startswith("fitting the weights") for line in running.stdout)
    running.send_signal(number)
    out, err = running.communicate(timeout=600)
    assert running.returncode == 0, err
    assert "Training has ended" in err
    assert "calibrating anomaly scores" in out
    assert "measuring likelihoods" in out
    assert "Interrupted" not in out
    assert DensityEstimator.load(tmp_path / "m" / "1").metrics["interrupted"] is False


def test_two_rows_are_trained_on_and_not_without_a_word(
    madeira: Madeira, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    data = tmp_path / "two.csv"
    data.write_text("size,kind\n1.5,a\n2.5,b\n")
    outcome = madeira(
        *("train", data, "--name", "two", "--checkpoints", tmp_path / "models"),
        *("--preset", "fast"),
    )
    assert outcome.status == 0, outcome.err
    said = " ".join(outcome.out.split())
    assert "warning: there are 2 rows for 2 columns, of which 1 was held out" in said
    assert "TrainingWarning" not in outcome.err


def test_rows_that_may_be_anomalies_are_set_aside(
    madeira: Madeira, fruit: Path, tmp_path: Path
) -> None:
    trained = madeira(
        *("train", str(fruit), "--name", "usual", "--checkpoints", str(tmp_path)),
        *("--preset", "fast", "--smoothing", "0.2", "--contamination", "0.1"),
    )
    assert trained.status == 0, trained.err
    metrics = json.loads((tmp_path / "usual" / "1" / "metrics.json").read_text())
    assert (metrics["preset"], metrics["smoothing"], metrics["contamination"]) == ("fast", 0.2, 0.1)
    assert metrics["set_aside_rows"] == 12
    assert metrics["train_rows"] + metrics["valid_rows"] == 108


def test_smoothing_is_auto_or_a_number(madeira: Madeira, fruit: Path, tmp_path: Path) -> None:
    for wrong in ("much", "-1", "nan"):
        outcome = madeira(
            *("train", fruit, "--name", "m", "--checkpoints", tmp_path / "models"),
            *("--smoothing", wrong),
        )
        assert outcome.status == 2
        assert "auto" in outcome.err
    assert not (tmp_path / "models").exists()
