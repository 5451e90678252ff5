"""Products that skip their zero half give what masked ones give, and so do their gradients."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from madeira.models.columns.layout import Layout
from madeira.models.made import MADE, MaskConfig, NetworkConfig, sample_mask
from madeira.models.made import network as network_module
from madeira.models.made.network import MaskTensors
from madeira.models.made.products.triangular import BLOCKS, Staircase, permuted, triangular_linear

ROWS = 9
NETWORKS = [
    NetworkConfig(()),
    NetworkConfig((70,)),
    NetworkConfig((70, 33), conditioning=False),
    NetworkConfig((48, 48, 48), residual=True, direct=False),
    NetworkConfig((3, 2)),
]


def outcome(
    network: MADE, mask: MaskTensors, features: Tensor, known: Tensor | None
) -> list[Tensor]:
    """Output, and the gradients of the features and of every weight."""
    features = features.clone().requires_grad_()
    network.zero_grad()
    output = network(features, known, mask)
    (output * torch.linspace(-1, 1, output.numel()).reshape(output.shape)).sum().backward()
    gradients = [weights.grad for weights in network.parameters()]
    return [output.detach(), features.grad, *gradients]


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize(("ordering", "degrees"), [("natural", "even"), ("random", "sampled")])
@pytest.mark.parametrize("config", NETWORKS, ids=lambda config: f"{config.hidden}")
def test_outputs_and_gradients_are_those_of_masked_weights(
    config: NetworkConfig,
    ordering: str,
    degrees: str,
    complete: bool,
    make_layout: Callable[[Sequence[str]], Layout],
    make_network: Callable[..., MADE],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layout = make_layout("bcxnbtfbbcb" * 3)
    if layout.device.type != "cpu":
        pytest.skip("the products are for the CPU")
    network = make_network(layout, config)
    masks = MaskConfig(ordering, degrees, count=1)  # type: ignore[arg-type]
    drawn = sample_mask(config, masks, layout.variables, np.random.default_rng(2))
    mask = MaskTensors(drawn, layout, layout.device)
    features = torch.randn(ROWS, layout.inputs)
    known = None if complete else (torch.rand(ROWS, layout.variables) < 0.7).float()
    found = []
    for limit in (0, 10**9):
        monkeypatch.setattr(network_module, "WEIGHTS_THAT_PAY", limit)
        found.append(outcome(network, mask, features, known))
    for skipped, masked in zip(*found, strict=True):
        scale = float(masked.abs().max()) + 1e-6
        torch.testing.assert_close(skipped / scale, masked / scale, rtol=1e-4, atol=1e-5)


def test_known_everywhere_is_the_same_as_a_one_for_every_variable(
    make_layout: Callable[[Sequence[str]], Layout], make_network: Callable[..., MADE]
) -> None:
    layout = make_layout("bcxb")
    network = make_network(layout)
    masks = MaskConfig("random", count=1)
    drawn = sample_mask(network.config, masks, layout.variables, np.random.default_rng(0))
    mask = MaskTensors(drawn, layout, layout.device)
    features = torch.randn(ROWS, layout.inputs, device=layout.device)
    ones = torch.ones(ROWS, layout.variables, device=layout.device)
    torch.testing.assert_close(network(features, None, mask), network(features, ones, mask))


@pytest.mark.parametrize("rows", [1, 5, 64, 100])
@pytest.mark.parametrize("columns", [1, 7, 130])
def test_a_product_of_any_shape_is_the_masked_one(rows: int, columns: int) -> None:
    generator = np.random.default_rng(rows * columns)
    row_keys, column_keys = generator.integers(0, 9, rows), generator.integers(1, 9, columns)
    row_order, column_order = row_keys.argsort(), column_keys.argsort()
    staircase = Staircase.of(row_keys, column_keys, row_order, column_order)
    assert len(staircase.across) <= BLOCKS
    weight = torch.randn(rows, columns, requires_grad=True)
    bias = torch.randn(rows, requires_grad=True)
    units = torch.randn(ROWS, columns)
    mask = torch.from_numpy(row_keys[:, None] >= column_keys)
    expected = torch.nn.functional.linear(units, weight * mask, bias)
    product = triangular_linear(units[:, column_order], weight, bias, staircase)
    torch.testing.assert_close(product, expected[:, row_order], rtol=1e-4, atol=1e-5)
    (of_weight,) = torch.autograd.grad(product.square().sum(), weight)
    assert not of_weight[~mask].any()
    assert of_weight[mask].all() or not mask.any()


def test_units_go_into_an_order_and_gradients_come_back() -> None:
    order = torch.tensor([2, 0, 1])
    units = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    result = permuted(units, order, order.argsort())
    assert result.tolist() == [[3.0, 1.0, 2.0]]
    result.backward(torch.tensor([[30.0, 10.0, 20.0]]))  # type: ignore[no-untyped-call]
    assert units.grad is not None
    assert units.grad.tolist() == [[10.0, 20.0, 30.0]]
