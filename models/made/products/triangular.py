"""Masked products whose zero half is skipped, with gradients: what training on a CPU is made of.

A mask says which columns a row may see: those whose key is at most the row's. With rows and
columns sorted by their keys the masked matrix is a staircase, block lower-triangular, and a block
of rows needs a prefix of the columns alone. The weights stay where the optimizer has them:
gathering the visible half of a matrix into that order costs less than a mask that is built and
multiplied, forth and back, and of each product six tenths are left.

Units keep that order from layer to layer, so that only the inputs and the outputs of a network
are put in order and back; see `MADE.forward`.
"""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from madeira.models.arrays import Float32, Int64
from madeira.models.compiled import compiled
from madeira.models.made.products.blocks import row_blocks

__all__ = ["Staircase", "permuted", "triangular_linear"]

Places = npt.NDArray[np.uint64]

BLOCKS = 4
LANES = 16  # of a vector: products of a multiple of it are a fifth faster


@dataclass(frozen=True)
class Staircase:
    """A mask in the order that makes it a staircase.

    Attributes:
        rows: Place of each sorted row in the weights, shape `(rows,)`.
        columns: Place of each sorted column, shape `(columns,)`.
        straight: Whether the columns are in order as they are.
        seen: How many of the sorted columns each sorted row may see, ascending, `(rows,)`.
        reach: How many of them the blocks that it is in have, `(rows,)`.
        across: Blocks of rows: start, stop, and the columns that some row of them sees.
        down: Blocks of columns: start, stop, and the first row that sees one of them.
    """

    rows: Places
    columns: Places
    straight: bool
    seen: Int64
    reach: Int64
    across: tuple[tuple[int, int, int], ...]
    down: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, row_keys: Int64, column_keys: Int64, rows: Int64, columns: Int64) -> Self:
        """Return the staircase of `row_keys[:, None] >= column_keys`.

        Args:
            row_keys: Shape `(rows,)`.
            column_keys: Shape `(columns,)`.
            rows: What sorts the rows, `row_keys.argsort()`.
            columns: What sorts the columns.
        """
        ascending = column_keys[columns]
        seen = ascending.searchsorted(row_keys[rows], side="right")
        reach = np.zeros_like(seen)
        across, down = [], []
        for start, stop in row_blocks(len(rows), BLOCKS, LANES):
            across.append((start, stop, int(seen[stop - 1])))
            reach[start:stop] = seen[stop - 1]
        for start, stop in row_blocks(len(columns), BLOCKS, LANES):
            first = int(seen.searchsorted(start, side="right"))
            down.append((start, stop, first))
            np.maximum(reach[first:], stop, out=reach[first:])
        return cls(
            rows.view(np.uint64),
            columns.view(np.uint64),
            bool((columns[1:] > columns[:-1]).all()),
            seen,
            reach,
            tuple(across),
            tuple(down),
        )

    @property
    def places(self) -> Tensor:
        """`rows` as a tensor, shape `(rows,)`."""
        return torch.from_numpy(self.rows.view(np.int64))

    @property
    def arrays(self) -> tuple[Places, Places, bool, Int64, Int64]:
        """Arguments of the compiled loops."""
        return self.rows, self.columns, self.straight, self.seen, self.reach


def triangular_linear(
    units: Tensor, weight: Tensor, bias: Tensor | None, staircase: Staircase
) -> Tensor:
    """`units @ (weight * mask).T + bias`, rows and columns in the order of the staircase.

    Args:
        units: Shape `(batch, columns)`, sorted.
        weight: Shape `(rows, columns)`, in its own order, float32 on the CPU, contiguous.
        bias: Shape `(rows,)`, in its own order, or None.
        staircase: The mask.

    Returns:
        Shape `(batch, rows)`, sorted.
    """
    result: Tensor = _TriangularLinear.apply(  # type: ignore[no-untyped-call]
        units, weight, bias, staircase
    )
    return result


def permuted(units: Tensor, order: Tensor, back: Tensor) -> Tensor:
    """`units[:, order]`, of which the gradient is a permutation too and no sum.

    Args:
        units: Shape `(batch, columns)`.
        order: A permutation, shape `(columns,)`.
        back: The one that undoes it, same shape.
    """
    result: Tensor = _Permuted.apply(units, order, back)  # type: ignore[no-untyped-call]
    return result


