"""The training of one network."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from madeira.models.columns import Layout
from madeira.models.inference.density import Density
from madeira.models.made import MADE, MaskConfig, MaskSource, NetworkConfig
from madeira.models.schema import Schema
from madeira.models.training.config import MemberConfig, TrainingConfig
from madeira.models.training.data import Rows
from madeira.models.training.fit import train_network
from madeira.models.training.loop import train_member


def test_decay_spares_biases() -> None:
    rows = np.random.default_rng(0).random((400, 3)) < 0.1
    table = pa.table({f"v{index}": rows[:, index] for index in range(3)})
    layout = Layout(Schema.infer(table).columns)
    training = TrainingConfig(
        learning_rate=0.05,
        weight_decay=5.0,
        averaging=0.0,
        max_epochs=20,
        batch_rows=100,
    )
    config = MemberConfig("one", NetworkConfig(hidden=(8,)), MaskConfig("natural"), training)
    network = MADE(config.network, layout, torch.Generator().manual_seed(0))
    before = float(network.hidden_weights[0].detach().norm())
    with torch.no_grad():
        network.output_bias.fill_(np.log(0.1 / 0.9))
    values = Rows(rows.astype(float), layout)
    masks = MaskSource(config.network, config.masks, 3, seed=0)
    train_member(config, network, masks, values, values, seed=0)
    assert float(network.hidden_weights[0].detach().norm()) < 0.5 * before
    np.testing.assert_allclose(torch.sigmoid(network.output_bias.detach()), 0.1, atol=0.04)


@pytest.mark.parametrize("mixed_precision", [False, True])
@pytest.mark.parametrize("reach", [None, 3])
def test_a_large_network_of_one_mask_learns_as_blocks_and_answers_as_a_whole(
    reach: int | None, mixed_precision: bool, device: torch.device
) -> None:
    generator = np.random.default_rng(0)
    steps = generator.normal(size=(1500, 30)).cumsum(axis=1) > 0
    table = pa.table({f"v{index}": column for index, column in enumerate(steps.T)})
    layout = Layout(Schema.infer(table).columns).to(device)
    training = TrainingConfig(batch_rows=128, max_epochs=4, mixed_precision=mixed_precision)
    masks = MaskConfig("smooth", "entropy", count=1, reach=reach)
    config = MemberConfig("one", NetworkConfig((600, 600), residual=True), masks, training)
    values = steps.astype(float)
    train, valid = values[:1000], values[1000:]
    member, curve = train_network(config, layout, train, valid, 0, lambda *_: None)
    nats = Density([member], layout, np.zeros(1)).score(valid).mean()
    # Training rounds what it multiplies; what answers does not.
    assert nats == pytest.approx(max(curve.valid), abs=2e-2 if mixed_precision else 1e-3)
    assert nats > curve.train[0] + 1
