"""Decay draws weights to zero, and leaves the marginals where they are."""

import numpy as np
import pyarrow as pa
import torch

from models.columns import Layout, Schema
from models.made import MADE, MaskConfig, MaskSource, NetworkConfig
from models.training.config import MemberConfig, TrainingConfig
from models.training.data import Rows
from models.training.loop import train_member


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
