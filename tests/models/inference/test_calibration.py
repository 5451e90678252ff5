"""Calibration makes tail probabilities those of real rows, with few of them and with many."""

import numpy as np
import pytest

from madeira.models.inference.calibration import LEVELS, Calibration, calibrate

UNIFORM = np.random.default_rng(0).random(20_000)


def flagged(calibration: Calibration, share: float, power: float) -> float:
    """How many rows are flagged at a share, of rows whose -log p is `power` times too large."""
    return float((calibration.log_tail(UNIFORM**power) < np.log(share)).mean())


def test_the_identity_changes_nothing() -> None:
    p = np.array([1.0, 0.9, 0.5, 0.011, 1e-5, 1e-300])
    np.testing.assert_allclose(Calibration.identity().log_tail(p), np.log(p), atol=1e-12)


@pytest.mark.parametrize(
    ("power", "rows", "off"),
    [(1.0, 100, 2.5), (3.0, 100, 2.5), (0.5, 10_000, 1.2), (1.0, 10_000, 1.2), (3.0, 10_000, 1.2)],
)
def test_real_rows_are_flagged_as_often_as_asked(power: float, rows: int, off: float) -> None:
    calibration = calibrate(np.random.default_rng(1).random(rows) ** power)
    for share in (0.01, 0.05, 0.2):
        assert share / off < flagged(calibration, share, power) < share * off


def test_few_rows_that_are_mild_flag_hardly_more_of_others() -> None:
    mild = calibrate(np.random.default_rng(1).random(60) ** 0.5)
    assert flagged(mild, 0.05, 1.0) < 0.12


def test_few_rows_change_little_and_none_nothing_much() -> None:
    p = 10.0 ** -np.arange(1.0, 12.0)
    for rows in (0, 1, 2):
        found = calibrate(np.full(rows, 0.5)).log_tail(p)
        np.testing.assert_allclose(found, np.log(p), rtol=0.35)


def test_the_map_rises_without_end() -> None:
    for rows in (np.ones(50), np.full(50, 1e-300), np.random.default_rng(2).random(3)):
        calibration = calibrate(rows)
        assert calibration.quantiles.shape == LEVELS.shape
        found = calibration.log_tail(np.exp(-np.linspace(0.0, 600.0, 5_000)))
        assert (np.diff(found) < 0).all()
        assert found[0] == 0
