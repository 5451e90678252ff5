"""Members of an ensemble, and the components of the mixture that they make."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from madeira.models.arrays import Bool, Int64
from madeira.models.made.masks import Mask
from madeira.models.made.network import MADE
from madeira.models.made.ordering import evidence_first, variables_in_order

__all__ = ["Component", "Member"]


@dataclass(frozen=True)
class Member:
    """A trained network and the masks it answers with.

    Attributes:
        name: How curves and metrics call it.
        network: The network, weights final.
        masks: One component of the mixture each.
        any_order: Whether it was trained over all orderings, so that any can be asked for.
    """

    name: str
    network: MADE
    masks: tuple[Mask, ...]
    any_order: bool


@dataclass(frozen=True)
class Component:
    """One network under one mask.

    Attributes:
        member: Index of its member.
        mask: Its mask.
        any_order: Whether the ordering may be changed to suit the evidence.
    """

    member: int
    mask: Mask
    any_order: bool

    @cached_property
    def order(self) -> Int64:
        """The variable at each position of the mask, shape `(variables,)`."""
        return variables_in_order(self.mask.positions)

    @cached_property
    def degrees_key(self) -> Hashable:
        """Equal for components of one network and the same degrees."""
        return self.member, *(degree.tobytes() for degree in self.mask.degrees)

    def answers(self, observed: Bool, last_observed: Int64 | None = None) -> Bool:
        """For which rows this component can put the evidence first.

        Args:
            observed: Which variables are evidence, shape `(rows, variables)`.
            last_observed: Of each row, an observed variable that is to come after all other
                evidence, shape `(rows,)`.

        Returns:
            Shape `(rows,)`.
        """
        if self.any_order or (last_observed is None and observed.all()):
            return np.ones(len(observed), dtype=bool)
        counts = observed.sum(axis=1)
        fits: Bool = np.where(observed, self.mask.positions, 0).max(axis=1) == counts
        if last_observed is not None:
            fits &= self.mask.positions[last_observed] == counts
        return fits

    def orders(self, observed: Bool, last_observed: Int64 | None = None) -> Int64:
        """Return the variable at each position of rows that this component answers.

        Args:
            observed: Which variables are evidence, shape `(rows, variables)`.
            last_observed: As for `answers`.

        Returns:
            Shape `(rows, variables)`, or `(1, variables)` where all rows share one.
        """
        if not self.any_order:
            return self.order[None]
        return evidence_first(self.order, observed, last_observed)
