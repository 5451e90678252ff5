"""A folded network whose zero blocks are skipped, for large batches.

Hidden units are sorted by degree; here inputs and outputs are sorted by position too. Every
weight matrix is then block lower-triangular, and the rows of a block need a prefix of its columns
alone. With four blocks 62 % of a product is left.

Measured on two cores (AVX-512), product of one matrix, dense over four blocks: 1.4 to 1.6 times
from 256 x 256 weights and 256 rows on; 1.2 at 128 x 128 and 1024 rows; below one where fewer
than 2**24 products are left to share the cost of three more calls. Eight blocks gain a little on
512 x 784 and lose on 784 x 512, sixteen lose on both.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from madeira.models.columns.layout import Layout
from madeira.models.inference.weights.folded import FoldedNetwork
from madeira.models.made.network import ACTIVATIONS

__all__ = ["BlockedNetwork"]

BLOCKS = 4
PRODUCTS_THAT_PAY = 2**24


@dataclass(frozen=True)
class _Triangular:
    """A block lower-triangular matrix: rows, and the prefix of columns that they need."""

    dense: Tensor
    blocks: tuple[tuple[slice, Tensor], ...]

    @classmethod
    def of(cls, weight: Tensor) -> "_Triangular":
        """Cuts a matrix, (rows, columns), into blocks as wide as their last column that counts."""
        bounds = [len(weight) * index // BLOCKS for index in range(BLOCKS + 1)]
        blocks = []
        for start, stop in pairwise(bounds):
            used = (weight[start:stop] != 0).any(dim=0).nonzero()
            width = int(used[-1]) + 1 if len(used) else 0
            blocks.append((slice(start, stop), weight[start:stop, :width].contiguous()))
        return cls(weight, tuple(blocks))

    def __call__(self, units: Tensor, bias: Tensor) -> Tensor:
        """`units @ weight.T + bias`: (batch, columns) -> (batch, rows)."""
        if len(units) * self.dense.numel() < PRODUCTS_THAT_PAY:
            return functional.linear(units, self.dense, bias)
        result = units.new_empty(len(units), len(self.dense))
        for rows, weight in self.blocks:
            known = units[:, : weight.shape[1]]
            torch.addmm(bias[rows], known, weight.T, out=result[:, rows])
        return result


class BlockedNetwork:
    """What a folded network gives, with its zero blocks skipped.

    Args:
        folded: The network.
        layout: Which input and output units belong to which variable.
    """

    def __init__(self, folded: FoldedNetwork, layout: Layout) -> None:
        positions = torch.as_tensor(folded.mask.positions, device=layout.device)
        inputs = positions[layout.variable_of_input].argsort(stable=True)
        outputs = positions[layout.variable_of_output].argsort(stable=True)
        back = outputs.argsort()
        self._activation = ACTIVATIONS[folded.activation]  # type: ignore[index]
        self._residual = folded.residual
        self._inputs = None if _in_order(inputs) else inputs
        self._back = None if _in_order(back) else back
        first = [weight[:, inputs] for weight in folded.weights[:1]]
        self._weights = [_Triangular.of(weight) for weight in (*first, *folded.weights[1:])]
        self._biases = folded.biases
        self._output_bias = folded.output_bias[outputs]
        self._output: _Triangular | None = None
        self._direct: _Triangular | None = None
        if folded.output_weight is not None:
            self._output = _Triangular.of(folded.output_weight[outputs])
        if folded.direct_weight is not None:
            self._direct = _Triangular.of(folded.direct_weight[outputs][:, inputs])

    @cached_property
    def size_bytes(self) -> int:
        """Memory that the weights take."""
        matrices = [*self._weights, *filter(None, (self._output, self._direct))]
        numbers = sum(
            matrix.dense.numel() + sum(weight.numel() for _, weight in matrix.blocks)
            for matrix in matrices
        )
        return numbers * self._output_bias.element_size()

    @property
    def widest(self) -> int:
        """Numbers that one row needs at most in one array."""
        return max(len(self._output_bias), *(len(bias) for bias in self._biases), 1)

    def __call__(self, features: Tensor) -> Tensor:
        """Parameters of every conditional: (batch, inputs) -> (batch, outputs)."""
        known = features if self._inputs is None else features.index_select(1, self._inputs)
        output = self._output_bias.expand(len(known), -1)
        if self._output is not None:
            hidden = self._weights[0](known, self._biases[0])
            for weight, bias in zip(self._weights[1:], self._biases[1:], strict=True):
                after = weight(self._activation(hidden), bias)
                hidden = hidden + after if self._residual else after
            output = self._output(self._activation(hidden), self._output_bias)
        if self._direct is not None:
            output = output + self._direct(known, torch.zeros_like(self._output_bias))
        return output if self._back is None else output.index_select(1, self._back)


def _in_order(places: Tensor) -> bool:
    return bool(np.array_equal(places.cpu().numpy(), np.arange(len(places))))
