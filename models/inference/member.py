"""Members of an ensemble, and the components of the mixture that they make."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.made.masks import Mask
from models.made.network import MADE
from models.made.ordering import evidence_first

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

    def mask_for(
        self, observed: npt.NDArray[np.bool_], last_observed: int | None = None
    ) -> Mask | None:
        """The mask that puts the evidence first, or None where this component has none.

        Args:
            observed: Which variables are evidence, shape `(variables,)`.
            last_observed: An observed variable that is to come after all other evidence.
        """
        positions = evidence_first(self.mask.positions, observed, last_observed)
        if np.array_equal(positions, self.mask.positions):
            return self.mask
        return self.mask.with_positions(positions) if self.any_order else None