class _PermutedContext(Protocol):
    saved_tensors: tuple[Tensor]

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _Permuted(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _PermutedContext, units: Tensor, order: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(back)
        return units.index_select(1, order)

    @staticmethod
    @once_differentiable
    def backward(ctx: _PermutedContext, gradient: Tensor) -> tuple[Tensor, None, None]:
        (back,) = ctx.saved_tensors
        return gradient.index_select(1, back), None, None


class _Context(Protocol):
    """State that autograd keeps between a product and its gradients."""

    saved_tensors: tuple[Tensor, Tensor]
    needs_input_grad: tuple[bool, bool, bool, bool]
    staircase: Staircase

    def save_for_backward(self, *tensors: Tensor) -> None: ...


class _TriangularLinear(torch.autograd.Function):
    """The product, and its gradients by the same blocks."""

    @staticmethod
    def forward(
        ctx: _Context, units: Tensor, weight: Tensor, bias: Tensor | None, staircase: Staircase
    ) -> Tensor:
        stairs = torch.empty_like(weight)
        result = units.new_empty(len(units), len(weight))
        own = None if bias is None else bias.index_select(0, staircase.places)
        arrays = (weight.detach().numpy(), *staircase.arrays, stairs.numpy())
        for start, stop, width in staircase.across:
            _gather(start, stop, *arrays)
            part, known, block = result[:, start:stop], units[:, :width], stairs[start:stop, :width]
            if own is None:
                torch.mm(known, block.T, out=part)
            else:
                torch.addmm(own[start:stop], known, block.T, out=part)
        ctx.save_for_backward(units, stairs)
        ctx.staircase = staircase
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor | None, ...]:
        units, stairs = ctx.saved_tensors
        staircase = ctx.staircase
        of_units = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_units = torch.empty_like(units)
            for start, stop, first in staircase.down:
                torch.mm(
                    gradient[:, first:], stairs[first:, start:stop], out=of_units[:, start:stop]
                )
        if ctx.needs_input_grad[1]:
            of_weight = torch.empty_like(stairs)
            tallest = max(stop - start for start, stop, _ in staircase.across)
            block = torch.empty(tallest, stairs.shape[1])
            arrays = (block.numpy(), *staircase.arrays, of_weight.numpy())
            for start, stop, width in staircase.across:
                part = block[: stop - start, :width]
                torch.mm(gradient[:, start:stop].T, units[:, :width], out=part)
                _scatter(start, stop, *arrays)
        if ctx.needs_input_grad[2]:
            sums = gradient.sum(dim=0)
            of_bias = torch.empty_like(sums).index_copy_(0, staircase.places, sums)
        return of_units, of_weight, of_bias, None


@compiled
def _gather(
    start: int,
    stop: int,
    weight: Float32,
    rows: Places,
    columns: Places,
    straight: bool,
    seen: Int64,
    reach: Int64,
    stairs: Float32,
) -> None:
    """Fill rows of `stairs` with what they see of `weight`, zeros as far as blocks reach."""
    for row in range(start, stop):
        place, width = rows[row], np.uint64(seen[row])
        if straight:
            for column in range(width):
                stairs[row, column] = weight[place, column]
        else:
            for column in range(width):
                stairs[row, column] = weight[place, columns[column]]
        for column in range(width, np.uint64(reach[row])):
            stairs[row, column] = 0.0


@compiled
def _scatter(
    start: int,
    stop: int,
    block: Float32,
    rows: Places,
    columns: Places,
    straight: bool,
    seen: Int64,
    _reach: Int64,
    weight: Float32,
) -> None:
    """Fill rows of `weight` with what they may see of `block`, and zeros."""
    for row in range(start, stop):
        place, width = rows[row], np.uint64(seen[row])
        if straight:
            for column in range(width):
                weight[place, column] = block[row - start, column]
            for column in range(width, np.uint64(len(columns))):
                weight[place, column] = 0.0
        else:
            for column in range(np.uint64(len(columns))):
                weight[place, column] = 0.0
            for column in range(width):
                weight[place, columns[column]] = block[row - start, column]
