"""Networks with a mask folded into the weights, for inference.

The masks of an ordering are multiplied into the weights once; U becomes part of the bias, since
every position is either known or not yet looked at. Units are sorted by degree, so that every
folded matrix is block lower-triangular along positions.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from madeira.models.made.config import NetworkConfig
from madeira.models.made.masks import Mask
from madeira.models.made.network import MADE, MaskTensors, through
from madeira.models.made.products.sorted_mask import INPUTS, OUTPUTS, VARIABLES, Units

__all__ = ["FoldedNetwork", "fold"]


@dataclass(frozen=True)
class FoldedNetwork:
    """Weights of one network under one mask.

    Attributes:
        config: Shape of the network.
        mask: The mask, degrees ascending within each layer.
        hidden_weights: Shape `(width, inputs)` and then `(width, width before)`.
        hidden_biases: Shape `(width,)` each; the first includes the conditioning weights.
        output_weight: Shape `(outputs, width)`, or None without hidden layers.
        direct_weight: Shape `(outputs, inputs)`, or None.
        output_bias: Shape `(outputs,)`.
    """

    config: NetworkConfig
    mask: Mask
    hidden_weights: tuple[Tensor, ...]
    hidden_biases: tuple[Tensor, ...]
    output_weight: Tensor | None
    direct_weight: Tensor | None
    output_bias: Tensor
    conditioning_weight: ClassVar[None] = None

    def __call__(self, features: Tensor) -> Tensor:
        """Parameters of every variable's conditional.

        Args:
            features: Input features, shape `(batch, inputs)`; those of variables not known yet
                may hold anything finite, nothing that depends on them is to be read.

        Returns:
            Output parameters, shape `(batch, outputs)`.
        """
        return through(self, _PLAIN, features)


class _PlainProducts:
    """Products with weights that are masked already, units left where they are."""

    def sort(self, units: Tensor, of: Units) -> Tensor:
        return units

    def unsort(self, units: Tensor, of: Units) -> Tensor:
        return units

    def product(
        self, units: Tensor, weight: Tensor, bias: Tensor | None, after: Units, before: Units
    ) -> Tensor:
        return functional.linear(units, weight, bias)


_PLAIN = _PlainProducts()


@torch.no_grad()
def fold(network: MADE, mask: Mask) -> FoldedNetwork:
    """Fold a mask into a network's weights, with the units sorted by degree.

    Args:
        network: The trained network.
        mask: The ordering and degrees to answer with.

    Returns:
        Weights of their own: the network's are left as they are.
    """
    device = network.device
    orders = [torch.as_tensor(degree.argsort(kind="stable")) for degree in mask.degrees]
    mask = Mask(
        mask.positions, tuple(d[o.numpy()] for d, o in zip(mask.degrees, orders, strict=True))
    )
    orders = [order.to(device) for order in orders]
    tensors = MaskTensors(mask, network.layout, device)
    weights, biases = [], []
    output_weight = direct_weight = None
    for layer, order in enumerate(orders):
        weight = network.hidden_weights[layer][order]
        bias = network.hidden_biases[layer][order]
        if layer == 0:
            weight = weight * tensors.matrix(0, INPUTS)
            if network.conditioning_weight is not None:
                seen = network.conditioning_weight[order] * tensors.matrix(0, VARIABLES)
                bias = bias + seen.sum(dim=1)
        else:
            weight = weight[:, orders[layer - 1]] * tensors.matrix(layer, layer - 1)
        weights.append(weight.detach())
        biases.append(bias.detach())
    if network.output_weight is not None:
        output_weight = network.output_weight[:, orders[-1]] * tensors.matrix(
            OUTPUTS, len(orders) - 1
        )
    if network.direct_weight is not None:
        direct_weight = network.direct_weight * tensors.matrix(OUTPUTS, INPUTS)
    return FoldedNetwork(
        config=network.config,
        mask=mask,
        hidden_weights=tuple(weights),
        hidden_biases=tuple(biases),
        output_weight=output_weight,
        direct_weight=direct_weight,
        output_bias=network.output_bias.detach().clone(),
    )
