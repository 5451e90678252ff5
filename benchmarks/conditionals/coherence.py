"""Whether answers about parts of a row agree with each other, as those of one density do."""

import numpy as np

from benchmarks.conditionals.questions import Questions, outcomes, with_values
from benchmarks.held_out import Trial
from madeira.models.arrays import Float64
from madeira.models.columns.numeric import Numeric
from madeira.models.inference import Density

__all__ = ["coherence_measures", "monotony", "sums"]

QUESTIONS = 500
MONOTONY_QUESTIONS = 10_000
MAX_CELLS = 10_000
SUMS_WITHIN = 0.02
MAX_RATIO = 1.01


def coherence_measures(trial: Trial, seed: int, share: float = 1.0) -> dict[str, float]:
    """Compare sums over outcomes with 1, p(a, b) with p(a), and two ways to a pair.

    Args:
        trial: Model and rows.
        seed: Seed of the questions.
        share: Of the usual number of questions.

    Returns:
        `sums_outside`, the share of questions whose sum over b of p(a, b) / p(a) is not within
        0.98 to 1.02, `sums_least` and `sums_most`; `monotony_broken`, the share of questions with
        p(a, b) > 1.01 p(a), and `monotony_most`, the largest ratio; `swapped`, the mean of
        |log p(a) p(b | a) - log p(b) p(a | b)|, nats, and `swapped_rows`, that of the last two
        columns of a whole row.
    """
    generator = np.random.default_rng(seed)
    density, held = trial.estimator.density, trial.held
    count = round(share * QUESTIONS)
    discrete = np.array([column.discrete for column in density.layout.columns])
    halves = [Questions.of(held, discrete, count, generator, single) for single in (True, False)]
    found = np.concatenate([sums(density, half) for half in halves])
    ratios = monotony(density, held, round(share * MONOTONY_QUESTIONS), generator)
    pairs = Questions.of(held, np.ones_like(discrete), count, generator, single=True)
    complete = held[~np.isnan(held).any(axis=1)][: min(count, MAX_CELLS // density.variables)]
    result = {"swapped": _swapped(density, pairs.answered, generator)}
    if len(complete):
        result["swapped_rows"] = _swapped(density, complete, generator)
    if len(found):
        result["sums_outside"] = float((np.abs(found - 1) > SUMS_WITHIN).mean())
        result |= {"sums_least": float(found.min()), "sums_most": float(found.max())}
    if len(ratios):
        result["monotony_broken"] = float((ratios > MAX_RATIO).mean())
        result["monotony_most"] = float(ratios.max())
    return result


def sums(density: Density, questions: Questions) -> Float64:
    """Sum of p(a, b) / p(a) over all outcomes b, `unknown` too, of each question."""
    columns = density.layout.columns
    known = np.array([column.unknown_code is not None for column in columns])
    sizes = np.array([outcomes(column) if column.discrete else 0 for column in columns]) + known
    sizes = sizes[questions.targets]
    nats = density.score(questions.evidence)
    total = np.zeros(len(sizes))
    for code in range(sizes.max(initial=0)):
        some = np.flatnonzero(code < sizes)
        evidence, targets = questions.evidence[some], questions.targets[some]
        rows = with_values(evidence, targets, np.full(len(some), float(code)))
        total[some] += np.exp(density.score(rows) - nats[some])
    return total


def monotony(
    density: Density, held: Float64, count: int, generator: np.random.Generator
) -> Float64:
    """Ratios p(a, b) / p(a), b a category or a number on a grid, of random evidence a.

    The values of a held-out row become known one by one in a random order: each step that adds
    such a b is a question, so that two questions share one evaluation.

    Args:
        density: The density.
        held: Encoded rows, NaN where missing, shape `(rows, variables)`.
        count: Number of questions.
        generator: Source of rows and orders.

    Returns:
        Shape `(count,)`, fewer where no row has two values.
    """
    with_mass = np.array(
        [
            column.discrete or (isinstance(column, Numeric) and column.cell > 0)
            for column in density.layout.columns
        ]
    )
    found: list[Float64] = []
    questions = 0
    while questions < count:
        order = generator.permutation(len(held))
        part = held[order[: max(1, count // held.shape[1])]]
        noise = np.where(np.isnan(part), np.inf, generator.uniform(size=part.shape))
        ranks = noise.argsort(axis=1).argsort(axis=1)
        before = np.zeros(len(part))
        started = questions
        for place in range(part.shape[1]):
            observed = (ranks <= place) & ~np.isnan(part)
            added = (ranks == place) & ~np.isnan(part)
            rows = np.flatnonzero(added.any(axis=1))
            nats = before.copy()
            if len(rows):
                nats[rows] = density.score(np.where(observed[rows], part[rows], np.nan))
            if place:
                asked = added[:, with_mass].any(axis=1)
                found.append(np.exp(nats[asked] - before[asked]))
                questions += int(asked.sum())
            before = nats
        if questions == started:
            break
    return np.concatenate(found)[:count] if found else np.empty(0)


def _swapped(density: Density, rows: Float64, generator: np.random.Generator) -> float:
    """Mean of |log p(x, a) p(b | x, a) - log p(x, b) p(a | x, b)|, two random columns a and b.

    Args:
        density: The density.
        rows: Encoded rows with two values at least; x is what they have beside a and b.
        generator: Source of a and b.
    """
    noise = np.where(np.isnan(rows), 2.0, generator.uniform(size=rows.shape))
    first, second = noise.argsort(axis=1)[:, :2].T
    surprise = density.contributions(rows)
    each = np.arange(len(rows))
    ways = []
    for last in (first, second):
        without = with_values(rows, last, np.full(len(rows), np.nan))
        ways.append(density.score(without) - surprise[each, last])
    return float(np.abs(ways[0] - ways[1]).mean())
