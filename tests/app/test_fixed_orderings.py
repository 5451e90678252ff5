"""A model of fixed orderings alone answers what it can, and refuses the rest with the reason."""

import logging
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from madeira.models import DensityEstimator
from madeira.models.made import MaskConfig, NetworkConfig
from madeira.models.training.config import FitConfig, MemberConfig, TrainingConfig
from tests.app.running import RunningService

COMPLETE = {"city": "Funchal", "member": True, "income": 25_000.0}


@pytest.fixture(scope="module")
def fixed(shop_table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    masks = MaskConfig("natural", "even", count=1)
    training = TrainingConfig(max_epochs=2, patience_epochs=2)
    member = MemberConfig("natural", NetworkConfig(hidden=(8,)), masks, training)
    config = FitConfig((member,))
    table = shop_table.select(list(COMPLETE)).drop_null()
    directory = tmp_path_factory.mktemp("fixed")
    DensityEstimator(config=config).fit(table).save(directory / "fixed" / "1")
    return directory


def test_evidence_that_no_ordering_puts_first_is_refused(
    fixed: Path, start: Callable[..., RunningService], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        service = start(checkpoints=fixed)
    assert not caplog.records
    service.post("/score", {"rows": [COMPLETE]})
    service.post("/sample", {"n": 3})
    service.post("/sample", {"n": 3, "given": {"city": "Funchal"}})
    for path, request in (
        ("/score", {"rows": [{"income": 25_000.0}]}),
        ("/score", {"rows": [COMPLETE], "contributions": True}),
        ("/sample", {"n": 3, "given": {"income": 25_000.0}}),
        ("/impute", {"rows": [{"income": 25_000.0}]}),
    ):
        assert "ordering" in service.refuse(path, request)["detail"]
