"""A mixture of Bernoullis: rows of independent bits, each row of one of K kinds."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from benchmarks.likelihood.sets import Bits
from madeira.models.arrays import Float64

__all__ = ["BernoulliMixture", "fit_bernoulli_mixture"]


@dataclass(frozen=True)
class BernoulliMixture:
    """log p(x) = logsumexp_k(log w_k + sum_d log Bernoulli(x_d; p_kd)).

    Attributes:
        weights: w, shape `(components,)`, sums to 1.
        chances: p, shape `(components, variables)`, in (0, 1).
    """

    weights: Float64
    chances: Float64

    @classmethod
    def start(cls, train: Bits, components: int, generator: np.random.Generator) -> Self:
        """Components of one weight, each between the marginals and a row of its own.

        Args:
            train: Shape `(rows, variables)`.
            components: How many.
            generator: Chooses the rows.
        """
        chosen = generator.choice(len(train), components, replace=components > len(train))
        chances = 0.75 * train.mean(axis=0) + 0.25 * train[chosen]
        return cls(np.full(components, 1 / components), np.clip(chances, 0.005, 0.995))

    def log_joint(self, bits: Bits) -> Float64:
        """Log w_k + log p_k(x), nats, shape `(rows, components)`."""
        rows = bits.astype(np.float64)
        off = np.log1p(-self.chances)
        log_weights = np.log(np.maximum(self.weights, np.finfo(float).tiny))
        joint: Float64 = rows @ (np.log(self.chances) - off).T + (off.sum(axis=1) + log_weights)
        return joint

    def log_prob(self, bits: Bits) -> Float64:
        """Log-likelihood of each row, nats, shape `(rows,)`."""
        total: Float64 = np.logaddexp.reduce(self.log_joint(bits), axis=1)
        return total

    def improved(self, train: Bits, prior: float) -> Self:
        """Take one step of expectation-maximisation (Dempster, Laird, Rubin 1977).

        Args:
            train: Shape `(rows, variables)`.
            prior: Rows of the marginals that every component is given beforehand; with none the
                likelihood of the training rows never falls, and chances may become 0 or 1.
        """
        joint = self.log_joint(train)
        shares = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
        rows = shares.sum(axis=0)
        ones = shares.T @ train.astype(np.float64)
        marginal = (train.sum(axis=0) + 0.5) / (len(train) + 1)
        chances = (ones + prior * marginal) / np.maximum(rows + prior, 1e-12)[:, None]
        return type(self)(rows / len(train), np.clip(chances, 1e-9, 1 - 1e-9))


def fit_bernoulli_mixture(
    train: Bits,
    valid: Bits,
    components: int,
    seed: int = 0,
    prior: float = 0.5,
    tolerance: float = 1e-3,
    steps: int = 300,
) -> BernoulliMixture:
    """Return the mixture that is best on validation rows on its way to the maximum.

    Args:
        train: Rows to learn from, shape `(rows, variables)`.
        valid: Rows to stop by, shape `(rows, variables)`.
        components: How many.
        seed: Seed of the start.
        prior: See `BernoulliMixture.improved`.
        tolerance: Gain of validation likelihood, nats, over ten steps below which to stop.
        steps: Most steps.
    """
    mixture = BernoulliMixture.start(train, components, np.random.default_rng(seed))
    best, reached = mixture, [-np.inf]
    for _ in range(steps):
        mixture = mixture.improved(train, prior)
        nats = float(mixture.log_prob(valid).mean())
        if nats > max(reached):
            best = mixture
        reached.append(nats)
        if len(reached) > 10 and max(reached[-10:]) < max(reached[:-10]) + tolerance:
            break
    return best
