"""A network kept as the blocks that its one mask leaves is the masked network."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from madeira.models.columns.layout import Layout
from madeira.models.made import MADE, Mask, MaskConfig, NetworkConfig, sample_mask
from madeira.models.made.network import MaskTensors
from madeira.models.training.banded import BandedMADE

ROWS = 9
COLUMNS = "bcxnbtfbbcb" * 3
NETWORKS = [
    NetworkConfig(()),
    NetworkConfig((70,)),
    NetworkConfig((300, 133), conditioning=False),
    NetworkConfig((148, 148, 148), residual=True, direct=False),
    NetworkConfig((3, 2)),
]
MASKS = [("natural", "even"), ("random", "sampled")]


def a_mask(config: NetworkConfig, layout: Layout, ordering: str, degrees: str) -> Mask:
    masks = MaskConfig(ordering, degrees, count=1)  # type: ignore[arg-type]
    return sample_mask(config, masks, layout.variables, np.random.default_rng(2))


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize(("ordering", "degrees"), MASKS)
@pytest.mark.parametrize("config", NETWORKS, ids=lambda config: f"{config.hidden}")
def test_outputs_and_a_step_are_those_of_masked_weights(
    config: NetworkConfig,
    ordering: str,
    degrees: str,
    complete: bool,
    make_layout: Callable[[Sequence[str]], Layout],
    make_network: Callable[..., MADE],
) -> None:
    layout = make_layout(COLUMNS)
    network = make_network(layout, config)
    mask = a_mask(config, layout, ordering, degrees)
    banded = BandedMADE(network, mask, None, torch.float32)
    tensors = MaskTensors(mask, layout, layout.device)
    features = torch.randn(ROWS, layout.inputs, device=layout.device)
    known = None
    if not complete:
        known = (torch.rand(ROWS, layout.variables, device=layout.device) < 0.7).float()
    outputs = []
    for one in (network, banded):
        output = one(features, known, tensors)
        outputs.append(output.detach())
        weights = torch.linspace(-1, 1, output.numel(), device=layout.device)
        (output * weights.reshape(output.shape)).sum().backward()
        torch.optim.SGD(one.parameters(), lr=0.001).step()
    torch.testing.assert_close(*outputs, rtol=1e-4, atol=1e-4)
    written = make_network(layout, config)
    banded.write_to(written)
    after = (one(features, known, tensors).detach() for one in (network, written))
    torch.testing.assert_close(*after, rtol=1e-3, atol=1e-3)


def test_what_is_out_of_reach_has_no_weight_and_does_not_matter(
    make_layout: Callable[[Sequence[str]], Layout], make_network: Callable[..., MADE]
) -> None:
    layout = make_layout("b" * 40)
    config = NetworkConfig((200, 200), residual=True, direct=False)
    network = make_network(layout, config)
    mask = a_mask(config, layout, "natural", "even")
    places = np.arange(40)
    neighbourhood = np.abs(places[:, None] - places) <= 3
    banded = BandedMADE(network, mask, neighbourhood, torch.float32)
    banded.write_to(network)
    tensors = MaskTensors(mask, layout, layout.device)
    features = torch.randn(1, 40, device=layout.device).requires_grad_()
    output = network(features, None, tensors)
    torch.testing.assert_close(output, banded(features, None), rtol=1e-4, atol=1e-5)
    for variable in range(40):
        (seen,) = torch.autograd.grad(output[0, variable], features, retain_graph=True)
        used = seen[0].nonzero().flatten().cpu()
        # From an output to a unit, between two units, from a unit to an input: three steps each.
        assert ((used < variable) & (used >= variable - 9)).all()
    first = network.hidden_weights[0] * tensors.matrix(0, "inputs")
    assert (first != 0).sum(dim=1).max() <= 4


def test_products_of_bfloat16_are_close_and_weights_stay_whole(
    make_layout: Callable[[Sequence[str]], Layout], make_network: Callable[..., MADE]
) -> None:
    layout = make_layout(COLUMNS)
    config = NetworkConfig((300, 300), residual=True)
    network = make_network(layout, config)
    mask = a_mask(config, layout, "random", "even")
    features = torch.randn(ROWS, layout.inputs, device=layout.device)
    exact = BandedMADE(network, mask, None, torch.float32)
    coarse = BandedMADE(network, mask, None, torch.bfloat16)
    difference = (exact(features, None) - coarse(features, None)).abs()
    assert 0 < difference.max() < 0.05 * exact(features, None).std()
    coarse(features, None).sum().backward()
    assert all(weights.dtype == torch.float32 for weights in coarse.parameters())
    assert all(weights.grad is not None for weights in coarse.parameters())
