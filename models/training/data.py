"""Training data: the split into training and validation rows, and minibatches."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from madeira.models.arrays import Float64
from madeira.models.columns.layout import Layout
from madeira.models.errors import TrainingError

__all__ = ["Rows", "UnknownReplacement", "complete_rows", "split_rows"]


def split_rows(
    values: Float64, fraction: float, limit_rows: int, generator: np.random.Generator
) -> tuple[Float64, Float64]:
    """Hold out rows for validation.

    Args:
        values: Encoded table, shape `(rows, variables)`.
        fraction: Share of rows to hold out.
        limit_rows: Most rows to hold out.
        generator: Source of the permutation.

    Returns:
        Training and validation rows.

    Raises:
        TrainingError: Fewer than two rows.
    """
    rows = len(values)
    if rows < 2:
        raise TrainingError(
            f"a table of {rows} row{'s' if rows != 1 else ''} cannot be trained on: "
            "one row is held out for validation and one is left to learn from, at the least"
        )
    held_out = min(max(1, round(rows * fraction)), limit_rows, rows - 1)
    order = generator.permutation(rows)
    return values[order[held_out:]], values[order[:held_out]]


def complete_rows(values: Float64) -> Float64:
    """Return the rows without missing values: `(rows, variables)` to `(complete, variables)`."""
    return values[~np.isnan(values).any(axis=1)]


class Rows:
    """An encoded table on the device of its layout.

    Args:
        values: Shape `(rows, variables)`, NaN where missing.
        layout: The variables.

    Attributes:
        values: Shape `(rows, variables)`, NaN where missing.
        observed: bool, same shape.
        complete: Whether nothing is missing.
    """

    def __init__(self, values: Float64, layout: Layout) -> None:
        self.values = torch.as_tensor(values, dtype=layout.value_dtype, device=layout.device)
        self.observed = ~self.values.isnan()
        self.complete = bool(self.observed.all())

    def __len__(self) -> int:
        return len(self.values)

    def batches(
        self, rows: int, generator: torch.Generator | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Minibatches of values and observed, in order or shuffled by the generator.

        Args:
            rows: Rows a minibatch.
            generator: Shuffles the rows; None keeps their order.
        """
        order = None
        if generator is not None:
            order = torch.randperm(len(self), generator=generator).to(self.values.device)
        for start in range(0, len(self), rows):
            chosen: slice | Tensor = slice(start, start + rows)
            if order is not None:
                chosen = order[chosen]
            values = self.values[chosen]
            observed = self.observed[: len(values)] if self.complete else self.observed[chosen]
            yield values, observed


@dataclass(frozen=True)
class UnknownReplacement:
    """Teaches the mass of the `unknown` outcome.

    A category never seen in training has no row to learn from. Each observed value is therefore
    replaced by `unknown` at its column's Good-Turing rate, so that the network learns both how
    likely something new is and what to make of it as an input.

    Attributes:
        rates: Rate of each variable, shape `(variables,)`.
        codes: Code of each variable's unknown outcome, shape `(variables,)`.
    """

    rates: Tensor
    codes: Tensor

    @classmethod
    def of(cls, layout: Layout, device: torch.device) -> "UnknownReplacement | None":
        """Make the replacement for a layout's columns; None where no column has such an outcome."""
        rates = torch.tensor([column.unknown_rate for column in layout.columns])
        if not rates.any():
            return None
        codes = torch.tensor([column.unknown_code or 0.0 for column in layout.columns])
        return cls(rates.to(device), codes.to(device))

    def __call__(self, values: Tensor, observed: Tensor, generator: torch.Generator) -> Tensor:
        """Values with some replaced, shape `(batch, variables)`; missing ones stay missing."""
        uniform = torch.rand(values.shape, generator=generator, device=generator.device)
        replaced = (uniform.to(values.device) < self.rates) & observed
        return torch.where(replaced, self.codes, values)
