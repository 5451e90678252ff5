"""The anomaly benchmark trains on what it says, and counts what every method was measured on."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.anomaly.sets import set_names, split
from benchmarks.anomaly.summary import OURS, Measures, summarise
from benchmarks.report import Report


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sets of 400 rows, a tenth anomalies, whose first column tells which is which."""
    (tmp_path / "anomaly").mkdir()
    anomalous = np.arange(400) % 10 == 0
    rows = np.random.default_rng(0).normal(size=(400, 3))
    rows[:, 0] = np.where(anomalous, 9.0, rows[:, 0])
    rows[:, 2] = 5.0
    for name in ("10_ten", "2_two"):
        np.savez(tmp_path / "anomaly" / f"{name}.npz", X=rows, y=anomalous.astype(int))
    monkeypatch.setenv("MADEIRA_DATA", str(tmp_path))


@pytest.mark.usefixtures("sets")
def test_sets_are_cut_with_their_share_of_anomalies_and_none_is_trained_on() -> None:
    assert set_names() == ["2_two", "10_ten"]
    cut = split("2_two", "unsupervised", seed=1, rows_limit=200)
    assert cut.train is cut.test or np.array_equal(cut.train, cut.test)
    assert (len(cut.test), cut.anomalous.sum()) == (200, 20)
    assert np.array_equal(cut.test[:, 0] == 9.0, cut.anomalous)
    few = split("2_two", "unsupervised", seed=1, rows_limit=50)
    assert (len(few.test), few.anomalous.sum()) == (50, 10)
    clean = split("2_two", "semi-supervised", seed=1)
    assert clean.train.shape == (180, 2)  # the constant column is left out
    assert (clean.train[:, 0] < 9.0).all()
    assert (len(clean.test), clean.anomalous.sum()) == (220, 40)
    assert not np.array_equal(clean.train, split("2_two", "semi-supervised", seed=2).train)


def test_means_are_of_sets_that_every_method_was_measured_on() -> None:
    values = {
        ("a", 1): (0.9, 0.8),
        ("a", 2): (0.7, 0.8),
        ("b", 1): (0.6, 0.6),
        ("b", 2): (0.1, None),
    }
    measured = [
        Measures(method, name, "unsupervised", seed, auroc, 0.5, 1.0)
        for (name, seed), both in values.items()
        for method, auroc in zip((OURS, "other"), both, strict=True)
        if auroc is not None
    ]
    report = Report("anomaly", quick=True)
    summarise(report, measured)
    cases = {case.case: case for case in report.cases}
    assert cases["unsupervised: a"].value == pytest.approx(0.8)
    mean = cases["unsupervised: mean against other"]
    assert [mean.value, mean.against_value] == pytest.approx([0.7, 0.7])
    assert mean.detail["sets"] == 2
    assert mean.detail["runs"] == 3
    assert mean.detail["average rank"] == 1.5
    assert not any(name.startswith("semi-supervised") for name in cases)
