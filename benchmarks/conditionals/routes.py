"""Four routes to one conditional, the probability of a category given random evidence.

- *sample*: how often `/sample` draws it. The draws of a question are a Latin hypercube (McKay,
  Beckman, Conover 1979): each uniform of the noise is spread evenly over them, so that few draws
  tell a probability well.
- *score*: the joint over the marginal.
- *contributions*: the exponential of minus the surprise of the value.
- *impute*: the probability that comes with a most probable value.

Draws and imputed values are never `unknown`, so all four are among the values that training has
seen.
"""

import numpy as np

from benchmarks.conditionals.questions import Questions, conditionals_of, with_values
from benchmarks.held_out import Trial
from madeira.models.arrays import Float64
from madeira.models.inference import Density

__all__ = ["latin_hypercube", "route_measures"]

QUESTIONS = 1_000
MAX_CELLS = 20_000
MAX_DRAWN_CELLS = 1_000_000
DRAWS = 512


def route_measures(trial: Trial, seed: int, share: float = 1.0) -> dict[str, float]:
    """Differences of the four routes on random questions, whose value is the row's own.

    Args:
        trial: Model and rows.
        seed: Seed of questions and draws.
        share: Of the usual number of questions.

    Returns:
        `routes_most` and `routes_mean`: largest and mean difference between the largest and the
        smallest of the three computed routes; `sampled_mean` and `sampled_error`: mean difference
        between the draws and the mean of the others, and mean standard error of as many plain
        draws; `sampled_most`, the largest difference beyond three standard errors, both over as
        many of the questions as time allows. Nothing where no column is of categories.
    """
    density, generator = trial.estimator.density, np.random.default_rng(seed)
    columns = density.layout.columns
    discrete = np.array([column.discrete for column in columns])
    seen = trial.held.copy()
    for variable in np.flatnonzero(discrete):
        new = ~np.isin(seen[:, variable], trial.train[:, variable])
        seen[new, variable] = np.nan
    count = min(QUESTIONS, MAX_CELLS // density.variables)  # a surprise takes all cells of a row
    questions = Questions.of(seen, discrete, round(share * count), generator)
    if not len(questions.targets):
        return {}
    evidence, targets = questions.evidence, questions.targets
    unknown = np.array(
        [
            np.nan if columns[target].unknown_code is None else columns[target].unknown_code
            for target in targets
        ]
    )
    surprising = with_values(evidence, targets, unknown)
    some = ~np.isnan(unknown)
    each = np.arange(len(targets))
    score = np.exp(density.score(questions.answered) - density.score(evidence))
    given = np.exp(-density.contributions(questions.answered)[each, targets])
    score[some] /= 1 - np.exp(density.score(surprising[some]) - density.score(evidence[some]))
    given[some] /= 1 - np.exp(
        -density.contributions(surprising[some])[each[: some.sum()], targets[some]]
    )
    computed = np.stack([score, given, _imputed(density, questions)])
    apart = np.ptp(computed, axis=0)
    drawn = max(1, min(len(targets), MAX_DRAWN_CELLS // (DRAWS * density.variables)))
    sampled = np.array([_sampled(density, questions, place, generator) for place in range(drawn)])
    expected = computed[:, :drawn].mean(axis=0)
    error = np.abs(sampled - expected)
    plain = np.sqrt((expected * (1 - expected)).clip(min=0) / DRAWS)
    return {
        "routes_most": float(apart.max()),
        "routes_mean": float(apart.mean()),
        "sampled_most": float((error - 3 * plain).clip(min=0).max()),
        "sampled_mean": float(error.mean()),
        "sampled_error": float(plain.mean()),
    }


def _imputed(density: Density, questions: Questions) -> Float64:
    """Probability by `Density.predictive`: `(questions,)`."""
    result = np.empty(len(questions.targets))
    for target in np.unique(questions.targets):
        rows = np.flatnonzero(questions.targets == target)
        parts = conditionals_of(density, questions.evidence[rows], int(target))
        result[rows] = np.concatenate(
            [part.probability(questions.values[rows[part.rows]]) for part in parts]
        )
    return result


def _sampled(
    density: Density, questions: Questions, place: int, generator: np.random.Generator
) -> float:
    """Share of draws that have the value of one question."""
    evidence = np.repeat(questions.evidence[place : place + 1], DRAWS, axis=0)
    noise = latin_hypercube(DRAWS, density.noise_width, generator)
    drawn = density.sample(evidence, noise)[:, questions.targets[place]]
    return float((drawn == questions.values[place]).mean())


def latin_hypercube(rows: int, width: int, generator: np.random.Generator) -> Float64:
    """Uniforms of which each column has one in each of `rows` equal parts of (0, 1).

    Args:
        rows: Number of rows.
        width: Number of columns.
        generator: Source of the order and of the places within parts.
    """
    parts = np.argsort(generator.uniform(size=(rows, width)), axis=0)
    uniforms: Float64 = (parts + generator.uniform(size=(rows, width))) / rows
    return uniforms.clip(1e-12, 1 - 1e-12)
