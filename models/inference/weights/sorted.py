"""A network with its hidden units sorted by degree, for any ordering.

Hidden units have degrees, which are positions; which variable stands at a position is left open.
In this order the units that may see positions 1..i are a prefix of every layer.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from madeira.models.arrays import Int64
from madeira.models.made.network import MADE

__all__ = ["SortedNetwork", "sort_units"]


@dataclass(frozen=True)
class SortedNetwork:
    """Weights of one network under one choice of degrees.

    Attributes:
        degrees: Degrees of each hidden layer, ascending, `(width,)` each.
        variables: Number of variables D.
        activation: Name of the nonlinearity.
        residual: Whether layers after the first add to the one before.
        weights: Hidden weights, `(width, inputs)` and then `(width, width before)`.
        biases: Hidden biases, `(width,)` each.
        conditioning_weight: Shape `(width, variables)`, or None.
        output_weight: Shape `(outputs, width)`, or None without hidden layers.
        direct_weight: Shape `(outputs, inputs)`, or None.
        output_bias: Shape `(outputs,)`.
    """

    degrees: tuple[Int64, ...]
    variables: int
    activation: str
    residual: bool
    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    conditioning_weight: Tensor | None
    output_weight: Tensor | None
    direct_weight: Tensor | None
    output_bias: Tensor

    @property
    def starts(self) -> Int64:
        """Number of units of a degree below i, for i in 0..D + 1: `(layers, D + 2)`."""
        bounds = np.arange(self.variables + 2)
        starts = [np.searchsorted(degree, bounds) for degree in self.degrees]
        return np.array(starts, dtype=np.int64).reshape(len(self.degrees), len(bounds))

    @property
    def size_bytes(self) -> int:
        """Memory that the weights take."""
        some = (self.conditioning_weight, self.output_weight, self.direct_weight)
        tensors = [*self.weights, *self.biases, self.output_bias]
        return sum(tensor.nbytes for tensor in (*tensors, *some) if tensor is not None)

    def first_bias(self, positions: Int64) -> Tensor:
        """Bias of the first layer with the conditioning weights of an ordering folded in.

        Args:
            positions: The ordering, shape `(D,)`.

        Returns:
            Shape `(width,)`.
        """
        if self.conditioning_weight is None:
            return self.biases[0]
        device = self.output_bias.device
        degrees = torch.as_tensor(self.degrees[0], device=device)
        seen = degrees[:, None] >= torch.as_tensor(positions, device=device)
        return self.biases[0] + (self.conditioning_weight * seen).sum(dim=1)


@torch.no_grad()
def sort_units(network: MADE, degrees: tuple[Int64, ...]) -> SortedNetwork:
    """Sort the hidden units of a network by degree.

    Args:
        network: The trained network.
        degrees: Degrees of each hidden layer, in the network's order of units.

    Returns:
        Weights of their own: the network's are left as they are.
    """
    orders = [degree.argsort(kind="stable") for degree in degrees]
    places = [torch.as_tensor(order, device=network.device) for order in orders]
    weights, biases = [], []
    for layer, place in enumerate(places):
        weight = network.hidden_weights[layer].detach()[place]
        weights.append(weight if layer == 0 else weight[:, places[layer - 1]])
        biases.append(network.hidden_biases[layer].detach()[place])
    conditioning = output = direct = None
    if network.conditioning_weight is not None:
        conditioning = network.conditioning_weight.detach()[places[0]]
    if network.output_weight is not None:
        output = network.output_weight.detach()[:, places[-1]]
    if network.direct_weight is not None:
        direct = network.direct_weight.detach().clone()
    return SortedNetwork(
        degrees=tuple(d[order] for d, order in zip(degrees, orders, strict=True)),
        variables=network.layout.variables,
        activation=network.config.activation,
        residual=network.config.residual,
        weights=tuple(weights),
        biases=tuple(biases),
        conditioning_weight=conditioning,
        output_weight=output,
        direct_weight=direct,
        output_bias=network.output_bias.detach().clone(),
    )
