"""Figures of a training run are of the rows that they say they are of."""

import numpy as np
import pytest

from madeira.models.arrays import Float64
from madeira.models.made import MaskConfig, NetworkConfig
from madeira.models.training import FitConfig, Fitted, MemberConfig, TrainingConfig, fit
from madeira.models.training.metrics import training_metrics
from tests.models.conftest import MakeLayout

QUICK = TrainingConfig(max_epochs=1)
CONFIG = FitConfig(
    (MemberConfig("one", NetworkConfig(hidden=(8,)), MaskConfig(ensemble=1), QUICK),),
)


def rows(number: int, seed: int) -> Float64:
    chances = (0.1, 0.5, 0.8)
    return (np.random.default_rng(seed).random((number, 3)) < chances).astype(float)


def test_independent_columns_are_judged_on_the_rows_that_members_are_judged_on(
    make_layout: MakeLayout,
) -> None:
    layout = make_layout("bbb")
    whole = rows(200, seed=1)
    gappy = np.where(np.arange(3) == 1, np.nan, whole)

    def fitted(valid: Float64) -> Fitted:
        return fit(rows(300, seed=0), layout, CONFIG, valid=valid, device=layout.device)

    both, alone, none = fitted(np.concatenate([whole, gappy])), fitted(whole), fitted(gappy)
    assert both.complete_independent_nats == pytest.approx(alone.independent_nats)
    assert alone.complete_independent_nats == pytest.approx(alone.independent_nats)
    assert both.independent_nats > both.complete_independent_nats + 0.1
    assert np.isnan(none.complete_independent_nats)
    assert training_metrics(none, 1.0)["complete_independent_nats"] is None
