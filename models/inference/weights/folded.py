"""A network with its masks folded into the weights, for inference.

The masks of an ordering are multiplied into the weights once; U becomes part of the bias, since
every position is either known or not yet looked at. Units are sorted by degree, so that every
folded matrix is block lower-triangular along positions.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from madeira.models.made.masks import Mask
from madeira.models.made.network import ACTIVATIONS, MADE, MaskTensors
from madeira.models.made.products.sorted_mask import INPUTS, OUTPUTS, VARIABLES

__all__ = ["FoldedNetwork", "fold"]


@dataclass(frozen=True)
class FoldedNetwork:
    """Weights of one network under one mask.

    Attributes:
        mask: The mask, degrees ascending within each layer.
        activation: Name of the nonlinearity.
        residual: Whether layers after the first add to the one before.
        weights: Hidden weights, `(width, inputs)` and then `(width, width before)`.
        biases: Hidden biases, `(width,)` each; the first includes the conditioning weights.
        output_weight: Shape `(outputs, width)`, or None without hidden layers.
        direct_weight: Shape `(outputs, inputs)`, or None.
        output_bias: Shape `(outputs,)`.
    """

    mask: Mask
    activation: str
    residual: bool
    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    output_weight: Tensor | None
    direct_weight: Tensor | None
    output_bias: Tensor

    def __call__(self, features: Tensor) -> Tensor:
        """Parameters of every variable's conditional.

        Args:
            features: Input features, shape `(batch, inputs)`; those of variables not known yet
                may hold anything finite, nothing that depends on them is to be read.

        Returns:
            Output parameters, shape `(batch, outputs)`.
        """
        output = self.output_bias.expand(len(features), -1)
        if self.output_weight is not None:
            activation = ACTIVATIONS[self.activation]  # type: ignore[index]
            hidden = functional.linear(features, self.weights[0], self.biases[0])
            for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
                after = functional.linear(activation(hidden), weight, bias)
                hidden = hidden + after if self.residual else after
            output = functional.linear(activation(hidden), self.output_weight, self.output_bias)
        if self.direct_weight is not None:
            output = torch.addmm(output, features, self.direct_weight.T)
        return output

    @property
    def size_bytes(self) -> int:
        """Memory that the folded weights take."""
        tensors = [*self.weights, *self.biases, self.output_bias]
        tensors += [t for t in (self.output_weight, self.direct_weight) if t is not None]
        return sum(tensor.nbytes for tensor in tensors)


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
        mask=mask,
        activation=network.config.activation,
        residual=network.config.residual,
        weights=tuple(weights),
        biases=tuple(biases),
        output_weight=output_weight,
        direct_weight=direct_weight,
        output_bias=network.output_bias.detach().clone(),
    )
