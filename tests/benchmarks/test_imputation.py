"""The imputation benchmark's removal, measures and ranks."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from benchmarks.imputation.baselines import BASELINES
from benchmarks.imputation.measures import Filled, interval_of_draws, measure
from benchmarks.imputation.page import measured
from benchmarks.imputation.removal import MECHANISMS, Mechanism, remove
from benchmarks.imputation.summary import Case, ranks, summarise
from benchmarks.imputation.tables import Complete
from benchmarks.report import Report


@pytest.fixture
def table() -> Complete:
    """Two numbers that go together, one that does not, a category that follows from them."""
    generator = np.random.default_rng(0)
    first = generator.normal(size=2000)
    frame = pd.DataFrame({"a": first, "b": first + 0.1 * generator.normal(size=2000)})
    frame["c"] = generator.normal(size=2000)
    frame["d"] = np.where(first > 0, "high", "low").astype(object)
    return Complete("made", frame, ["a", "b", "c"], ["d"])


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_share_that_is_asked_for_is_removed(
    table: Complete, mechanism: Mechanism, share: float
) -> None:
    removed = remove(table, mechanism, share, 1)
    losing = removed.any(axis=0)
    assert losing.sum() == (3 if mechanism == "MAR" else 4)
    assert removed[:, losing].mean() == pytest.approx(share, abs=0.04)  # a row keeps one
    assert not removed.all(axis=1).any()


def test_values_missing_not_at_random_differ_from_the_others(table: Complete) -> None:
    removed = remove(table, "MNAR", 0.3, 1)
    values = table.frame["c"].to_numpy()
    gone = removed[:, 2]
    assert abs(values[gone].mean() - values[~gone].mean()) > 0.5


def test_values_missing_at_random_are_explained_by_what_is_kept(table: Complete) -> None:
    removed = remove(table, "MAR", 0.3, 1)
    kept = int(np.flatnonzero(~removed.any(axis=0))[0])
    values = table.frame.iloc[:, kept]
    codes = values if values.dtype == float else pd.Series(pd.factorize(values)[0])
    order = np.argsort(codes.to_numpy())
    for column in np.flatnonzero(removed.any(axis=0)):
        halves = np.array_split(removed[order, column], 2)
        assert abs(halves[0].mean() - halves[1].mean()) > 0.1


def test_the_truth_has_no_error_and_the_mean_has_the_deviation(table: Complete) -> None:
    removed = remove(table, "MCAR", 0.3, 1)
    perfect = measure(table, removed, Filled(table.frame, table.frame))
    assert perfect == {"rmse": 0.0, "wasserstein": 0.0, "accuracy": 1.0}
    filled = BASELINES["mean / mode"](table.frame.mask(removed), table, 0)
    numbers = table.frame[table.numbers]
    expected = (numbers.std() / (numbers.max() - numbers.min())).mean()
    assert measure(table, removed, filled)["rmse"] == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("method", ["k-NN", "iterative, linear", "iterative, trees"])
def test_baselines_fill_gaps_alone_and_learn_what_goes_together(
    table: Complete, method: str
) -> None:
    removed = remove(table, "MCAR", 0.2, 1)
    filled = BASELINES[method](table.frame.mask(removed), table, 0)
    assert not filled.point.isna().any(axis=None)
    pd.testing.assert_frame_equal(filled.point.mask(removed), table.frame.mask(removed))
    found = measure(table, removed, filled)
    guess = measure(table, removed, BASELINES["mean / mode"](table.frame.mask(removed), table, 0))
    assert found["rmse"] < 0.9 * guess["rmse"]
    assert found["accuracy"] > guess["accuracy"]


def test_the_score_of_draws_is_that_of_their_distribution(table: Complete) -> None:
    generator = np.random.default_rng(1)
    removed = np.ones(table.frame.shape, dtype=bool)
    draws = [
        table.frame.assign(**{name: generator.normal(size=2000) for name in table.numbers})
        for _ in range(5)
    ]
    ends = interval_of_draws(draws, table.numbers)
    found = measure(table, removed, Filled(draws[0], draws[0], draws, *ends))
    values = [(table.frame[name].to_numpy(), np.ptp(table.frame[name])) for name in table.numbers]
    exact = [
        (y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - 1 / np.sqrt(np.pi)).mean() / scale
        for y, scale in values
    ]
    assert found["crps"] == pytest.approx(np.mean(exact), rel=0.03)
    assert found["coverage"] == pytest.approx(0.9, abs=0.02)


def test_ranks_share_ties_and_turn_for_accuracy() -> None:
    measures = {
        "x": {"rmse": 0.1, "accuracy": 0.9},
        "y": {"rmse": 0.2, "accuracy": 0.9},
        "z": {"rmse": 0.3, "accuracy": 0.8},
    }
    case = Case("made", "MCAR", 0.3, 0, measures)
    assert ranks([case], ["x", "y", "z"], "rmse") == {"x": 1.0, "y": 2.0, "z": 3.0}
    assert ranks([case], ["x", "y", "z"], "accuracy") == {"x": 1.5, "y": 1.5, "z": 3.0}


def test_the_page_ranks_methods_and_says_over_how_many_cases() -> None:
    better = {"rmse": 0.1, "accuracy": 0.9, "wasserstein": 0.1, "gaps": 9.0, "coverage": 0.9}
    worse = {"rmse": 0.2, "accuracy": 0.8, "wasserstein": 0.2}
    report = Report("imputation", quick=True)
    case = Case("made", "MCAR", 0.3, 0, {"madeira": better, "other": worse})
    summarise(report, [case], "madeira")
    results = {"cases": [asdict(each) for each in report.cases]}
    text = measured({**results, "hardware": {"cpu": "made"}, "date": "2026-01-01T00"})
    first, second = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert first.startswith("| madeira | 1.00 | 1.00 | 1.00 | 1.00 | 0.1 |")
    assert second.startswith("| other | 2.00 |")
    assert "1 cases of 54" in text
    assert "coverage under MCAR: madeira: 0.900" in text
