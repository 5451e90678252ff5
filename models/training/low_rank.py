"""Low-rank direct weights, for tables of a few hundred rows.

With D variables there are D (D - 1) / 2 pairs to learn a weight for, and in a table of few rows
most of them are noise. Written as

    A = (C / 2 + L R^T) diag(1 / s),   s the standard deviations of the inputs

with thin L and R, the L2 penalty of `weight_decay` on L and R is one on the nuclear norm of their
product (Srebro, Rennie, Jaakkola: Maximum-Margin Matrix Factorization, NIPS 2004). A few
directions that many conditionals use cost less than as much weight in single places; in C the same
weight costs four times as much. After training the product is replaced by one matrix of weights.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from madeira.models.made.network import MADE
from madeira.models.training.data import Rows

__all__ = ["LowRankWeights", "factorise_direct_weights", "materialize_direct_weights"]

START = 0.05
DIRECT = "direct_weight"


class LowRankWeights(nn.Module):
    """The direct weights as a function of C, L and R.

    Args:
        deviations: Standard deviation of each input, shape `(inputs,)`.
        rank: Columns of L and of R.
        generator: Source of their first values.
    """

    deviations: Tensor

    def __init__(self, deviations: Tensor, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("deviations", deviations)
        self._rank, self._generator = rank, generator

    def forward(self, own: Tensor, left: Tensor, right: Tensor) -> Tensor:
        """Return the direct weights, `(outputs, inputs)`.

        Args:
            own: C, shape `(outputs, inputs)`.
            left: L, shape `(outputs, rank)`.
            right: R, shape `(inputs, rank)`.
        """
        return (own / 2 + left @ right.T) / self.deviations

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """C, L and R to start from: C has the weights, L and R small numbers."""
        left, right = (
            START * torch.randn(size, self._rank, generator=self._generator).to(weight.device)
            for size in weight.shape
        )
        return 2 * weight * self.deviations, left, right


def factorise_direct_weights(network: MADE, train: Rows, rank: int, seed: int) -> None:
    """Factorise the direct weights of a network for training.

    Args:
        network: A network with direct weights.
        train: Training rows.
        rank: Rank of the product.
        seed: Seed of its initial values.
    """
    features = network.layout.features(train.values, train.observed).float()
    # An input that varies in less than a row would get weights of any size for nothing.
    deviations = features.std(dim=0, correction=0).clamp_min(len(train) ** -0.5)
    module = LowRankWeights(deviations, rank, torch.Generator().manual_seed(seed))
    parametrize.register_parametrization(network, DIRECT, module)


def materialize_direct_weights(network: MADE) -> None:
    """Replace factorised direct weights by the matrix that they stand for."""
    if parametrize.is_parametrized(network, DIRECT):
        parametrize.remove_parametrizations(network, DIRECT)
