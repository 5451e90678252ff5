"""Random questions: some values of a held-out row known, another column asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from madeira.models.arrays import Bool, Float64, Int64
from madeira.models.columns.base import Column
from madeira.models.inference import Density
from madeira.models.inference.predictive import Predictive

__all__ = ["Questions", "conditionals_of", "outcomes", "with_values"]


@dataclass(frozen=True)
class Questions:
    """What is known, and which column is asked for.

    Attributes:
        evidence: Encoded values, NaN where not known, shape `(questions, variables)`.
        targets: The column asked for, not among the evidence, shape `(questions,)`.
        values: The row's own value of it, shape `(questions,)`.
    """

    evidence: Float64
    targets: Int64
    values: Float64

    @classmethod
    def of(
        cls,
        rows: Float64,
        asked: Bool,
        count: int,
        generator: np.random.Generator,
        single: bool = False,
    ) -> Self:
        """Ask for random columns of random rows, given random sets of their other values.

        Args:
            rows: Encoded rows, NaN where missing, shape `(rows, variables)`.
            asked: Columns that may be asked for, shape `(variables,)`.
            count: Number of questions; none where no row has what it takes.
            generator: Source of all choices.
            single: Whether one value is known, not a random number of them.
        """
        able = (~np.isnan(rows[:, asked])).any(axis=1) & ((~np.isnan(rows)).sum(axis=1) > 1)
        if not able.any():
            count = 0
        chosen = rows[generator.choice(np.flatnonzero(able), count) if count else []]
        observed = ~np.isnan(chosen)
        targets = _random(observed & asked, generator).argmax(axis=1)
        others = observed.copy()
        others[np.arange(count), targets] = False
        ranks = (-_random(others, generator)).argsort(axis=1).argsort(axis=1)
        most = others.sum(axis=1)
        sizes = np.ones_like(most) if single else generator.integers(1, most + 1)
        evidence = np.where(ranks < sizes[:, None], chosen, np.nan)
        return cls(evidence, targets, chosen[np.arange(count), targets])

    @property
    def answered(self) -> Float64:
        """The evidence with the row's own values of what is asked for."""
        return with_values(self.evidence, self.targets, self.values)


def with_values(evidence: Float64, targets: Int64, values: Float64) -> Float64:
    """Return the evidence with the columns asked for at some values, shape of `evidence`."""
    result = evidence.copy()
    result[np.arange(len(result)), targets] = values
    return result


def outcomes(column: Column) -> int:
    """Return the number of outcomes of a discrete column, `unknown` left out."""
    return 2 if column.unknown_code is None else int(column.unknown_code)


def conditionals_of(density: Density, evidence: Float64, variable: int) -> Iterator[Predictive]:
    """Yield the distributions of one missing column, some rows at a time, in order."""
    return (found for found in density.predictive(evidence) if found.variable == variable)


def _random(allowed: Bool, generator: np.random.Generator) -> Float64:
    """Random numbers, -1 where not allowed; the largest of a row is a random place."""
    return np.where(allowed, generator.uniform(size=allowed.shape), -1.0)
