"""Masks: an ordering of the variables and the degrees of the hidden units.

A hidden unit of degree m may see the variables at positions 1..m (MADE section 3). A mask fixes
both; the boolean matrices that multiply the weights follow from them:

    input to hidden    m(k) >= position(d)
    hidden to hidden   m(k) >= m(j)
    hidden to output   position(d) > m(k)
    input to output    position(d) > position(e)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from madeira.models.arrays import Float64, Int64
from madeira.models.made.config import MaskConfig, NetworkConfig
from madeira.models.made.mask_statistics import MaskStatistics
from madeira.models.made.ordering import (
    derived_first,
    in_tiers,
    natural_positions,
    random_positions,
    smooth_positions,
    variables_in_order,
)

__all__ = [
    "DERIVED_SHARE",
    "Mask",
    "MaskSource",
    "entropy_degrees",
    "even_degrees",
    "sample_degrees",
    "sample_mask",
    "sampled_degrees",
]


DERIVED_SHARE = 0.5
"""Share of the minibatches in which an any-order network learns of derived variables."""


@dataclass(frozen=True)
class Mask:
    """An ordering and the degrees that go with it.

    Attributes:
        positions: Position of each variable, a permutation of 1..D, shape `(D,)`.
        degrees: Degree of each unit of each hidden layer, in 1..D-1 (0 where D is 1: there is
            nothing to see), one array of shape `(width,)` a layer.
    """

    positions: Int64
    degrees: tuple[Int64, ...]

    def with_positions(self, positions: Int64) -> "Mask":
        """Return the same degrees under another ordering."""
        return Mask(positions, self.degrees)

    def with_derived_last(self, derived: int) -> "Mask":
        """Return the same mask with so many further variables after all others."""
        variables = len(self.positions)
        further = np.arange(variables + 1, variables + derived + 1)
        return Mask(np.append(self.positions, further), self.degrees)

    def with_derived_first(self, derived: int) -> "Mask":
        """Return a mask with so many further variables before all others, of even degrees."""
        variables = len(self.positions) + derived
        positions = np.append(self.positions + derived, np.arange(1, derived + 1))
        degrees = tuple(even_degrees(len(degree), variables) for degree in self.degrees)
        return Mask(positions, degrees)


def even_degrees(width: int, variables: int) -> Int64:
    """Degrees spread evenly and ascending, shape `(width,)`.

    Args:
        width: Number of units.
        variables: Number of variables D.

    Example:
        >>> even_degrees(6, 4)
        array([1, 1, 2, 2, 3, 3])
    """
    highest = max(variables - 1, 0)
    return min(1, highest) + np.arange(width) * highest // width


def entropy_degrees(width: int, entropies: Float64) -> Int64:
    """Degrees spread evenly over the entropy along an ordering, ascending, shape `(width,)`.

    Between two units lies the same share of it: a variable is preceded by as many units of its
    own as it has of the entropy, and what hardly varies by none.

    Args:
        width: Number of units.
        entropies: Marginal entropies in nats in the order of the positions, shape `(D,)`.

    Example:
        >>> entropy_degrees(6, np.array([0.0, 0.6, 0.0, 0.2, 0.4]))
        array([1, 1, 1, 3, 4, 4])
    """
    if not entropies.sum() > 0:
        return even_degrees(width, len(entropies))
    until = entropies.cumsum() / entropies.sum()
    shares = (np.arange(width) + 0.5) / width
    highest = max(len(entropies) - 1, 0)
    degrees: Int64 = until.searchsorted(shares).clip(min(1, highest), highest)
    return degrees


def sampled_degrees(
    width: int, variables: int, lowest: int, generator: np.random.Generator
) -> Int64:
    """Degrees drawn evenly from `lowest..D-1`, shape `(width,)`.

    Args:
        width: Number of units.
        variables: Number of variables D.
        lowest: Lowest degree.
        generator: Source of the draws.
    """
    highest = max(variables - 1, 0)
    return generator.integers(min(lowest, highest), highest + 1, size=width)


def sample_degrees(
    network: NetworkConfig, masks: MaskConfig, variables: int, generator: np.random.Generator
) -> tuple[Int64, ...]:
    """Degrees of every hidden layer; even ones where they are not drawn.

    A sampled degree is never below the lowest of the layer before it, or its unit would see
    nothing (MADE section 3). Residual layers share one vector.

    Args:
        network: Widths of the hidden layers.
        masks: How degrees are chosen.
        variables: Number of variables D.
        generator: Source of every random choice.
    """
    if masks.degrees != "sampled":
        return tuple(even_degrees(width, variables) for width in network.hidden)
    degrees: list[Int64] = []
    for width in network.hidden:
        if network.residual and degrees:
            degrees.append(degrees[0])
        else:
            lowest = int(degrees[-1].min()) if degrees else 1
            degrees.append(sampled_degrees(width, variables, lowest, generator))
    return tuple(degrees)


def sample_mask(
    network: NetworkConfig, masks: MaskConfig, variables: int, generator: np.random.Generator
) -> Mask:
    """One mask, drawn as `masks` says as far as that needs no `MaskStatistics`.

    Args:
        network: Widths of the hidden layers.
        masks: How orderings and degrees are chosen.
        variables: Number of variables D.
        generator: Source of every random choice.
    """
    if masks.ordering == "natural":
        positions = natural_positions(variables)
    else:
        positions = random_positions(variables, generator)
    return Mask(positions, sample_degrees(network, masks, variables, generator))


class MaskSource:
    """The masks of one network: those that train it, and those that answer.

    Both follow from the seed alone. With `count` masks in a cycle the two are the same list;
    with fresh masks, the answering ones are another stream of the same seed.

    Args:
        network: Widths of the hidden layers.
        masks: How orderings and degrees are chosen.
        variables: Number of variables D.
        seed: Seed of every random choice.
        sources: The columns that each derived variable follows from, in an any-order network
            that has such; D does not count them.
        statistics: Statistics of the variables; None for none. A setting that needs one that is
            missing falls back: `smooth` orderings on random ones, `entropy` on even degrees, a
            reach on all variables.

    Attributes:
        statistics: As given.
        answering: The masks that answer, without derived variables.
    """

    def __init__(
        self,
        network: NetworkConfig,
        masks: MaskConfig,
        variables: int,
        seed: int,
        statistics: MaskStatistics | None = None,
        sources: Sequence[Sequence[int]] = (),
    ) -> None:
        self._network, self._masks, self._variables = network, masks, variables
        self._sources = sources
        self.statistics = MaskStatistics.none(variables) if statistics is None else statistics
        one_ordering, answering, fresh, share = np.random.SeedSequence(seed).spawn(4)
        self._fresh = np.random.default_rng(fresh)
        self._share = np.random.default_rng(share)
        self._fixed = self._fixed_positions(np.random.default_rng(one_ordering))
        generator = np.random.default_rng(answering)
        self.answering: tuple[Mask, ...] = tuple(
            self._draw(generator, self.statistics.missingness_tiers)
            for _ in range(masks.count or masks.ensemble)
        )

    def training(self) -> Iterator[Mask]:
        """One mask a minibatch, without end.

        Where there are derived variables, they come after all columns, and are not to be looked
        at; but in a share of the minibatches they take part, each before its own columns.
        """
        for mask in self._training_columns():
            if not self._sources:
                yield mask
            elif self._share.random() < DERIVED_SHARE:
                yield self._with_derived()
            else:
                yield mask.with_derived_last(self.derived)

    @property
    def derived(self) -> int:
        """Number of derived variables."""
        return len(self._sources)

    def _with_derived(self) -> Mask:
        variables = self._variables + self.derived
        mask = sample_mask(self._network, self._masks, variables, self._fresh)
        return mask.with_positions(derived_first(mask.positions, self._sources))

    def _training_columns(self) -> Iterator[Mask]:
        while True:
            if self._masks.count is not None:
                yield from self.answering
            elif self._share.random() < self._masks.answering_share:
                yield self.answering[self._share.integers(len(self.answering))]
            else:
                yield self._draw(self._fresh)

    def _fixed_positions(self, generator: np.random.Generator) -> Int64 | None:
        """Return the ordering that all masks share, or None where each has its own."""
        if self._masks.ordering == "sampled":
            return None
        if self._masks.ordering == "natural":
            return natural_positions(self._variables)
        if self._masks.ordering == "smooth" and self.statistics.coordinates is not None:
            positions = smooth_positions(self.statistics.coordinates, generator)
        else:
            positions = random_positions(self._variables, generator)
        return in_tiers(positions, self.statistics.missingness_tiers)

    def _draw(self, generator: np.random.Generator, missingness_tiers: Int64 | None = None) -> Mask:
        mask = sample_mask(self._network, self._masks, self._variables, generator)
        if self._fixed is not None:
            mask = mask.with_positions(self._fixed)
        elif missingness_tiers is not None:
            mask = mask.with_positions(in_tiers(mask.positions, missingness_tiers))
        if self._masks.degrees == "entropy" and self.statistics.entropies is not None:
            entropies = self.statistics.entropies[variables_in_order(mask.positions)]
            degrees = tuple(entropy_degrees(width, entropies) for width in self._network.hidden)
            mask = Mask(mask.positions, degrees)
        return mask
