"""`madeira tune` leaves a model that answers, goes on after a kill, and says what is wrong."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from madeira.app.pictures.tuning import draw_tuning
from madeira.models import DensityEstimator, read_table
from madeira.models.tuning import TrialRecord
from madeira.models.tuning.kinds import first_settings
from tests.cli.outcome import Madeira

Process = Callable[..., "subprocess.Popen[str]"]

ENDLESS = ("--budget", "1000")
SHORTEST = ("--budget", "0.0001")


def tune(process: Process, data: Path, checkpoints: Path, *more: str) -> "subprocess.Popen[str]":
    return process("tune", data, "--name", "m", "--checkpoints", checkpoints, *more)


def read_until_trial(running: "subprocess.Popen[str]", number: int) -> None:
    assert running.stdout is not None
    for line in running.stdout:
        if line.startswith(f"trial {number} "):
            return
    raise AssertionError(f"it ended before trial {number}")


def trials(checkpoints: Path) -> list[Path]:
    return sorted((checkpoints / ".tuning" / "m" / "trials").glob("*.json"))


def test_a_killed_search_goes_on_and_an_interrupt_saves_the_best(
    fruit: Path, tmp_path: Path, process: Process
) -> None:
    killed = tune(process, fruit, tmp_path, *ENDLESS)
    read_until_trial(killed, 2)
    killed.kill()
    killed.communicate()
    before = {path: path.read_bytes() for path in trials(tmp_path)}
    assert len(before) >= 2
    assert not (tmp_path / "m").exists()

    again = tune(process, fruit, tmp_path, *ENDLESS)
    read_until_trial(again, len(before) + 1)
    again.send_signal(signal.SIGINT)
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert "the best model so far will be saved" in err
    assert "Interrupted: the best model so far is saved." in out
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(trials(tmp_path)) > len(before)

    version = tmp_path / "m" / "1"
    estimator = DensityEstimator.load(version)
    assert len(estimator.log_prob(read_table(fruit))) == 120
    assert len(estimator.sample(2, given={"kind": "plum"}, seed=1)) == 2
    metrics = json.loads((version / "metrics.json").read_text())
    assert metrics["interrupted"] is True
    assert metrics["tuning"]["trials"] == len(trials(tmp_path))
    members = [member["name"] for member in metrics["members"]]
    assert list(metrics["tuning"]["settings"]) == members
    assert f"| setting | {' | '.join(members)} |" in (version / "README.md").read_text()
    for picture in (version / "tuning.png", tmp_path / ".tuning" / "m" / "tuning.png"):
        assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    assert (version / "learning_curve.png").exists()


def test_a_short_budget_still_leaves_a_model_and_says_that_the_clock_ended_it(
    fruit: Path, tmp_path: Path, madeira: Madeira
) -> None:
    study = tmp_path / "elsewhere"
    arguments = ("tune", fruit, "--name", "m", "--checkpoints", tmp_path, "--study", study)
    outcome = madeira(*arguments, *SHORTEST)
    assert outcome.status == 0, outcome.err
    assert re.search(r"^trial 1 any-order: stopped by the clock after 1 epoch,", outcome.out, re.M)
    assert "1 trials: 1 stopped by the clock" not in outcome.out
    assert "1 trial: 1 stopped by the clock" in outcome.out
    assert not (tmp_path / ".tuning").exists()

    again = madeira(*arguments, *SHORTEST)
    assert f"{study}: continuing after 1 trial" in again.out
    assert (tmp_path / "m" / "2").is_dir()

    other = madeira(*arguments, *SHORTEST, "--seed", "3")
    assert other.status == 1
    assert f"the study in {study} is of another seed" in other.err
    assert other.err.count("\n") == 1
    assert not (tmp_path / "m" / "3").exists()


def test_an_interrupt_after_the_search_saves_what_it_found(
    fruit: Path, tmp_path: Path, process: Process
) -> None:
    running = tune(process, fruit, tmp_path, *SHORTEST)
    assert running.stdout is not None
    assert any(line.startswith("mixing the best networks") for line in running.stdout)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    assert "Training has ended; the model is being saved" in err
    estimator = DensityEstimator.load(tmp_path / "m" / "1")
    assert estimator.metrics["interrupted"] is False
    assert len(estimator.sample(3, seed=1)) == 3


def test_an_interrupt_before_there_is_anything_saves_nothing(
    tmp_path: Path, process: Process
) -> None:
    table = tmp_path / "long.csv"
    rows = "\n".join(f"{row % 7},{row % 3},{row % 11}" for row in range(100_000))
    table.write_text(f"a,b,c\n{rows}\n")
    running = tune(process, table, tmp_path, *ENDLESS)
    study = tmp_path / ".tuning" / "m" / "study.json"
    while not study.exists() and running.poll() is None:
        time.sleep(0.02)  # it is about to begin; an epoch takes a while
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "nothing to save" in out
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("budget", ["0", "-1", "nan", "inf", "soon"])
def test_a_budget_that_is_no_time_is_a_usage_error(
    budget: str, fruit: Path, tmp_path: Path, madeira: Madeira
) -> None:
    outcome = madeira("tune", fruit, "--name=m", f"--checkpoints={tmp_path}", f"--budget={budget}")
    assert outcome.status == 2
    assert "--budget" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_budget_has_to_be_given(fruit: Path, madeira: Madeira) -> None:
    outcome = madeira("tune", fruit, "--name", "m")
    assert outcome.status == 2
    assert "--budget" in outcome.err


def test_what_cannot_be_trained_on_is_said_as_by_train(tmp_path: Path, madeira: Madeira) -> None:
    table = tmp_path / "one.csv"
    table.write_text("a,b\n1,2\n")
    arguments = ("tune", table, "--name", "m", "--budget", "1")
    one_row = madeira(*arguments, "--checkpoints", tmp_path / "models")
    assert one_row.status == 1
    assert "has one row; a model needs at least two" in one_row.err
    in_a_file = madeira(*arguments, "--checkpoints", tmp_path / "models", "--study", table)
    assert in_a_file.status == 1
    assert "one.csv is a file" in in_a_file.err
    assert not (tmp_path / "models").exists()


def test_a_study_that_another_search_is_at_is_refused(
    fruit: Path, tmp_path: Path, process: Process, madeira: Madeira
) -> None:
    running = tune(process, fruit, tmp_path, *ENDLESS)
    try:
        read_until_trial(running, 1)
        second = madeira("tune", fruit, "--name=m", f"--checkpoints={tmp_path}", "--budget=1")
    finally:
        running.kill()
        running.communicate()
    assert second.status == 1
    assert "another search is running in" in second.err


def test_without_optuna_it_says_what_to_install(
    fruit: Path, tmp_path: Path, madeira: Madeira, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    outcome = madeira("tune", fruit, "--name=m", f"--checkpoints={tmp_path}", "--budget=1")
    assert outcome.status == 1
    assert outcome.err.count("\n") == 1
    assert "pip install 'madeira[tune]'" in outcome.err


def test_other_commands_do_not_wait_for_optuna() -> None:
    script = "import sys, madeira.app.cli; sys.exit('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_picture_can_be_drawn_of_any_study() -> None:
    settings = first_settings("any-order", 100)

    def record(number: int, valid: list[float], ending: str) -> TrialRecord:
        return TrialRecord(
            number,
            "any-order",
            settings,
            0,
            ending,  # type: ignore[arg-type]
            "",
            valid,
            valid,
            1.0,
        )

    failed = record(1, [float("nan")], "failed")
    for records in ([], [failed], [record(2, [-3.0], "stopped"), failed]):
        picture = draw_tuning("t", {"any-order": records, "fixed-order": []}, {})
        assert picture.startswith(b"\x89PNG\r\n")
