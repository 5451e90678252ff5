"""Which units belong to which variable.

Columns that share an evaluation key are evaluated together by one head. The units of one head
are contiguous, and within it those of one column; values keep the order of the columns.
"""

import copy
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.columns.base import Column, Head
from madeira.models.columns.derived import NullIndicator

__all__ = ["Layout"]


@dataclass(frozen=True)
class _Group:
    """The columns of one head: which variables they are, and where their units stand."""

    head: Head
    variables: Tensor  # (n,) long
    inputs: slice
    outputs: slice
    noise: slice


class Layout:
    """Arranges the units of all variables and evaluates them, one head at a time.

    Attributes:
        columns: The D variables.
        derived: Those of them that are no columns of the table; they come last.
        device: Where the tensors are.
        value_dtype: What encoded values are held in: codes of fine grids and instants need
            more digits than float32 has.
        variables: Number of variables, D.
        inputs: Input units, I.
        outputs: Output units, O.
        noise: Uniforms that one row takes, W.
        variable_of_input: Variable of each input unit, (I,) long.
        variable_of_output: Variable of each output unit, (O,) long.
        variable_of_noise: Variable of each uniform, (W,) long.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.variables = len(self.columns)
        self.derived = tuple(one for one in self.columns if isinstance(one, NullIndicator))
        self._groups = _groups(self.columns)
        in_unit_order = torch.cat([group.variables for group in self._groups])
        self._natural = bool((in_unit_order == torch.arange(self.variables)).all())
        self._from_unit_order = torch.argsort(in_unit_order)
        ordered = [self.columns[d] for d in in_unit_order.tolist()]
        self.variable_of_input = _repeat(in_unit_order, [column.inputs for column in ordered])
        self.variable_of_output = _repeat(in_unit_order, [column.outputs for column in ordered])
        self.variable_of_noise = _repeat(in_unit_order, [column.noise for column in ordered])
        self.inputs = len(self.variable_of_input)
        self.outputs = len(self.variable_of_output)
        self.noise = len(self.variable_of_noise)
        self.device = torch.device("cpu")
        discrete = all(column.discrete for column in self.columns)
        self.value_dtype = torch.float32 if discrete else torch.float64
        self._singles: dict[int, tuple[Head, slice, slice, slice]] = {}

    def to(self, device: torch.device | str) -> "Layout":
        """Return this layout with its tensors on `device`."""
        moved = copy.copy(self)
        moved.device = torch.device(device)
        moved._singles = {}
        moved._groups = tuple(
            replace(group, head=group.head.to(device), variables=group.variables.to(device))
            for group in self._groups
        )
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(moved, name, value.to(device))
        return moved

    def features(self, values: Tensor, observed: Tensor) -> Tensor:
        """Turn encoded values into input units.

        Args:
            values: Encoded values, (batch, D); NaN where missing.
            observed: Which values the network may use, (batch, D) bool.

        Returns:
            Input units, (batch, I), in the dtype of `values`; 0 where not observed.
        """
        parts = [
            group.head.features(self._of(group, values), self._of(group, observed))
            for group in self._groups
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def log_prob(self, parameters: Tensor, values: Tensor) -> Tensor:
        """Evaluate every conditional.

        Args:
            parameters: Output units, (batch, O).
            values: Encoded values, (batch, D); NaN where missing.

        Returns:
            Nats in original units, (batch, D); finite but meaningless where a value is NaN.
        """
        return self._gather(
            [
                group.head.log_prob(parameters[:, group.outputs], self._of(group, values))
                for group in self._groups
            ]
        )

    def sample(
        self,
        parameters: Tensor,
        noise: Tensor,
        temperature: float = 1.0,
        within_range: bool = False,
    ) -> Tensor:
        """Draw every variable from its conditional.

        Args:
            parameters: Output units, (batch, O).
            noise: Uniforms in (0, 1), (batch, W).
            temperature: Below 1 for likelier values, above 1 for more varied ones; > 0.
            within_range: Whether numbers are to lie between the ends seen in training.

        Returns:
            Encoded values, (batch, D), in the dtype of `noise`.
        """
        return self._gather(
            [
                group.head.sample(
                    parameters[:, group.outputs], noise[:, group.noise], temperature, within_range
                )
                for group in self._groups
            ]
        )

    def initial_parameters(self, values: Float64) -> Float64:
        """Return output units, (O,), that reproduce each marginal of values, (rows, D)."""
        return np.concatenate(
            [
                self.columns[d].initial_parameters(values[:, d])
                for group in self._groups
                for d in group.variables.tolist()
            ]
        )

    def outcomes(self, values: Float64) -> Bool:
        """Return the logit of the choice that each value, (rows, D), is, if any: (rows, O)."""
        return np.concatenate(
            [
                self.columns[d].outcomes(values[:, d])
                for group in self._groups
                for d in group.variables.tolist()
            ],
            axis=1,
        )

    @property
    def choices(self) -> Int64:
        """For each output unit the one that stands for it in `outcomes`, (O,)."""
        units = [
            self.columns[d].choices for group in self._groups for d in group.variables.tolist()
        ]
        starts = np.cumsum([0, *(len(each) for each in units[:-1])])
        return np.concatenate([start + each for start, each in zip(starts, units, strict=True)])

    def single(self, d: int) -> tuple[Head, slice, slice, slice]:
        """Return the head of variable d alone, and its input units, output units and uniforms."""
        if d not in self._singles:
            head = self.columns[d].head_type([self.columns[d]]).to(self.device)
            self._singles[d] = (
                head,
                _span(self.variable_of_input, d),
                _span(self.variable_of_output, d),
                _span(self.variable_of_noise, d),
            )
        return self._singles[d]

    def _of(self, group: _Group, values: Tensor) -> Tensor:
        """Pick the variables of one head, (batch, D) to (batch, n)."""
        if len(self._groups) == 1:
            return values
        return values.index_select(1, group.variables)

    def _gather(self, parts: Sequence[Tensor]) -> Tensor:
        """Put the answers of the heads, (batch, n) each, into the order of the columns."""
        joined = parts[0] if len(parts) == 1 else torch.cat(list(parts), dim=1)
        return joined if self._natural else joined.index_select(1, self._from_unit_order)


def _groups(columns: Sequence[Column]) -> tuple[_Group, ...]:
    """Group columns by evaluation key, in the order in which the keys first occur."""
    members: dict[Hashable, list[int]] = {}
    for d, column in enumerate(columns):
        members.setdefault(column.evaluation_key, []).append(d)
    groups: list[_Group] = []
    inputs = outputs = noise = 0
    for variables in members.values():
        head = columns[variables[0]].head_type([columns[d] for d in variables])
        groups.append(
            _Group(
                head,
                torch.tensor(variables),
                slice(inputs, inputs + head.inputs),
                slice(outputs, outputs + head.outputs),
                slice(noise, noise + head.noise),
            )
        )
        inputs, outputs, noise = (
            groups[-1].inputs.stop,
            groups[-1].outputs.stop,
            groups[-1].noise.stop,
        )
    return tuple(groups)


def _repeat(variables: Tensor, units: Sequence[int]) -> Tensor:
    """Repeat each variable as often as it has units, (D,) to (units,)."""
    return variables.repeat_interleave(torch.tensor(units))


def _span(variable_of_unit: Tensor, d: int) -> slice:
    """Return the contiguous units of variable d."""
    units = torch.nonzero(variable_of_unit == d).flatten().tolist()
    return slice(units[0], units[-1] + 1) if units else slice(0, 0)
