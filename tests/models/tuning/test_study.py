"""A study on disk is gone on with only where it is whole, its own, and nobody else's at work."""

from pathlib import Path

import pytest
import torch

from madeira.models.errors import TrainingError
from madeira.models.tuning import StudyFolder, TrialRecord
from madeira.models.tuning.kinds import first_settings

ABOUT = {"table": "t", "seed": "0"}


def record(number: int, nats: float = -1.0) -> TrialRecord:
    settings = first_settings("any-order", 100)
    return TrialRecord(number, "any-order", settings, 7, "finished", "", [nats], [nats], 0.5)


def test_trials_and_weights_come_back_as_they_were(tmp_path: Path) -> None:
    weights = {"w": torch.arange(6.0).reshape(2, 3)}
    with StudyFolder(tmp_path, ABOUT) as study:
        study.add(record(1), weights, most=1)
    with StudyFolder(tmp_path, ABOUT) as study:
        assert study.records == [record(1)]
        assert torch.equal(study.weights(study.records[0])["w"], weights["w"])
        assert study.next_number == 2


def test_a_likelihood_that_is_no_number_is_kept_as_null(tmp_path: Path) -> None:
    with StudyFolder(tmp_path, ABOUT) as study:
        study.add(record(1, float("nan")), None, most=1)
    assert "NaN" not in (tmp_path / "trials" / "0001.json").read_text()
    with StudyFolder(tmp_path, ABOUT) as study:
        assert study.records[0].best_nats == -float("inf")


def test_what_a_killed_run_left_half_written_is_no_trial(tmp_path: Path) -> None:
    with StudyFolder(tmp_path, ABOUT) as study:
        study.add(record(1), None, most=1)
    (tmp_path / "trials" / ".0002.json").write_text('{"number": 2, "ki')
    with StudyFolder(tmp_path, ABOUT) as study:
        assert [kept.number for kept in study.records] == [1]


@pytest.mark.parametrize("name", ["table", "seed"])
def test_a_study_of_something_else_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with StudyFolder(tmp_path, ABOUT):
        pass
    with (
        pytest.raises(TrainingError, match=f"is of another {name}:"),
        StudyFolder(tmp_path, ABOUT | {name: "x"}),
    ):
        pass


def test_a_second_search_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        StudyFolder(tmp_path, ABOUT),
        pytest.raises(TrainingError, match="another search is running in"),
        StudyFolder(tmp_path, ABOUT),
    ):
        pass
    with StudyFolder(tmp_path, ABOUT):
        pass


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"number": 1}'])
def test_a_record_that_is_broken_is_named(tmp_path: Path, content: str) -> None:
    with StudyFolder(tmp_path, ABOUT):
        (tmp_path / "trials" / "0001.json").write_text(content)
    with pytest.raises(TrainingError, match=r"0001\.json: "), StudyFolder(tmp_path, ABOUT):
        pass


def test_a_record_of_other_settings_is_refused(tmp_path: Path) -> None:
    with StudyFolder(tmp_path, ABOUT):
        text = record(1).to_json().decode().replace('"layers"', '"floors"')
        (tmp_path / "trials" / "0001.json").write_text(text)
    with pytest.raises(TrainingError, match="not those that"), StudyFolder(tmp_path, ABOUT):
        pass


def test_weights_that_are_gone_are_named(tmp_path: Path) -> None:
    with StudyFolder(tmp_path, ABOUT) as study:
        study.add(record(1), {"w": torch.zeros(1)}, most=1)
        (tmp_path / "trials" / "0001.safetensors").unlink()
        with pytest.raises(TrainingError, match=r"0001\.safetensors cannot be read"):
            study.weights(record(1))
