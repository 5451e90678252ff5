"""Rules: pairs of columns of which one fixes the other in 99.9 % of the training rows.

A rule counts where the fixing column has few values (at least five rows each, on average) and at
least two values of the fixed one follow from it, with five rows each: no number that every row has
for itself, and no column that has one value nearly everywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.held_out import Trial
from madeira.models.arrays import Float64

__all__ = ["Rule", "breaking", "find_rules", "rule_measures"]

MIN_SHARE = 0.999
MIN_ROWS = 5
MAX_VALUES = 100
MIN_DRAWN = 2_000


@dataclass(frozen=True)
class Rule:
    """One column fixes another.

    Attributes:
        fixing: The column that is known.
        fixed: The column that follows.
        known: Codes of the fixing column, rising, shape `(values,)`.
        follows: Code of the fixed one that follows from each, shape `(values,)`.
        counts: Training rows of each, shape `(values,)`.
    """

    fixing: int
    fixed: int
    known: Float64
    follows: Float64
    counts: Float64


def find_rules(rows: Float64) -> list[Rule]:
    """Return the rules of encoded rows, NaN where missing, shape `(rows, variables)`."""
    coded = {
        variable: np.unique(rows[:, variable][~np.isnan(rows[:, variable])], return_counts=True)[0]
        for variable in range(rows.shape[1])
    }
    few = [variable for variable, values in coded.items() if 2 <= len(values) <= MAX_VALUES]
    return list(_rules(rows, coded, few))


def _rules(rows: Float64, coded: dict[int, Float64], few: list[int]) -> Iterator[Rule]:
    places = {variable: np.searchsorted(coded[variable], rows[:, variable]) for variable in few}
    known = ~np.isnan(rows)
    for fixing in few:
        for fixed in few:
            both = known[:, fixing] & known[:, fixed]
            shape = len(coded[fixing]), len(coded[fixed])
            if fixing == fixed or both.sum() < MIN_ROWS * shape[0]:
                continue
            counts = np.zeros(shape)
            np.add.at(counts, (places[fixing][both], places[fixed][both]), 1)
            if counts.max(axis=1).sum() < MIN_SHARE * both.sum():
                continue
            follows = counts.argmax(axis=1)
            supported = np.bincount(follows, counts.max(axis=1), minlength=shape[1]) >= MIN_ROWS
            if supported.sum() >= 2:
                yield Rule(fixing, fixed, coded[fixing], coded[fixed][follows], counts.sum(axis=1))


def breaking(rules: list[Rule], rows: Float64) -> float:
    """Share of rows that break at least one rule; values that no rule knows break none."""
    broken = np.zeros(len(rows), dtype=bool)
    for rule in rules:
        place = np.searchsorted(rule.known, rows[:, rule.fixing]).clip(max=len(rule.known) - 1)
        known = (rule.known[place] == rows[:, rule.fixing]) & ~np.isnan(rows[:, rule.fixed])
        broken |= known & (rows[:, rule.fixed] != rule.follows[place])
    return float(broken.mean())


def rule_measures(trial: Trial, seed: int) -> dict[str, float]:
    """How sure the model is of what follows, and how many of its rows break a rule.

    Args:
        trial: Model and rows.
        seed: Seed of the synthetic rows.

    Returns:
        `rules`, how many; `duplicates`, the probability of the value that follows given the fixing
        value alone, mean over rows, of the worst rule, and `duplicates_mean` of all;
        `duplicates_value`, that of the worst value with five training rows;
        `broken` and `broken_held`, shares of synthetic and of held-out rows. The number alone
        where there is no rule.
    """
    rules = find_rules(trial.train)
    if not rules:
        return {"rules": 0.0}
    density = trial.estimator.density
    evidence = np.full((sum(len(rule.known) for rule in rules), density.variables), np.nan)
    both, start = evidence.copy(), 0
    for rule in rules:
        part = slice(start, start + len(rule.known))
        evidence[part, rule.fixing] = both[part, rule.fixing] = rule.known
        both[part, rule.fixed] = rule.follows
        start = part.stop
    ratio = np.exp(density.score(both) - density.score(evidence))
    probability = 1 - np.abs(1 - ratio)  # a ratio above 1 is as wrong as one below
    means, values, start = [], [], 0
    for rule in rules:
        own = probability[start : start + len(rule.known)]
        means.append(np.average(own, weights=rule.counts))
        values.append(own[rule.counts >= MIN_ROWS].min())
        start += len(rule.known)
    schema, estimator = trial.estimator.schema, trial.estimator
    drawn = estimator.sample(max(MIN_DRAWN, len(trial.held)), seed=seed)
    return {
        "rules": float(len(rules)),
        "duplicates": float(min(means)),
        "duplicates_mean": float(np.mean(means)),
        "duplicates_value": float(min(values)),
        "broken": breaking(rules, schema.encode(drawn)),
        "broken_held": breaking(rules, trial.held),
    }
