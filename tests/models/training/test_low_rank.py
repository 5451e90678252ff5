"""Direct weights that share directions while they are learned, and are plain ones afterwards."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from madeira.models.arrays import Float64
from madeira.models.columns.layout import Layout
from madeira.models.errors import ConfigError
from madeira.models.made import MADE, MaskConfig, NetworkConfig
from madeira.models.training import FitConfig, MemberConfig, TrainingConfig, fit
from madeira.models.training.data import Rows
from madeira.models.training.low_rank import factorise_direct_weights, materialize_direct_weights
from tests.models.conftest import MakeLayout

LINEAR = NetworkConfig(hidden=(), conditioning=False)
SHARED = TrainingConfig(
    optimizer="adadelta",
    weight_decay=0.3,
    schedule="cosine",
    batch_rows=50,
    max_epochs=60,
    patience_epochs=60,
    averaging=0.9,
    direct_rank=3,
)
VARIABLES = 40


@pytest.fixture
def layout(make_layout: MakeLayout) -> Layout:
    return make_layout("b" * VARIABLES)


def topics(rows: int, seed: int) -> Float64:
    """Words of documents that are each about two topics more or less."""
    weights = np.random.default_rng(0).normal(size=(2, VARIABLES))
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(rows, 2)) @ weights - 1
    return (generator.random((rows, VARIABLES)) < 1 / (1 + np.exp(-logits))).astype(float)


def held_out_nats(layout: Layout, training: TrainingConfig) -> float:
    member = MemberConfig("one", LINEAR, MaskConfig("random", count=1), training)
    config = FitConfig((member,))
    fitted = fit(topics(100, 1), layout, config, valid=topics(100, 2), device=layout.device, seed=0)
    return float(fitted.density.score(topics(2000, 3)).mean())


def direct(network: MADE) -> Tensor:
    assert network.direct_weight is not None
    return network.direct_weight.detach()


def test_few_rows_teach_more_than_single_weights_can(layout: Layout) -> None:
    shared = held_out_nats(layout, SHARED)
    for decay in (0.0, 0.03, 0.1, 0.3):
        alone = replace(SHARED, direct_rank=None, weight_decay=decay)
        assert shared > held_out_nats(layout, alone) + 0.1


def test_nothing_is_left_of_it_but_the_weights(layout: Layout) -> None:
    network = MADE(LINEAR, layout, torch.Generator().manual_seed(0)).to(layout.device)
    plain = list(network.state_dict())
    rows = Rows(topics(50, 1), layout)
    start = torch.randn_like(direct(network))
    direct(network).copy_(start)
    factorise_direct_weights(network, rows, rank=2, seed=0)
    assert len(list(network.parameters())) == 4
    learned = direct(network).clone()
    deviations = torch.as_tensor(topics(50, 1).std(axis=0), device=layout.device)
    assert float(((learned - start) * deviations).abs().max()) < 0.05
    assert torch.linalg.matrix_rank((learned - start) * deviations, rtol=1e-4) == 2
    materialize_direct_weights(network)
    assert list(network.state_dict()) == plain
    torch.testing.assert_close(direct(network), learned)
    materialize_direct_weights(network)
    assert list(network.state_dict()) == plain


def test_an_input_that_never_varies_gets_no_infinite_weight(layout: Layout) -> None:
    rows = topics(50, 1)
    rows[:, 3] = 0.0
    network = MADE(LINEAR, layout, torch.Generator().manual_seed(0)).to(layout.device)
    factorise_direct_weights(network, Rows(rows, layout), rank=2, seed=0)
    assert direct(network).isfinite().all()


def test_there_must_be_direct_weights() -> None:
    network = NetworkConfig(hidden=(8,), direct=False)
    with pytest.raises(ConfigError, match="'one' has a direct_rank but no direct weights"):
        MemberConfig("one", network, MaskConfig(), SHARED)
    with pytest.raises(ConfigError, match="'one' has a direct_rank and a reach: choose one"):
        MemberConfig("one", LINEAR, MaskConfig(count=1, reach=2), SHARED)
    with pytest.raises(ConfigError, match="direct_rank must be positive"):
        replace(SHARED, direct_rank=0)
