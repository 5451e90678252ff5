"""Products that skip the zero half of a mask: the units of every layer sorted by degree."""

import torch
from torch import Tensor

from madeira.models.arrays import Int64
from madeira.models.columns.layout import Layout
from madeira.models.made.masks import Mask
from madeira.models.made.products.triangular import Staircase, permuted, triangular_linear

__all__ = ["INPUTS", "OUTPUTS", "VARIABLES", "SortedMask", "Units"]


INPUTS, VARIABLES, OUTPUTS = "inputs", "variables", "outputs"

Units = str | int
"""Units of a network: those, or the number of a hidden layer."""


class SortedMask:
    """A mask, and what sorts the units of each layer by what they may see.

    Args:
        mask: The ordering and the degrees.
        layout: Which input and output units belong to which variable; on the CPU.
    """

    def __init__(self, mask: Mask, layout: Layout) -> None:
        positions = mask.positions
        # An output may see what stands before its variable: positions up to its own less one.
        self._keys: dict[Units, Int64] = {
            INPUTS: positions[layout.variable_of_input.numpy()],
            VARIABLES: positions,
            OUTPUTS: positions[layout.variable_of_output.numpy()] - 1,
            **dict(enumerate(mask.degrees)),
        }
        self._orders: dict[Units, Int64] = {}
        self._staircases: dict[tuple[Units, Units], Staircase] = {}

    def sort(self, units: Tensor, of: Units) -> Tensor:
        """Columns of units in the order of their keys: `(batch, units)` to the same."""
        return permuted(units, *self._permutation(of))

    def unsort(self, units: Tensor, of: Units) -> Tensor:
        """Undo `sort`: `(batch, units)` to the same."""
        return permuted(units, *self._permutation(of)[::-1])

    def product(
        self,
        units: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        after: Units,
        before: Units,
    ) -> Tensor:
        """`units @ (weight * mask).T + bias`, of sorted units and giving sorted ones.

        Args:
            units: Shape `(batch, units before)`.
            weight: Shape `(units after, units before)`.
            bias: Shape `(units after,)`, or None.
            after: Which units it leads to: a hidden layer's number, or `OUTPUTS`.
            before: Which units it leads from: a hidden layer's number, `INPUTS` or `VARIABLES`.
        """
        staircase = self._staircases.get((after, before))
        if staircase is None:
            rows, columns = self._order(after), self._order(before)
            staircase = Staircase.of(self._keys[after], self._keys[before], rows, columns)
            self._staircases[after, before] = staircase
        return triangular_linear(units, weight, bias, staircase)

    def _order(self, of: Units) -> Int64:
        order = self._orders.get(of)
        if order is None:
            order = self._orders[of] = self._keys[of].argsort(kind="stable")
        return order

    def _permutation(self, of: Units) -> tuple[Tensor, Tensor]:
        """Permutation that sorts units, and its inverse."""
        order = torch.from_numpy(self._order(of))
        return order, order.argsort()
