"""The autoregressive property, proved from the Jacobian of every setting of the network."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch

from madeira.models.columns.layout import Layout
from madeira.models.inference.weights.folded import fold
from madeira.models.made import MADE, Activation, Mask, MaskConfig, NetworkConfig, sample_mask
from madeira.models.made.network import MaskTensors

KINDS = "bcxcb"
ACTIVATIONS: tuple[Activation, ...] = ("relu", "softplus", "tanh")
NETWORKS = [
    NetworkConfig(
        hidden, residual=residual, activation=activation, conditioning=conditioning, direct=direct
    )
    for hidden, residual, activation, (conditioning, direct) in product(
        [(), (9,), (10, 10), (8, 8, 8)],
        [False, True],
        ACTIVATIONS,
        [(False, False), (True, True), (False, True), (True, False)],
    )
]


def label(config: NetworkConfig) -> str:
    shape = "x".join(map(str, config.hidden)) or "none"
    parts = [shape, config.activation, "residual" * config.residual]
    return "-".join([*filter(None, parts), "U" * config.conditioning + "A" * config.direct])


def jacobian(
    network: MADE, mask: Mask, features: torch.Tensor, observed: torch.Tensor
) -> torch.Tensor:
    """Which variable's conditional depends on which variable: (variables, variables) bool."""
    layout = network.layout
    tensors = MaskTensors(mask, layout, network.device)

    def outputs(row: torch.Tensor) -> torch.Tensor:
        parameters: torch.Tensor = network(row[None], observed, tensors)
        return parameters[0]

    units = torch.func.jacrev(outputs)(features[0]).abs()
    depends = torch.zeros(layout.variables, layout.variables, device=units.device)
    rows = torch.zeros(layout.variables, layout.inputs, device=units.device)
    rows.index_add_(0, layout.variable_of_output, units)
    depends.index_add_(1, layout.variable_of_input, rows)
    return (depends > 0).cpu()


@pytest.mark.parametrize("degrees", ["even", "sampled"])
@pytest.mark.parametrize("ordering", ["natural", "random"])
@pytest.mark.parametrize("config", NETWORKS, ids=label)
def test_no_conditional_sees_its_own_variable_or_a_later_one(
    config: NetworkConfig,
    ordering: str,
    degrees: str,
    make_layout: Callable[[str], Layout],
    make_network: Callable[..., MADE],
) -> None:
    layout = make_layout(KINDS)
    network = make_network(layout, config)
    masks = MaskConfig(ordering, degrees, count=1)  # type: ignore[arg-type]
    mask = sample_mask(config, masks, layout.variables, np.random.default_rng(3))
    features = torch.randn(1, layout.inputs, device=layout.device)
    observed = torch.ones(1, layout.variables, device=layout.device)
    depends = jacobian(network, mask, features, observed)
    earlier = torch.as_tensor(mask.positions[:, None] > mask.positions[None, :])
    assert not (depends & ~earlier).any()
    if config.direct:
        assert torch.equal(depends, earlier)


@pytest.mark.parametrize("config", NETWORKS, ids=label)
def test_folded_weights_give_what_masked_ones_give(
    config: NetworkConfig,
    make_layout: Callable[[str], Layout],
    make_network: Callable[..., MADE],
) -> None:
    layout = make_layout(KINDS)
    network = make_network(layout, config)
    masks = MaskConfig("random", "sampled", count=1)
    mask = sample_mask(config, masks, layout.variables, np.random.default_rng(4))
    features = torch.randn(7, layout.inputs, device=layout.device)
    observed = torch.ones(7, layout.variables, device=layout.device)
    expected = network(features, observed, MaskTensors(mask, layout, layout.device))
    folded = fold(network, mask)
    torch.testing.assert_close(folded(features), expected, rtol=1e-4, atol=1e-4)
    assert all((np.diff(layer) >= 0).all() for layer in folded.mask.degrees)


def test_folded_matrices_are_block_triangular_along_positions(
    make_layout: Callable[[str], Layout], make_network: Callable[..., MADE]
) -> None:
    layout = make_layout("bbbbbb")
    config = NetworkConfig((20, 20))
    masks = MaskConfig("natural", "sampled", count=1)
    mask = sample_mask(config, masks, layout.variables, np.random.default_rng(0))
    folded = fold(make_network(layout, config), mask)
    first, second = folded.mask.degrees
    for unit, degree in enumerate(second):
        allowed = int((first <= degree).sum())
        assert not folded.hidden_weights[1][unit, allowed:].any()
        assert folded.hidden_weights[1][unit, :allowed].all()


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("conditioning", [False, True])
def test_a_missing_variable_is_as_good_as_last_in_the_ordering(
    conditioning: bool,
    residual: bool,
    make_layout: Callable[[str], Layout],
    make_network: Callable[..., MADE],
) -> None:
    """Rows with nulls train by zeroed inputs: exactly the mask with the missing ones moved back.

    Positions only ever meet degrees in comparisons, so the gaps they leave change nothing.
    """
    layout = make_layout(KINDS)
    config = NetworkConfig((10, 10, 10), residual=residual, conditioning=conditioning)
    network = make_network(layout, config)
    masks = MaskConfig("random", "sampled", count=1)
    mask = sample_mask(config, masks, layout.variables, np.random.default_rng(5))
    values = torch.tensor([[1.0, np.nan, 0.3, 2.0, np.nan]], device=layout.device)
    observed = ~values.isnan()
    features = layout.features(values, observed)
    zeroed = network(features, observed.float(), MaskTensors(mask, layout, layout.device))

    known = observed[0].cpu().numpy()
    behind = np.where(known, mask.positions, layout.variables + mask.positions)
    anything = torch.where(observed[:, layout.variable_of_input], features, 7.0)
    ones = torch.ones(1, layout.variables, device=layout.device)
    tensors = MaskTensors(mask.with_positions(behind), layout, layout.device)
    moved = network(anything, ones, tensors)
    units = observed[0][layout.variable_of_output]
    torch.testing.assert_close(moved[:, units], zeroed[:, units], rtol=1e-4, atol=1e-4)
