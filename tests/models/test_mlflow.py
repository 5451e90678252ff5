"""A checkpoint answers MLflow, which loads it by the name of a module."""

import importlib
from pathlib import Path

import numpy as np
import palmerpenguins
import pytest

from madeira.models import ConfigError, DensityEstimator
from madeira.models.mlflow import MlflowModel
from madeira.models.model_directories import bundled_directory


@pytest.fixture(scope="module")
def checkpoint() -> Path:
    """Return a bundled checkpoint."""
    return bundled_directory() / "penguins" / "1"


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> MlflowModel:
    """Load it as MLflow does."""
    module = importlib.import_module("madeira.models.mlflow")
    loaded: MlflowModel = module._load_pyfunc(str(checkpoint))
    return loaded


def test_the_three_jobs(model: MlflowModel, checkpoint: Path) -> None:
    rows = palmerpenguins.load_penguins().iloc[3:60]
    estimator = DensityEstimator.load(checkpoint)
    scores = model.predict(rows)
    assert list(scores) == ["log_likelihood", "anomaly_score", "is_anomaly"]
    assert list(scores.index) == list(rows.index)
    np.testing.assert_array_equal(scores["log_likelihood"], estimator.log_prob(rows))
    filled = model.predict(rows, {"job": "impute", "seed": 1})
    assert filled.equals(estimator.impute(rows, seed=1))
    assert len(model.predict(rows, {"job": "sample", "n": 7})) == 7
    assert model.predict({"species": ["Adelie"]})["log_likelihood"].shape == (1,)
    with pytest.raises(ConfigError, match="one of score, impute, sample"):
        model.predict(rows, {"job": "scor"})
