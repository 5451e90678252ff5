"""Planted errors are flagged, and the cell that was spoiled is named first."""

import numpy as np
import pyarrow as pa
import pytest

from madeira.models import DensityEstimator
from madeira.models.arrays import Float64
from madeira.models.inference.reasons import MAX_REASONS, find_reasons
from madeira.models.made import MaskConfig, NetworkConfig
from madeira.models.training.config import FitConfig, MemberConfig, TrainingConfig

ROWS = 1_500


def table_of(seed: int, rows: int = ROWS) -> pa.Table:
    """Loans whose rate follows the grade; `class` says the same as `grade`."""
    generator = np.random.default_rng(seed)
    grade = generator.integers(0, 3, rows)
    names = np.array(["low", "middle", "high"])
    return pa.table(
        {
            "grade": np.array(list("ABC"))[grade],
            "class": names[grade],
            "rate": np.round(5.0 + 5 * grade + generator.normal(0, 0.4, rows), 2),
            "term": np.where(generator.random(rows) < 0.7, 36.0, 60.0)
            + np.where(np.arange(rows) < 1, 1.0, 0.0),  # whole months
            "amount": np.round(np.exp(generator.normal(9, 0.5, rows)), -2),
        }
    )


@pytest.fixture(scope="module")
def estimator() -> DensityEstimator:
    network = NetworkConfig(hidden=(64,), direct=True)
    training = TrainingConfig(max_epochs=40, patience_epochs=10, learning_rate=0.01)
    masks = MaskConfig("sampled", "even", count=None, ensemble=2)
    config = FitConfig((MemberConfig("one", network, masks, training),))
    return DensityEstimator(config=config).fit(table_of(0), {"term": "integer"})


ERRORS = {
    "an unknown category": ("grade", "ZZ"),
    "far outside": ("rate", 95.0),
    "the wrong sign": ("rate", -5.0),
    "between the only two": ("term", 48.0),
    "a broken duplicate": ("class", "high"),
}


@pytest.mark.parametrize("error", ERRORS)
def test_a_planted_error_is_flagged_and_named_first(
    estimator: DensityEstimator, error: str
) -> None:
    column, value = ERRORS[error]
    rows = [{"grade": "A", "class": "low", "rate": 5.1, "term": 36.0, "amount": 8_000.0}]
    rows.append({**rows[0], column: value})
    usual, spoiled = estimator.anomaly_score(rows)
    assert usual < 0.9
    assert spoiled > 0.99
    cells = estimator.cell_anomaly(rows)
    named = estimator.schema.names[int(cells[1].argmax())]
    assert named == column or error == "a broken duplicate"
    assert cells[1].max() > 0.99


def test_real_rows_are_flagged_about_as_often_as_asked(estimator: DensityEstimator) -> None:
    scores = estimator.anomaly_score(table_of(1, 4_000))
    for share in (0.01, 0.05):
        assert share / 3 < (scores > 1 - share).mean() < share * 3


def test_a_row_is_judged_alone_whatever_is_beside_it(estimator: DensityEstimator) -> None:
    rows = estimator.schema.encode(table_of(2, 1_000))
    whole = estimator.density.anomaly_score(rows)
    for count in (1, 32, 33):
        assert estimator.density.anomaly_score(rows[:count]).tolist() == whole[:count].tolist()


def test_what_is_expected_is_no_reason(estimator: DensityEstimator) -> None:
    values = estimator.schema.encode(table_of(3, 300))
    wanted = np.arange(300) % 2 == 0
    found = find_reasons(estimator.density, values, wanted)
    assert found.shape == (300, MAX_REASONS, 5)
    assert np.isnan(found[~wanted]).all()
    for row, place in np.argwhere(~np.isnan(found[:, :, 0])).tolist():
        variable, p, *expected = found[row, place].tolist()
        own = values[row, int(variable)]
        assert p < 0.05
        if estimator.schema.columns[int(variable)].discrete:
            assert own not in expected
        else:
            assert not expected[0] <= own <= expected[1]
    ordered: Float64 = np.diff(found[:, :, 1], axis=1)
    assert (ordered[~np.isnan(ordered)] >= 0).all()


def test_reasons_say_what_is_expected_instead(estimator: DensityEstimator) -> None:
    row = [{"grade": "A", "class": "low", "rate": 95.0, "term": 36.0, "amount": 8_000.0}]
    values = estimator.schema.encode(pa.Table.from_pylist(row))
    first = find_reasons(estimator.density, values, np.array([True]))[0, 0]
    column = estimator.schema.columns[int(first[0])]
    assert column.name == "rate"
    low, high = column.decode(first[2:4]).to_pylist()
    assert 3.5 < low < 5.5 < high < 7.0
